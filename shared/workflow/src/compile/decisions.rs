//! Compiles the states that wait for a person: approvals, and escalations of failed steps.

use serde_json::{Value, json};

use super::{
    names::ASK_ARN,
    retry::{catch_all, names, of_end, of_question},
};
use crate::definition::{ActionStep, Approve, OnFailure};
use holdfast_asl::{Catcher, Exit, Object, State, Task};
use holdfast_task::{Ask, ErrorName, QuestionKind, Tier, timing::FRAME_TIMEOUT_S};

/// Resource that calls a function and waits until the task token is answered.
const INVOKE_AND_WAIT: &str = "arn:aws:states:::lambda:invoke.waitForTaskToken";
/// Error of a token that is not answered in time.
const TIMEOUT: &str = "States.Timeout";
/// Longest time for a decision by default.
const DEFAULT_WITHIN_S: u64 = 60 * 60;

/// The condition under which a step's failure is put to a person.
#[derive(Clone, Copy)]
pub(super) struct Escalation {
    /// Time for the decision, in seconds. Without a decision the execution is rolled back.
    within_s: u64,
    /// True if only unknown outcomes are put to a person.
    pub(super) unknown_only: bool,
}

impl Escalation {
    /// Returns the escalation that the definition requires. A step that is not idempotent is put to
    /// a person if its outcome is unknown, except inside a `for_each`, where every item would ask,
    /// and in an Express state machine, which cannot wait for an answer.
    pub(super) fn of(
        step: &ActionStep,
        in_for_each: bool,
        tier: Tier,
        timeout_s: u64,
    ) -> Option<Self> {
        match step.on_failure {
            OnFailure::Escalate { within_s } => Some(Self {
                within_s,
                unknown_only: false,
            }),
            _ if step.idempotent || in_for_each || tier == Tier::Express => None,
            _ => Some(Self {
                within_s: DEFAULT_WITHIN_S.min(timeout_s / 2).max(1),
                unknown_only: true,
            }),
        }
    }
}

/// The exits of a state that waits for a decision, shared by its two states.
#[derive(Clone)]
pub(super) struct Exits {
    pub(super) assign: Option<Object>,
    pub(super) output: Option<Value>,
    pub(super) exit: Exit,
    /// Catcher of every error that is no decision to continue, if it is caught here.
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

/// Returns the states of an approval.
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
        approvers: approve.approvers.clone(),
        when: approve.when.as_ref().map(|when| when.jsonata().to_owned()),
    };
    let mut waits = wait(&ask, ("message", message), &[], leads.clone());
    if let Some(when) = &approve.when {
        // Any value but false asks, so that a condition without a value skips no person.
        let asks = format!("{{% (({}) = false) ? false : true %}}", when.jsonata());
        waits.arguments["Payload"]["when"] = json!(asks);
    }
    vec![
        (step.to_owned(), State::Task(waits)),
        (expired_of(step), State::Task(expired(step, &[], leads))),
    ]
}

/// Returns the states that put a step's failure, held by `$variable`, to a person.
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
        approvers: None,
        when: None,
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

fn wait(ask: &Ask, subject: (&str, Value), again: &[Catcher], leads: Exits) -> Task {
    let payload = json!({
        "execution": "{% $execution %}",
        "ask": ask,
        subject.0: subject.1,
        "token": "{% $states.context.Task.Token %}",
        "entered": "{% $states.context.State.EnteredTime %}",
        "retry": "{% $states.context.State.RetryCount %}",
    });
    let arguments = json!({ "FunctionName": format!("${{{ASK_ARN}}}"), "Payload": payload });
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
        arguments,
        assign: leads.assign,
        output: leads.output,
        retry: of_question(),
        catch,
        exit: leads.exit,
    }
}

/// Returns the state that asks the ledger for the decision: one may be recorded whose token was
/// lost.
fn expired(step: &str, again: &[Catcher], leads: Exits) -> Task {
    let arguments = json!({ "execution": "{% $execution %}", "expired": step });
    let mut catch = again.to_vec();
    catch.extend(leads.refused);
    Task {
        resource: format!("${{{ASK_ARN}}}"),
        timeout_seconds: FRAME_TIMEOUT_S,
        arguments,
        assign: leads.assign,
        output: leads.output,
        retry: of_end(),
        catch,
        exit: leads.exit,
    }
}

/// Returns the catcher of an approval's refusal, which is the reason why the execution is rolled
/// back.
pub(super) fn refused(step: &str) -> Catcher {
    catch_all(step, "Plan")
}

/// Returns the catcher of a decision to roll back. The failure of the step remains the reason.
pub(super) fn given_up(next: &str) -> Catcher {
    Catcher {
        error_equals: names(["States.ALL"]),
        assign: None,
        output: None,
        next: next.to_owned(),
    }
}
