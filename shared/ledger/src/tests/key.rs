//! The texts of keys and lists, which deployed tables already have.

use holdfast_ids::keys::ExecutionKey;
use jiff::Timestamp;

use crate::{
    BulkKey, BulkPartKey, Counter, CounterKind, DelegationKey, IncidentKey, IncidentStatus, Key,
    List, QuestionKey, RecordKey, Scope, StatisticsKey, StatisticsMark, StepKey, TenantKey,
};

fn at() -> ExecutionKey {
    ExecutionKey {
        tenant: "acme".to_owned(),
        execution: "f123".to_owned(),
    }
}

fn counter(period: &str) -> Key {
    Key::Counter(Counter {
        tenant: "acme".to_owned(),
        kind: CounterKind::Approval,
        name: "C#1".to_owned(),
        period: period.to_owned(),
    })
}

/// Tables that are deployed have these texts.
#[test]
fn every_key_has_its_text_and_is_read_back_from_it() {
    let step = |item| Key::Step(StepKey::new(&at(), "hold", item));
    let question = QuestionKey {
        at: at(),
        step: "hold".to_owned(),
    };
    let link = Key::Link {
        incident: IncidentKey::new("acme", "i-1"),
        execution: "f123".to_owned(),
        generation: 2,
    };
    let refusal = Key::Refusal {
        tenant: "acme".to_owned(),
        at: Timestamp::constant(1_759_150_800, 120_000_000),
        id: "r-1".to_owned(),
    };
    let head = Key::Head {
        tenant: "acme".to_owned(),
    };
    let tenant = TenantKey("acme".to_owned()).key();
    let workflow = Key::Control(Scope::Workflow("WF-X".to_owned()));
    let bulk = BulkKey {
        tenant: "acme".to_owned(),
        id: "b-1".to_owned(),
    };
    let delegation = DelegationKey {
        tenant: "acme".to_owned(),
        id: "d-1".to_owned(),
    };
    let of = StatisticsKey {
        tenant: "acme".to_owned(),
        hour: Timestamp::constant(1_759_150_800, 0),
        workflow: "WF-X".to_owned(),
    };
    let mark = Key::StatisticsMark(StatisticsMark {
        of: of.clone(),
        first: "111".to_owned(),
    });
    let (execution, incident) = ("TENANT#acme#EXEC#f123", "TENANT#acme#INCIDENT#i-1");
    for (key, pk, sk) in [
        (Key::Execution(at()), execution, "META"),
        (Key::Duplicates(at()), execution, "DUPLICATES"),
        (step(None), execution, "STEP#hold"),
        (step(Some("v:1@x.y")), execution, "STEP#hold#v:1@x.y"),
        (Key::Question(question), execution, "ASK#hold"),
        (
            Key::Incident(IncidentKey::new("acme", "i-1")),
            incident,
            "META",
        ),
        (link, incident, "EXEC#f123#2"),
        (counter(""), "TENANT#acme#COUNT#APPROVAL#C#1", "-"),
        (
            counter("2026-W01"),
            "TENANT#acme#COUNT#APPROVAL#C#1",
            "2026-W01",
        ),
        (
            refusal,
            "TENANT#acme#REFUSED",
            "2025-09-29T13:00:00.120Z#r-1",
        ),
        (Key::Control(Scope::Platform), "CONTROL#platform", "META"),
        (workflow, "CONTROL#workflow/WF-X", "META"),
        (Key::ControlCopy(7), "CONTROL#COPY#07", "META"),
        (head, "CHAINS", "acme"),
        (Key::ChainCursor, "CHAINS", "#CURSOR"),
        (tenant, "TENANTS", "acme"),
        (
            Key::BulkPart(BulkPartKey {
                bulk: bulk.clone(),
                number: 7,
            }),
            "TENANT#acme#BULK#b-1",
            "PART#0007",
        ),
        (Key::Bulk(bulk), "TENANT#acme#BULK#b-1", "META"),
        (
            Key::Statistics(of),
            "TENANT#acme#STATISTICS",
            "2025-09-29T13#WF-X",
        ),
        (
            mark,
            "TENANT#acme#STATISTICS",
            "MARK#111#2025-09-29T13#WF-X",
        ),
        (
            Key::Delegation(delegation),
            "TENANT#acme#DELEGATIONS",
            "d-1",
        ),
    ] {
        assert_eq!((key.pk().as_str(), key.sk().as_str()), (pk, sk));
        assert_eq!(Key::parse(pk, sk), Some(key));
    }
}

/// The reference of an approval is free text of another system.
#[test]
fn free_text_in_a_key_never_becomes_another_key() {
    for name in [
        "x#EXEC#f123",
        "#EXEC#f123",
        "EXEC#f123",
        "x#INCIDENT#i-1",
        "APPROVAL#x",
        "x#REFUSED",
        "TENANT#globex#EXEC#f123",
        "CHAINS",
        "#",
        "# #",
    ] {
        let key = Key::Counter(Counter {
            tenant: "acme".to_owned(),
            kind: CounterKind::Approval,
            name: name.to_owned(),
            period: String::new(),
        });
        assert_eq!(Key::parse(&key.pk(), &key.sk()), Some(key), "{name}");
    }
}

#[test]
fn other_texts_are_no_keys() {
    for (pk, sk) in [
        ("", ""),
        ("TENANT#acme", "META"),
        ("TENANT#acme#EXEC#f123", "NOTE"),
        ("TENANT#acme#INCIDENT#i-1", "NOTE"),
        ("TENANT#acme#BULK#b-1", "NOTE"),
        ("TENANT#acme#BULK#b-1", "PART#x"),
        ("TENANT#acme#INCIDENT#i-1", "EXEC#f123"),
        ("TENANT#acme#COUNT#OTHER#x", "-"),
        ("TENANT#acme#REFUSED", "r-1"),
        ("TENANT#acme#STATISTICS", "META"),
        ("TENANT#acme#STATISTICS", "2025-09-29#WF-X"),
        ("TENANT#acme#STATISTICS", "MARK#111"),
        ("TENANT#acme#OTHER", "META"),
        ("CONTROL#nothing", "META"),
        ("CONTROL#platform", "NOTE"),
    ] {
        assert_eq!(Key::parse(pk, sk), None, "{pk} {sk}");
    }
}

#[test]
fn every_list_has_its_index_and_its_hash_key() {
    let incidents = |status| List::Incidents {
        tenant: "acme".to_owned(),
        status,
    };
    for (list, index, range, hash) in [
        (
            List::executions(&at()),
            "listed",
            "listed_at",
            "TENANT#acme#EXECUTIONS#7",
        ),
        (
            List::OfSubject {
                tenant: "acme".to_owned(),
                subject: "order 4711".to_owned(),
            },
            "found_by",
            "listed_at",
            "TENANT#acme#SUBJECT#order 4711",
        ),
        (
            incidents(IncidentStatus::Open),
            "for_people",
            "listed_at",
            "TENANT#acme#INCIDENTS#OPEN",
        ),
        (
            incidents(IncidentStatus::Acknowledged),
            "for_people",
            "listed_at",
            "TENANT#acme#INCIDENTS#ACKNOWLEDGED",
        ),
        (
            incidents(IncidentStatus::Resolved),
            "for_people",
            "listed_at",
            "TENANT#acme#INCIDENTS#RESOLVED",
        ),
        (
            List::Questions("acme".to_owned()),
            "for_people",
            "listed_at",
            "TENANT#acme#QUESTIONS",
        ),
        (List::Controls, "for_people", "listed_at", "CONTROLS"),
        (List::open(&at(), false), "open", "due", "7"),
        (List::open(&at(), true), "open", "due", "U7"),
        (List::OpenIncidents, "open", "due", "INCIDENTS"),
    ] {
        let found = (list.index(), list.range(), list.hash());
        assert_eq!(found, (index, range, hash.to_owned()));
    }
}
