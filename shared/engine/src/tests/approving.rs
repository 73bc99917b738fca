//! Tests of approvals of several people: asked, skipped, reminded of, and stated in the receipt.

use holdfast_ids::digest::value_sha256_hex;
use holdfast_ledger::{
    Question, QuestionState, Request, RulingTransition, Voter, VoterRole,
    fixtures::{self, key},
    rule, shown,
};
use holdfast_receipt::{ApprovalOutcome, Decision};
use holdfast_task::{Approvers, Ask, AskTask, ExpireTask, QuestionKind};
use jiff::SignedDuration;

use super::{
    asking::ask_task,
    owners::TestMachines,
    status_events::{LedgerEngine, described, ledger_engine},
    *,
};
use crate::{
    EndCursor, Recovery, answer,
    testing::{Fault, Op, engine},
};

/// The question of an approval by two groups, which reminds every ten minutes.
fn cosigned(execution: &ExecutionRef) -> AskTask {
    let task = ask_task(execution, QuestionKind::Approval);
    AskTask {
        ask: Ask {
            within_s: 3600,
            approvers: Some(Approvers {
                by: vec!["cfo".to_owned(), "treasury".to_owned()],
                count: 2,
                distinct_groups: true,
                remind_every_s: Some(600),
            }),
            when: Some("$input.amount > 50000".to_owned()),
            ..task.ask
        },
        ..task
    }
}

fn skipped(execution: &ExecutionRef) -> AskTask {
    AskTask {
        when: false,
        message: Value::Null,
        ..cosigned(execution)
    }
}

/// Records the decision of a member of this group. Returns the question, if it counts.
fn votes(
    ledger: &impl Ledger,
    execution: &ExecutionRef,
    (name, group): (&str, &str),
    now: Timestamp,
) -> Option<Box<Question>> {
    let voter = Voter {
        subject: name.to_owned(),
        role: VoterRole::Approver,
        groups: vec![group.to_owned()],
        stands_in: Vec::new(),
        read_sha256: None,
    };
    let request = Request {
        by: name.to_owned(),
        reason: "so".to_owned(),
    };
    let (at, yes) = (partition(execution), Decision::Approve);
    let voted = run(rule(ledger, &at, STEPS[0], yes, &voter, &request, now));
    match voted.unwrap() {
        Some(RulingTransition::Write(question)) => Some(question),
        _ => None,
    }
}

/// Ends the execution with success. Returns its receipt.
fn executed(engine: &TestEngine, execution: &ExecutionRef) -> holdfast_receipt::Receipt {
    for step in STEPS {
        attempt(engine, &step_task(execution, step), &Script::default()).unwrap();
    }
    let finished = finish(engine, execution, None).unwrap();
    assert_eq!(finished.status, "EXECUTED");
    rollback::receipt_of(engine, execution)
}

#[test]
fn two_people_approve_and_output_and_receipt_name_both() {
    let engine = engine();
    let execution = begun(&engine);
    assert_eq!(run(engine.ask(&cosigned(&execution))), Ok(None));
    let ledger = &*engine.ledger.kept;
    let one = votes(ledger, &execution, ("bob", "cfo"), now(&engine)).expect("it counts");
    assert_eq!((one.ruling(), one.undelivered()), (None, None));
    assert_eq!(
        votes(ledger, &execution, ("carol", "cfo"), now(&engine)),
        None
    );
    let two = votes(ledger, &execution, ("dan", "treasury"), now(&engine)).expect("it counts");
    let ruling = two.undelivered().expect("it is decided");
    let output = answer(&two, ruling).expect("it continues").output;
    assert_eq!(output["by"], "dan");
    assert_eq!(output["votes"][0]["by"], "bob");
    assert_eq!(output["votes"][1]["group"], "treasury");
    let left = snapshot(&engine, &execution);
    let seen = value_sha256_hex(&shown(&left.questions[0], &left.execution));
    let receipt = executed(&engine, &execution);
    let [approval] = &receipt.approvals[..] else {
        panic!("{:?}", receipt.approvals);
    };
    assert_eq!(approval.outcome, ApprovalOutcome::Approved);
    assert_eq!(approval.by, ["cfo", "treasury"]);
    assert_eq!(approval.votes, two.votes);
    assert_eq!(approval.votes[0].shown_sha256, seen.expect("JSON"));
}

#[test]
fn the_timeout_of_a_later_generation_takes_no_approval_of_an_earlier_one() {
    let engine = engine();
    let execution = begun(&engine);
    run(engine.ask(&skipped(&execution))).unwrap();
    let expired = |execution: &ExecutionRef| {
        run(engine.expire(&ExpireTask {
            execution: execution.clone(),
            expired: STEPS[0].to_owned(),
        }))
    };
    assert!(expired(&execution).is_ok());
    let later = ExecutionRef {
        epoch: execution.epoch + 1,
        ..execution
    };
    let error = expired(&later).expect_err("no question of this generation");
    assert_eq!(error.name, ErrorName::Expired);
}

#[test]
fn a_skipped_approval_is_answered_at_once_and_the_receipt_names_its_rule() {
    let engine = engine();
    let execution = begun(&engine);
    let ask = skipped(&execution);
    let again = AskTask {
        token: "task-2".to_owned(),
        retry: 1,
        ..ask.clone()
    };
    for ask in [&ask, &ask, &again] {
        let answer = run(engine.ask(ask)).unwrap().expect("an answer");
        assert_eq!(answer.expect("it continues").output, Value::Null);
    }
    let expired = ExpireTask {
        execution: execution.clone(),
        expired: STEPS[0].to_owned(),
    };
    engine.host.pass(3600);
    assert_eq!(run(engine.expire(&expired)).unwrap().output, Value::Null);
    let receipt = executed(&engine, &execution);
    let approval = &receipt.approvals[0];
    assert_eq!(approval.outcome, ApprovalOutcome::Skipped);
    assert_eq!(approval.rule.as_deref(), Some("$input.amount > 50000"));
    assert_eq!((receipt.decisions.len(), receipt.incident), (0, None));
    assert_eq!(engine.ledger.kept.incidents("acme").len(), 0);
}

/// The loser of the write decides again on the question that the winner wrote.
#[test]
fn a_vote_that_is_written_beside_another_counts_with_it() {
    let engine = engine();
    let execution = begun(&engine);
    run(engine.ask(&cosigned(&execution))).unwrap();
    let now = now(&engine);
    let (kept, at) = (engine.ledger.kept.clone(), execution.clone());
    let first = Fault::After(Box::new(move || {
        votes(&*kept, &at, ("bob", "cfo"), now).expect("it counts");
    }));
    engine.ledger.spoil(Op::PutQuestion, 0, first);
    votes(&engine.ledger, &execution, ("dan", "treasury"), now).expect("it counts");
    let question = snapshot(&engine, &execution).questions.remove(0);
    let by: Vec<_> = question.votes.iter().map(|vote| &*vote.by).collect();
    assert_eq!(by, ["bob", "dan"]);
    assert!(question.ruling().is_some(), "{question:?}");
}

#[test]
fn votes_that_are_not_enough_are_in_the_receipt_of_an_execution_that_rolls_back() {
    let engine = engine();
    let execution = begun(&engine);
    run(engine.ask(&cosigned(&execution))).unwrap();
    votes(
        &*engine.ledger.kept,
        &execution,
        ("bob", "cfo"),
        now(&engine),
    );
    engine.host.pass(3600);
    let expired = ExpireTask {
        execution: execution.clone(),
        expired: STEPS[0].to_owned(),
    };
    let error = run(engine.expire(&expired)).expect_err("too few");
    assert_eq!(error.name, ErrorName::Expired);
    finish(&engine, &execution, Some(STEPS[0])).unwrap();
    let receipt = rollback::receipt_of(&engine, &execution);
    let approval = &receipt.approvals[0];
    assert_eq!(approval.outcome, ApprovalOutcome::Undecided);
    assert_eq!(approval.votes[0].by, "bob");
}

/// One sweep while the owner runs.
fn sweeps(engine: &LedgerEngine, execution: &ExecutionRef) -> Question {
    let machines = TestMachines {
        described: described(true),
        ..TestMachines::default()
    };
    let recovery = Recovery {
        engine,
        machines: &machines,
        cursor: &EndCursor::default(),
        notice: &|_| {},
    };
    run(recovery.sweep()).unwrap();
    let found = run(engine.ledger.snapshot(&partition(execution))).unwrap();
    found.expect("it has begun").questions.remove(0)
}

#[test]
fn the_sweep_reminds_at_each_interval_until_people_have_decided() {
    let engine = ledger_engine();
    let task = begin_task(start_of(usual_input()));
    let execution = run(engine.begin(&task)).unwrap().execution;
    let ask = AskTask {
        entered: engine.host.now().to_string(),
        ..cosigned(&execution)
    };
    assert_eq!(run(engine.ask(&ask)), Ok(None));
    // Minutes and the reminders after them. The sweep of each minute follows two looks at once.
    for (minute, reminders) in [(3, 0), (9, 0), (11, 1), (12, 1), (20, 1), (22, 2), (33, 3)] {
        let entered: Timestamp = ask.entered.parse().unwrap();
        let passed = engine.host.now().duration_since(entered).as_secs();
        engine.host.pass(minute * 60 - passed);
        sweeps(&engine, &execution);
        let question = sweeps(&engine, &execution);
        let n = question.reminded.as_ref().map_or(0, |one| one.n);
        assert_eq!(n, reminders, "minute {minute}");
        assert_eq!(question.state, QuestionState::Open);
    }
    let now = engine.host.now();
    votes(&engine.ledger, &execution, ("bob", "cfo"), now).expect("it counts");
    assert_eq!(
        sweeps(&engine, &execution).reminded.map(|one| one.n),
        Some(3)
    );
    votes(&engine.ledger, &execution, ("dan", "treasury"), now).expect("it counts");
    engine.host.pass(1200);
    assert_eq!(
        sweeps(&engine, &execution).reminded.map(|one| one.n),
        Some(3)
    );
}

/// The questions of this many executions, each entered a millisecond after the one before.
fn ask_many(engine: &LedgerEngine, n: usize) {
    let began = engine.host.now();
    for n in 0..n {
        let at = key(&format!("many-{n}"));
        let execution = ExecutionRecord {
            started_at: began,
            deadline: began + SignedDuration::from_hours(8),
            ..fixtures::execution(&at)
        };
        let entered = began + SignedDuration::from_millis(n as i64);
        let question = Question {
            kind: QuestionKind::Approval,
            entered,
            until: entered + SignedDuration::from_hours(1),
            approvers: Some(Approvers {
                by: vec!["cfo".to_owned()],
                count: 1,
                distinct_groups: false,
                remind_every_s: Some(600),
            }),
            ..fixtures::question(&at)
        };
        for put in [
            run(engine.ledger.put(&execution, Expect::Absent)).map(|put| put == Put::Done),
            run(engine.ledger.put(&question, Expect::Absent)).map(|put| put == Put::Done),
        ] {
            assert_eq!(put, Ok(true));
        }
    }
}

#[test]
fn a_thousand_due_reminders_are_recorded_by_four_sweeps_oldest_question_first() {
    const ALL: usize = 1_000;
    let engine = ledger_engine();
    ask_many(&engine, ALL);
    let machines = TestMachines::default();
    let recovery = Recovery {
        engine: &engine,
        machines: &machines,
        cursor: &EndCursor::default(),
        notice: &|_| {},
    };
    let reminders = |n: usize| {
        let at = key(&format!("many-{n}"));
        let found = run(engine.ledger.snapshot(&at)).unwrap().expect("it asks");
        found.questions[0].reminded.as_ref().map_or(0, |one| one.n)
    };
    // The first look at each question, then its first reminder.
    for (minutes, expected) in [(3, 0), (8, 1)] {
        engine.host.pass(minutes * 60);
        for sweep in 1..=4 {
            run(recovery.sweep()).unwrap();
            let reached = (300 * sweep).min(ALL);
            let counts: Vec<_> = (0..ALL).map(reminders).collect();
            let (first, rest) = counts.split_at(reached);
            assert!(first.iter().all(|n| *n == expected), "sweep {sweep}");
            assert!(rest.iter().all(|n| *n == 0), "sweep {sweep}");
        }
    }
}
