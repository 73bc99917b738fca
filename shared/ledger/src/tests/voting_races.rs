//! Two voters, a cancel and an expiry in every order of their reads and writes.

use holdfast_receipt::Decision;
use holdfast_task::{Approvers, QuestionKind};
use jiff::Timestamp;

use crate::{
    ExecutionRecord, ExpiryTransition, Phase, Question, QuestionState, Request, RulingTransition,
    Voter, VoterRole, closed_question, decide, expire,
    fixtures::{at, execution, key, question},
};
use holdfast_task::Failure;

/// An actor of the race. Each reads, then writes on condition of what it read, and reads again if
/// another write came first.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Actor {
    /// This person decides.
    Votes(&'static str, Decision),
    /// The time is over.
    Expires,
    /// The execution is cancelled, and its end closes the question.
    Cancels,
}

#[derive(Clone)]
struct State {
    question: Question,
    execution: ExecutionRecord,
    /// The write that each actor has prepared from its last read.
    prepared: Vec<Option<Question>>,
    done: Vec<bool>,
    /// The writes of approvals that were acknowledged.
    approved: Vec<&'static str>,
}

fn voter(name: &str) -> Voter {
    Voter {
        subject: name.to_owned(),
        role: VoterRole::Approver,
        groups: vec!["cfo".to_owned()],
        stands_in: Vec::new(),
        read_sha256: None,
    }
}

fn start(actors: usize) -> State {
    State {
        question: Question {
            kind: QuestionKind::Approval,
            approvers: Some(Approvers {
                by: vec!["cfo".to_owned()],
                count: 2,
                distinct_groups: false,
                remind_every_s: None,
            }),
            ..question(&key("q"))
        },
        execution: execution(&key("q")),
        prepared: vec![None; actors],
        done: vec![false; actors],
        approved: Vec::new(),
    }
}

/// The write that an actor prepares from a read; `None` if it has nothing to write.
fn prepares(actor: Actor, state: &State, now: Timestamp) -> Option<Question> {
    let question = &state.question;
    match actor {
        Actor::Votes(name, decision) => {
            let request = Request {
                by: name.to_owned(),
                reason: "so".to_owned(),
            };
            let voter = voter(name);
            match decide(question, &state.execution, decision, &voter, &request, now) {
                RulingTransition::Write(next) => Some(*next),
                _ => None,
            }
        }
        Actor::Expires => match expire(question, at(60)) {
            ExpiryTransition::Write(next) => Some(*next),
            _ => None,
        },
        Actor::Cancels => closed_question(question, now),
    }
}

/// Takes the next action of one actor.
fn step(mut state: State, actors: &[Actor], n: usize) -> State {
    let actor = actors[n];
    if actor == Actor::Cancels && state.execution.phase == Phase::Running {
        state.execution.phase = Phase::Unwinding {
            failure: Failure::rejected(),
        };
        return state;
    }
    match state.prepared[n].take() {
        None => {
            state.prepared[n] = prepares(actor, &state, at(1));
            state.done[n] = state.prepared[n].is_none();
        }
        // The condition of the write: nothing was written since the read.
        Some(next) if next.rev == state.question.rev + 1 => {
            state.question = next;
            state.done[n] = true;
            if let Actor::Votes(name, Decision::Approve) = actor {
                state.approved.push(name);
            }
        }
        Some(_) => {}
    }
    state
}

fn check(state: &State) {
    let by: Vec<_> = state.question.votes.iter().map(|vote| &*vote.by).collect();
    let approvals = state.question.votes.iter();
    let approvals = approvals.filter(|vote| vote.decision == Decision::Approve);
    let approvals: Vec<_> = approvals.map(|vote| vote.by.as_str()).collect();
    assert_eq!(approvals, state.approved, "a vote is lost or counted twice");
    match &state.question.state {
        QuestionState::Ruled { ruling, .. } if ruling.decision == Decision::Approve => {
            assert_eq!(approvals.len(), 2, "{by:?}");
            assert_ne!(approvals[0], approvals[1]);
        }
        QuestionState::Open => assert!(approvals.len() < 2, "{by:?}"),
        _ => {}
    }
}

/// Visits every order of actions. Returns the number of orders that end approved.
fn visit(state: &State, actors: &[Actor]) -> usize {
    check(state);
    let open: Vec<_> = (0..actors.len()).filter(|n| !state.done[*n]).collect();
    if open.is_empty() {
        let ruling = state.question.ruling();
        return usize::from(ruling.is_some_and(|ruling| ruling.decision == Decision::Approve));
    }
    let next = |n: usize| visit(&step(state.clone(), actors, n), actors);
    open.into_iter().map(next).sum()
}

#[test]
fn votes_beside_a_cancel_and_an_expiry_are_neither_lost_nor_counted_twice() {
    use Actor::{Cancels, Expires, Votes};
    let yes = |name| Votes(name, Decision::Approve);
    for (actors, approves) in [
        (vec![yes("bob"), yes("carol"), Cancels], true),
        (vec![yes("bob"), yes("carol"), Expires], true),
        (vec![yes("bob"), yes("bob"), Cancels], false),
        (vec![yes("bob"), yes("BOB"), yes("carol")], true),
        (
            vec![yes("bob"), yes("carol"), Votes("dan", Decision::Reject)],
            true,
        ),
        (vec![yes("bob"), Votes("carol", Decision::Reject)], false),
    ] {
        let ends = visit(&start(actors.len()), &actors);
        assert_eq!(ends > 0, approves, "{actors:?}: {ends}");
    }
}
