//! Compiles the states that wait for a person: approvals, and escalations of steps that failed.

use serde_json::{Value, json};

use super::{
    names::ASK_ARN,
    retry::{catch_all, names, of_end, of_question},
};
use crate::definition::{ActionStep, Approve, OnFailure};
use holdfast_asl::{Catcher, Exit, Ordered, State, Task};
use holdfast_task::{Ask, ErrorName, QuestionKind, timing::FRAME_TIMEOUT_S};

/// Calls a function and waits until somebody names the token that it was given.
const INVOKE_AND_WAIT: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";
/// Raised when nobody has named it in time.
const TIMEOUT: &str = "States.Timeout";
/// How long people have where the definition does not say, at most.
const DEFAULT_WITHIN_S: u64 = 60 * 60;

/// When a step's failure is put to a person.
#[derive(Clone, Copy)]
pub(super) struct Escalation {
    /// Silence for this long rolls back.
    within_s: u64,
    /// Only where nobody knows the outcome.
    pub(super) unknown_only: bool,
}

impl Escalation {
    /// As the definition says. What cannot be repeated is put to a person wherever nobody knows its outcome, except
    /// inside a `for_each`, where every item would ask.
    pub(super) fn of(step: &ActionStep, in_for_each: bool, timeout_s: u64) -> Option<Self> {
        match step.on_failure {
            OnFailure::Escalate { within_s } => Some(Self {
                within_s,
                unknown_only: false,
            }),
            OnFailure::Rollback | OnFailure::Continue if step.idempotent || in_for_each => None,
            OnFailure::Rollback | OnFailure::Continue => Some(Self {
                within_s: DEFAULT_WITHIN_S.min(timeout_s / 2).max(1),
                unknown_only: true,
            }),
        }
    }
}

/// Where a state that waits leads, and what it yields; both states of it do the same.
#[derive(Clone)]
pub(super) struct Exits {
    pub(super) assign: Option<Ordered<String>>,
    pub(super) output: Option<Value>,
    pub(super) exit: Exit,
    /// Where everything leads that is no decision to go on, if it is caught here.
    pub(super) refused: Option<Catcher>,
}

pub(super) fn escalation_of(step: &str) -> String {
    format!("{step}.escalate")
}

pub(super) fn failed_of(step: &str) -> String {
    format!("{step}.failed")
}

fn expired_of(step: &str) -> String {
    format!("{step}.expired")
}

/// The states of an approval.
pub(super) fn approval(
    step: &str,
    approve: &Approve,
    message: Value,
    leads: Exits,
) -> Vec<(String, State)> {
    let ask = Ask {
        step: step.to_owned(),
        kind: QuestionKind::Approval,
        within_s: approve.within_s,
    };
    let waits = wait(&ask, ("message", message), &[], leads.clone());
    vec![
        (step.to_owned(), State::Task(waits)),
        (expired_of(step), State::Task(expired(step, &[], leads))),
    ]
}

/// The states that put a step's failure, which is remembered as `$variable`, to a person.
pub(super) fn escalation(
    step: &str,
    escalates: Escalation,
    variable: &str,
    leads: Exits,
) -> Vec<(String, State)> {
    let ask = Ask {
        step: step.to_owned(),
        kind: QuestionKind::Escalation,
        within_s: escalates.within_s,
    };
    let again = [Catcher {
        error_equals: names([ErrorName::Retry]),
        assign: None,
        output: None,
        next: step.to_owned(),
    }];
    let failure = ("failure", json!(format!("{{% ${variable} %}}")));
    let waits = wait(&ask, failure, &again, leads.clone());
    vec![
        (escalation_of(step), State::Task(waits)),
        (expired_of(step), State::Task(expired(step, &again, leads))),
    ]
}

fn wait(ask: &Ask, told: (&str, Value), again: &[Catcher], leads: Exits) -> Task {
    let payload = json!({
        "execution": "{% $execution %}",
        "ask": ask,
        told.0: told.1,
        "token": "{% $states.context.Task.Token %}",
        "entered": "{% $states.context.State.EnteredTime %}",
        "retry": "{% $states.context.State.RetryCount %}",
    });
    let arguments = [
        ("FunctionName", json!(format!("${{{ASK_ARN}}}"))),
        ("Payload", payload),
    ];
    let mut catch = again.to_vec();
    catch.push(Catcher {
        error_equals: names([TIMEOUT]),
        assign: None,
        output: None,
        next: expired_of(&ask.step),
    });
    catch.extend(leads.refused);
    Task {
        resource: INVOKE_AND_WAIT.to_owned(),
        timeout_seconds: ask.within_s,
        arguments: Ordered(
            arguments
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        ),
        assign: leads.assign,
        output: leads.output,
        retry: of_question(),
        catch,
        exit: leads.exit,
    }
}

/// Asks the ledger what rules: a decision may have been given whose token was lost.
fn expired(step: &str, again: &[Catcher], leads: Exits) -> Task {
    let arguments = [
        ("execution", json!("{% $execution %}")),
        ("expired", json!(step)),
    ];
    let mut catch = again.to_vec();
    catch.extend(leads.refused);
    Task {
        resource: format!("${{{ASK_ARN}}}"),
        timeout_seconds: FRAME_TIMEOUT_S,
        arguments: Ordered(
            arguments
                .map(|(name, value)| (name.to_owned(), value))
                .to_vec(),
        ),
        assign: leads.assign,
        output: leads.output,
        retry: of_end(),
        catch,
        exit: leads.exit,
    }
}

/// Where the refusal of an approval leads: it is itself why the execution goes no further.
pub(super) fn refused(step: &str) -> Catcher {
    catch_all(step, "Plan")
}

/// Where a decision to roll back leads: what the step failed of stays why.
pub(super) fn given_up(next: &str) -> Catcher {
    Catcher {
        error_equals: names(["States.ALL"]),
        assign: None,
        output: None,
        next: next.to_owned(),
    }
}
