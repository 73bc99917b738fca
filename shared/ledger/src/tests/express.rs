//! Tests of owners that are Express runs: which run continues, and when the sweep takes over.

use holdfast_ids::arn::owner_of;
use holdfast_receipt::Status;
use holdfast_task::{Failure, Tier};
use jiff::SignedDuration;
use serde_json::json;

use super::super::{
    ExecutionRecord, NextLook, Phase, Redrive, StartTransition,
    fixtures::{at, execution, inline, key},
    runs_end_at, start,
};

/// The record of an execution whose owner is the runs of one Express start.
fn express() -> ExecutionRecord {
    let run = "arn:aws:states:eu-central-1:123456789012:express:WF-HOLD:x:run-1";
    ExecutionRecord {
        owner: owner_of(run).to_owned(),
        ..execution(&key("k"))
    }
}

fn redriven() -> ExecutionRecord {
    ExecutionRecord {
        generation: 1,
        redriven: Some(Redrive {
            generation: 1,
            by: "ada".to_owned(),
            reason: "mended".to_owned(),
            at: at(1000),
            machine: None,
        }),
        ..express()
    }
}

#[test]
fn another_run_of_an_express_start_continues_with_what_it_would_have_begun() {
    assert_eq!(start(Some(&express()), &express()), StartTransition::Resume);
    let another_input = ExecutionRecord {
        input: inline(json!({"vendor_id": "v-2"})),
        ..express()
    };
    let found = start(Some(&express()), &another_input);
    assert_eq!(found, StartTransition::KeyReused);
    let another_definition = ExecutionRecord {
        definition_digest: "sha256:1".to_owned(),
        ..express()
    };
    let found = start(Some(&express()), &another_definition);
    assert_eq!(found, StartTransition::Rerun);
}

#[test]
fn a_run_that_begins_too_late_to_continue_is_a_rerun_and_no_repeated_start() {
    let ended = |record| ExecutionRecord {
        phase: Phase::Ended {
            status: Status::Executed,
            at: at(60),
            failure: None,
        },
        ..record
    };
    let recovered = ExecutionRecord {
        origin: Some(express().owner),
        owner: "arn:aws:states:eu-central-1:123456789012:execution:recovery:x".to_owned(),
        ..express()
    };
    let reported = ExecutionRecord {
        owner: format!("{}:run-1", express().owner),
        ..express()
    };
    for first in [ended(express()), recovered, reported, ended(redriven())] {
        let found = start(Some(&first), &express());
        assert_eq!(found, StartTransition::Rerun, "{}", first.owner);
    }
    let short = ExecutionRecord {
        input: inline(json!({})),
        ..express()
    };
    let found = start(Some(&ended(redriven())), &short);
    assert_eq!(
        found,
        StartTransition::Rerun,
        "a redrive sends no long input"
    );
    let found = start(Some(&ended(express())), &short);
    assert_eq!(found, StartTransition::KeyReused);
    let other = ExecutionRecord {
        owner: express().owner.replace(":x", ":y"),
        ..express()
    };
    let found = start(Some(&ended(express())), &other);
    assert_eq!(found, StartTransition::Duplicate);
}

#[test]
fn the_runs_of_an_express_redrive_need_not_send_the_input() {
    let sent = ExecutionRecord {
        input: inline(json!({})),
        ..express()
    };
    assert_eq!(start(Some(&redriven()), &sent), StartTransition::Resume);
}

#[test]
fn an_open_express_execution_is_looked_at_when_its_runs_have_ended() {
    let unwinding = Phase::Unwinding {
        failure: Failure::rejected(),
    };
    for phase in [Phase::Running, unwinding] {
        let open = ExecutionRecord { phase, ..express() };
        assert_eq!(runs_end_at(&open), Some(at(300)));
        let look = NextLook::of(&open);
        assert_eq!((look.due, look.urgent), (at(300), true));
    }
    assert_eq!(runs_end_at(&execution(&key("k"))), None);
}

#[test]
fn the_owner_of_an_express_redrive_may_be_started_a_minute_late() {
    assert_eq!(NextLook::of(&redriven()).due, at(1060));
    assert_eq!(runs_end_at(&redriven()), Some(at(1360)));
    let started = NextLook::of_runs(at(1360), Some(at(1100)));
    assert_eq!(started.due, at(1100) + SignedDuration::from_mins(5));
    assert_eq!(NextLook::of_runs(at(1360), None).due, at(1360));
}

#[test]
fn the_tier_of_an_execution_is_that_of_the_machine_that_began_it() {
    assert_eq!(express().tier(), Tier::Express);
    assert_eq!(execution(&key("k")).tier(), Tier::Standard);
    let recovered = ExecutionRecord {
        origin: Some(express().owner),
        owner: "arn:aws:states:eu-central-1:123456789012:execution:recovery:x".to_owned(),
        ..express()
    };
    assert_eq!(recovered.tier(), Tier::Express);
}
