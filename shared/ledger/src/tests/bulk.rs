//! The rules of bulks: who starts one with which token, how it stops, and that each execution is
//! accounted for once.

use futures_executor::block_on;
use holdfast_receipt::{Decision, Status};
use holdfast_task::{ErrorName, Failure};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Bulk, BulkCaller, BulkFilter, BulkItem, BulkOperation, BulkOutcome, BulkOutcomeKind, BulkPart,
    BulkPartKey, BulkQuestion, BulkRequest, BulkState, BulkTarget, BulkTransition, ExecutionRecord,
    Expect, Ledger as _, MemoryLedger, Phase, Put, Question, QuestionState, Redrive, Ruling,
    fixtures::{at, execution, key, question},
};

fn caller() -> BulkCaller {
    BulkCaller {
        subject: "root".to_owned(),
        role: "platform-admin".to_owned(),
        tenant: None,
        groups: Vec::new(),
    }
}

fn request(operation: BulkOperation) -> BulkRequest {
    BulkRequest {
        operation,
        filter: BulkFilter {
            workflow_id: Some("WF-HOLD".to_owned()),
            ..BulkFilter::default()
        },
        reason: "wrong amounts".to_owned(),
        by: caller(),
    }
}

fn targets(count: usize) -> Vec<BulkTarget> {
    let numbers = 0..count;
    numbers
        .map(|n| BulkTarget {
            execution: key(&format!("k-{n}")).execution,
            generation: 0,
            question: None,
        })
        .collect()
}

fn shown(request: BulkRequest, count: usize) -> (Bulk, Vec<BulkPart>) {
    Bulk::shown("acme", &"b".repeat(40), request, targets(count), at(0))
}

fn cancels() -> Bulk {
    shown(request(BulkOperation::Cancel), 3).0
}

fn written(transition: BulkTransition) -> Bulk {
    match transition {
        BulkTransition::Write(next) => *next,
        other => panic!("nothing to write: {other:?}"),
    }
}

fn outcome(kind: BulkOutcomeKind) -> Option<BulkOutcome> {
    Some(BulkOutcome { kind, note: None })
}

#[test]
fn a_list_lies_in_parts_that_hold_each_execution_once_in_order() {
    let (bulk, parts) = shown(request(BulkOperation::Cancel), 101);
    let lengths: Vec<_> = parts.iter().map(|part| part.items.len()).collect();
    assert_eq!((bulk.total, lengths), (101, vec![50, 50, 1]));
    let listed = parts.iter().flat_map(|part| &part.items);
    let listed: Vec<_> = listed.map(|item| item.target.clone()).collect();
    assert_eq!(listed, targets(101));
    assert!(parts.iter().map(|part| part.number).eq(0..3));
    let most = shown(request(BulkOperation::Cancel), Bulk::MOST).1;
    assert_eq!(most.last().map(|part| part.number), Some(199));
}

#[test]
fn only_the_caller_to_whom_the_list_was_shown_starts_it_and_only_with_the_same_rights() {
    let bulk = cancels();
    let token = bulk.token();
    let other = |change: fn(&mut BulkCaller)| {
        let mut other = caller();
        change(&mut other);
        bulk.run(&other, &token, at(1))
    };
    for refused in [
        other(|caller| caller.subject = "eve".to_owned()),
        other(|caller| caller.role = "tenant-admin".to_owned()),
        other(|caller| caller.tenant = Some("globex".to_owned())),
        other(|caller| caller.groups = vec!["cfo".to_owned()]),
    ] {
        assert!(
            matches!(refused, BulkTransition::Forbidden(_)),
            "{refused:?}"
        );
    }
    let running = written(bulk.run(&caller(), &token, at(1)));
    assert_eq!((running.rev, running.state.name()), (2, "RUNNING"));
}

#[test]
fn a_token_binds_tenant_filter_operation_reason_and_list() {
    let bulk = cancels();
    let changed = |change: fn(&mut Bulk)| {
        let mut other = bulk.clone();
        change(&mut other);
        other.token()
    };
    for token in [
        String::new(),
        changed(|other| other.tenant = "globex".to_owned()),
        changed(|other| other.id = "c".repeat(40)),
        changed(|other| other.filter.status = Some("FAILED".to_owned())),
        changed(|other| other.operation = BulkOperation::Redrive),
        changed(|other| other.reason = "another".to_owned()),
        changed(|other| other.by.subject = "eve".to_owned()),
        changed(|other| other.until = at(9_999)),
        shown(request(BulkOperation::Cancel), 4).0.token(),
    ] {
        let answer = bulk.run(&caller(), &token, at(1));
        assert!(matches!(answer, BulkTransition::Refused(_)), "{token}");
    }
    let mut question = targets(1);
    question[0].question = Some(BulkQuestion {
        step: "hold".to_owned(),
        incident: "i-1".to_owned(),
        shown_sha256: "0".to_owned(),
    });
    let (asked, _) = Bulk::shown("acme", &bulk.id, request(bulk.operation), question, at(0));
    assert_ne!(
        asked.list_sha256,
        shown(request(bulk.operation), 1).0.list_sha256
    );
}

#[test]
fn a_token_starts_the_bulk_within_an_hour_and_repeats_it_later() {
    let bulk = cancels();
    let run = |bulk: &Bulk, now: Timestamp| bulk.run(&caller(), &bulk.token(), now);
    let tick = SignedDuration::from_nanos(1);
    assert!(matches!(run(&bulk, at(3_600)), BulkTransition::Refused(_)));
    let running = written(run(&bulk, at(3_600) - tick));
    // The answer to the first request may have been lost.
    assert_eq!(run(&running, at(9_999)), BulkTransition::Already);
    let done = written(running.end(at(60)));
    assert_eq!(run(&done, at(9_999)), BulkTransition::Already);
}

#[test]
fn of_two_requests_to_start_a_bulk_at_once_one_is_written() {
    let ledger = MemoryLedger::default();
    let bulk = cancels();
    block_on(ledger.put(&bulk, Expect::Absent)).expect("memory");
    let put = || {
        let next = written(bulk.run(&caller(), &bulk.token(), at(1)));
        block_on(ledger.put(&next, Expect::Rev(bulk.rev))).expect("memory")
    };
    assert_eq!(put(), Put::Done);
    let Put::Lost(Some(winner)) = put() else {
        panic!("the second must lose");
    };
    let again = winner.run(&caller(), &bulk.token(), at(2));
    assert_eq!(again, BulkTransition::Already);
}

#[test]
fn a_stopped_bulk_makes_no_request_and_never_starts_again() {
    let bulk = cancels();
    let never = written(bulk.stop("root", at(1)));
    assert_eq!(never.state.name(), "STOPPED");
    let running = written(bulk.run(&caller(), &bulk.token(), at(1)));
    let stopping = written(running.stop("ann", at(2)));
    assert_eq!(
        (stopping.state.name(), stopping.state.starts()),
        ("STOPPING", Some(1))
    );
    assert_eq!(stopping.stop("bob", at(3)), BulkTransition::Already);
    let stopped = written(stopping.end(at(4)));
    let by_ann = BulkState::Stopped {
        by: "ann".to_owned(),
        at: at(4),
    };
    assert_eq!(stopped.state, by_ann);
    for over in [never, stopping, stopped.clone()] {
        let answer = over.run(&caller(), &over.token(), at(5));
        assert!(matches!(answer, BulkTransition::Refused(_)), "{answer:?}");
    }
    assert_eq!(stopped.restart(), BulkTransition::Already);
    let done = written(running.end(at(4)));
    assert!(matches!(
        done.stop("ann", at(5)),
        BulkTransition::Refused(_)
    ));
}

#[test]
fn another_worker_is_counted_while_a_bulk_runs_or_stops() {
    let running = written(cancels().run(&caller(), &cancels().token(), at(1)));
    assert_eq!(written(running.restart()).state.starts(), Some(2));
    let stopping = written(running.stop("ann", at(2)));
    let again = written(stopping.restart());
    assert_eq!(
        (again.state.name(), again.state.starts()),
        ("STOPPING", Some(2))
    );
    assert_eq!(cancels().restart(), BulkTransition::Already);
}

/// Two workers that read the same part and save in either order.
#[test]
fn two_workers_of_one_part_account_for_each_execution_once() {
    use BulkOutcomeKind::{Already, Done, Refused};
    let part = shown(request(BulkOperation::Cancel), 3).1.remove(0);
    let with = |outcomes: [Option<BulkOutcomeKind>; 3]| {
        let mut mine = part.clone();
        for (item, kind) in mine.items.iter_mut().zip(outcomes) {
            item.outcome = kind.and_then(outcome);
        }
        mine
    };
    let first = with([Some(Done), Some(Refused), None]);
    let second = with([Some(Already), None, Some(Done)]);
    for (one, other, expected) in [
        (&first, &second, [Done, Refused, Done]),
        (&second, &first, [Already, Refused, Done]),
    ] {
        let ledger = MemoryLedger::default();
        block_on(ledger.put(&part, Expect::Absent)).expect("memory");
        for mine in [one, other] {
            let stored = read(&ledger, &part.key());
            let next = mine.merged_into(&stored).expect("it has something new");
            let put = block_on(ledger.put(&next, Expect::Rev(stored.rev)));
            assert_eq!(put, Ok(Put::Done));
            assert_eq!(
                mine.merged_into(&next),
                None,
                "a repeated save changes nothing"
            );
        }
        let stored = read(&ledger, &part.key());
        let kinds = stored.items.into_iter().flat_map(|item| item.outcome);
        let kinds: Vec<_> = kinds.map(|outcome| outcome.kind).collect();
        assert_eq!(kinds, expected);
    }
}

fn read(ledger: &MemoryLedger, key: &BulkPartKey) -> BulkPart {
    let stored = block_on(ledger.read(key)).expect("memory");
    stored.expect("it is stored")
}

#[test]
fn a_request_is_repeated_until_its_last_failure_gives_an_outcome_and_failures_are_kept() {
    for kind in [BulkOutcomeKind::NotReached, BulkOutcomeKind::Refused] {
        let mut part = shown(request(BulkOperation::Cancel), 1).1.remove(0);
        for n in 1..BulkItem::FAILURES_MAX {
            let stored = part.clone();
            part.items[0].fail(kind, "the ledger does not answer");
            part = part.merged_into(&stored).expect("a failure is stored");
            assert_eq!((part.items[0].failures, &part.items[0].outcome), (n, &None));
        }
        part.items[0].fail(kind, "the ledger does not answer");
        let outcome = part.items[0].outcome.clone().expect("an outcome");
        assert_eq!(outcome.kind, kind);
        assert!(outcome.note.is_some_and(|note| note.contains("the ledger")));
    }
}

#[test]
fn a_repeated_worker_knows_the_requests_of_its_own_bulk() {
    let cancels = cancels();
    let failure = |cause: &str| Failure {
        state: String::new(),
        error: ErrorName::Cancelled.to_string(),
        cause: cause.to_owned(),
        by: Some("root".to_owned()),
    };
    let reason = cancels.marked_reason();
    assert!(
        reason.len() == cancels.reason.len() + Bulk::MARK,
        "{reason}"
    );
    let record = execution(&key("k"));
    for (cause, own) in [(&*reason, true), (&*cancels.reason, false)] {
        let unwinding = ExecutionRecord {
            phase: Phase::Unwinding {
                failure: failure(cause),
            },
            ..record.clone()
        };
        let ended = ExecutionRecord {
            phase: Phase::Ended {
                status: Status::RolledBack,
                at: at(1),
                failure: Some(failure(cause)),
            },
            ..record.clone()
        };
        assert_eq!(cancels.is_shown_by(&unwinding), own);
        assert_eq!(cancels.is_shown_by(&ended), own);
        let redrives = Bulk {
            operation: BulkOperation::Redrive,
            ..cancels.clone()
        };
        let redriven = ExecutionRecord {
            redriven: Some(Redrive {
                generation: 1,
                by: "root".to_owned(),
                reason: cause.to_owned(),
                at: at(1),
                machine: None,
            }),
            ..record.clone()
        };
        assert_eq!(redrives.is_shown_by(&redriven), own);
        assert!(!cancels.is_shown_by(&redriven));
        let asked = question(&key("k"));
        let ruled = Question {
            state: QuestionState::Ruled {
                ruling: Ruling {
                    decision: Decision::Retry,
                    by: "root".to_owned(),
                    reason: cause.to_owned(),
                    at: at(1),
                    incident: None,
                },
                delivered: false,
            },
            ..asked.clone()
        };
        assert_eq!(cancels.is_shown_by_question(&ruled), own);
        assert!(!cancels.is_shown_by_question(&asked));
    }
    assert!(!cancels.is_shown_by(&record));
}
