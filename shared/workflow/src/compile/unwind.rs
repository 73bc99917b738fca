//! Compiles the states of a rollback: `Plan`, `Undo` for each effect, `Close`. They are the same in
//! every workflow's state machine and in the recovery machine, which works from the ledger alone.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    names::{FINISH_ARN, PLAN_ARN, arn_of},
    retry::{ERROR_MESSAGE, FAILURE, names, of_end, of_undo},
};
use crate::definition::{Definition, Jitter, Retry};
use holdfast_asl::{
    Catcher, Exit, Inner, Machine, Map, Object, Pass, ProcessorConfig, ProcessorMode,
    QueryLanguage, State, States, Task, Until, Wait, member,
};
use holdfast_task::{
    ErrorName, VERIFY_POLICY,
    timing::{FRAME_TIMEOUT_S, TASK_MARGIN_S},
};

/// Resource that calls a function known only at run time.
const INVOKE: &str = "arn:aws:states:::lambda:invoke";

/// The upper bound of all undo policies of some definitions. One Task has one literal Retry, and
/// the function enforces each undo's own policy by counting its attempts (docs/protocol.md, rule
/// 10).
pub(super) struct Bounds {
    actions: Vec<String>,
    timeout_s: u64,
    retry: Retry,
}

impl Bounds {
    pub(super) fn of(definitions: &[&Definition]) -> Self {
        let mut bounds = Self {
            actions: Vec::new(),
            timeout_s: VERIFY_POLICY.timeout_s,
            retry: Retry {
                max_attempts: VERIFY_POLICY.max_attempts,
                interval_s: 1,
                backoff: 2.0,
                max_delay_s: 30,
                jitter: Jitter::Full,
            },
        };
        let steps = definitions.iter().flat_map(|one| one.action_steps());
        for (_, step, _) in steps {
            bounds.actions.push(step.action.clone());
            // An attempt at the step may hold the lease when its undo begins.
            bounds.timeout_s = bounds.timeout_s.max(step.timeout_s);
            let Some(rollback) = &step.rollback else {
                continue;
            };
            bounds.timeout_s = bounds.timeout_s.max(rollback.timeout_s);
            let (most, one) = (&mut bounds.retry, &rollback.retry);
            most.max_attempts = most.max_attempts.max(one.max_attempts);
            most.interval_s = most.interval_s.max(one.interval_s);
            most.max_delay_s = most.max_delay_s.max(one.max_delay_s);
        }
        bounds.actions.sort_unstable();
        bounds.actions.dedup();
        bounds
    }
}

/// Returns the states `Plan`, `Undo` and `Close`. `steps` is the list of steps, or an expression
/// that yields it.
pub(super) fn states(steps: &Value, bounds: &Bounds, end: Exit) -> Vec<(String, State)> {
    vec![
        ("Plan".to_owned(), State::Task(plan(steps, bounds))),
        ("Undo".to_owned(), State::Map(undo(bounds))),
        ("Close".to_owned(), State::Task(close(steps, end))),
    ]
}

fn plan(steps: &Value, bounds: &Bounds) -> Task {
    let functions: BTreeMap<_, _> = bounds
        .actions
        .iter()
        .map(|action| (action, format!("${{{}}}", arn_of(action))))
        .collect();
    Task {
        resource: format!("${{{PLAN_ARN}}}"),
        timeout_seconds: FRAME_TIMEOUT_S,
        arguments: json!({
            "execution": "{% $execution %}",
            "owner": "{% $states.context.Execution.Id %}",
            "failure": "{% $failure %}",
            "functions": functions,
            "steps": steps,
        }),
        assign: Some(member("execution", "{% $states.result.execution %}")),
        output: None,
        retry: of_end(),
        catch: vec![to("Failed")],
        exit: Exit::Next("Undo".to_owned()),
    }
}

/// Returns the catcher of all errors, which leads to `next`. The reason of the rollback remains the
/// one that is reported.
pub(super) fn to(next: &str) -> Catcher {
    Catcher {
        error_equals: names(["States.ALL"]),
        assign: None,
        output: None,
        next: next.to_owned(),
    }
}

/// Returns the Map that runs the undos one after another, each with its own retries. An undo that
/// never answers is recorded, and the others run.
fn undo(bounds: &Bounds) -> Map {
    let call = Task {
        resource: INVOKE.to_owned(),
        timeout_seconds: bounds.timeout_s + TASK_MARGIN_S,
        arguments: json!({
            "FunctionName": "{% $states.input.function %}",
            "Payload": { "execution": "{% $execution %}", "undo": "{% $states.input %}" },
        }),
        assign: None,
        output: Some(json!("{% $states.result.Payload.status %}")),
        retry: of_undo(&bounds.retry),
        catch: vec![
            Catcher {
                error_equals: names([ErrorName::RetryAfter]),
                assign: None,
                output: Some(format!(
                    "{{% {{ 'undo': $states.input, 'seconds': $number({ERROR_MESSAGE}.retry_after_s) }} %}}"
                )),
                next: "Undo.pause".to_owned(),
            },
            Catcher {
                output: Some(
                    "{% { 'undo': $states.input, 'error': $states.errorOutput.Error } %}"
                        .to_owned(),
                ),
                ..to("Undo.unanswered")
            },
        ],
        exit: Exit::End(true),
    };
    let pause = Wait {
        until: Until::Seconds("{% $states.input.seconds %}".into()),
        assign: None,
        output: Some(json!("{% $states.input.undo %}")),
        exit: Exit::Next("Undo.step".to_owned()),
    };
    let give_up = Task {
        resource: format!("${{{PLAN_ARN}}}"),
        timeout_seconds: FRAME_TIMEOUT_S,
        arguments: json!({
            "execution": "{% $execution %}",
            "undo": "{% $states.input.undo %}",
            "error": "{% $states.input.error %}",
        }),
        assign: None,
        output: Some(json!("{% $states.result.status %}")),
        retry: of_end(),
        catch: Vec::new(),
        exit: Exit::End(true),
    };
    Map {
        items: "{% $states.input.undo %}".to_owned(),
        max_concurrency: 1,
        item_processor: Inner {
            processor_config: Some(ProcessorConfig {
                mode: ProcessorMode::Inline,
            }),
            start_at: "Undo.step".to_owned(),
            states: States::from_iter([
                ("Undo.step".to_owned(), State::Task(call)),
                ("Undo.pause".to_owned(), State::Wait(pause)),
                ("Undo.unanswered".to_owned(), State::Task(give_up)),
            ]),
        },
        assign: None,
        output: None,
        catch: vec![to("Failed")],
        exit: Exit::Next("Close".to_owned()),
    }
}

fn close(steps: &Value, exit: Exit) -> Task {
    Task {
        resource: format!("${{{FINISH_ARN}}}"),
        timeout_seconds: FRAME_TIMEOUT_S,
        arguments: json!({ "execution": "{% $execution %}", "steps": steps }),
        assign: None,
        output: None,
        retry: of_end(),
        catch: vec![
            // A step was claimed during the plan, or there were more effects than one plan lists.
            Catcher {
                error_equals: names([ErrorName::Open]),
                ..to("Plan")
            },
            to("Failed"),
        ],
        exit,
    }
}

/// Returns the recovery machine, which ends an execution whose own Step Functions execution is
/// gone. Its input: `execution`, `failure`, `steps`.
pub fn recovery(definitions: &[&Definition]) -> Machine {
    let given = |name: &str| {
        (
            name.to_owned(),
            json!(format!("{{% $states.input.{name} %}}")),
        )
    };
    let begin = Pass {
        assign: Object::from_iter(["execution", "failure", "steps"].map(given)),
        exit: Exit::Next("Plan".to_owned()),
    };
    let mut states = vec![("Begin".to_owned(), State::Pass(begin))];
    let (steps, bounds) = (json!("{% $steps %}"), Bounds::of(definitions));
    states.extend(self::states(&steps, &bounds, Exit::End(true)));
    states.push(("Failed".to_owned(), failed(FAILURE)));
    Machine {
        comment: "Ends executions that their own machine left behind, compiled by holdfast"
            .to_owned(),
        query_language: QueryLanguage::Jsonata,
        start_at: "Begin".to_owned(),
        timeout_seconds: RECOVERY_TIMEOUT_S,
        states: States::from_iter(states),
    }
}

/// Longest duration of a recovery, in seconds. A longer one is started again.
const RECOVERY_TIMEOUT_S: u64 = 24 * 60 * 60;

/// Returns the last state of a row that fails with the error held by `$variable`.
pub(super) fn failed(variable: &str) -> State {
    State::Fail {
        error: format!("{{% ${variable}.error %}}"),
        cause: format!("{{% ${variable}.cause %}}"),
    }
}
