//! Generates any definition that the reader accepts, for property tests.

use holdfast_task::Approvers;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::definition::{
    ActionStep, Approve, Branch, Choose, ChooseBranch, Definition, Expression, ForEach, Guardrail,
    Jitter, Limits, OnFailure, Retry, Rollback, Step, StepKind, Stop, Trigger, TriggerSource, Wait,
};

fn expression(text: &str) -> Expression {
    Expression::read(text).expect("an expression")
}

fn retry() -> impl Strategy<Value = Retry> {
    let jitter = prop_oneof![Just(Jitter::Full), Just(Jitter::None)];
    (1..100_u32, 1..600_u64, 10..100_u32, 0..600_u64, jitter).prop_map(
        |(max_attempts, interval_s, backoff, more, jitter)| Retry {
            max_attempts,
            interval_s,
            backoff: f64::from(backoff) / 10.0,
            max_delay_s: interval_s + more,
            jitter,
        },
    )
}

fn input() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({})),
        Just(json!("{% $input %}")),
        Just(
            json!({ "a": "{% $input.a & $execution.id %}", "b": [1, "two", { "c": "{% $uuid() %}" }] })
        ),
    ]
}

pub(super) fn action() -> impl Strategy<Value = StepKind> {
    let when = prop_oneof![
        Just(None),
        Just(Some(expression("{% $input.on ? true : false %}")))
    ];
    let rollback = prop_oneof![
        Just(None),
        (proptest::option::of(input()), 1..840_u64, retry()).prop_map(
            |(input, timeout_s, retry)| Some(Rollback {
                input,
                timeout_s,
                retry,
                fences: true,
                missing_is_undone: false,
            })
        ),
    ];
    (when, input(), 1..840_u64, retry(), rollback, any::<bool>()).prop_map(
        |(when, input, timeout_s, retry, rollback, idempotent)| {
            let action = "vendor-hold".to_owned();
            StepKind::Action(ActionStep {
                action,
                when,
                input,
                timeout_s,
                retry,
                reads: false,
                poll: None,
                rollback,
                idempotent,
                on_failure: OnFailure::Rollback,
            })
        },
    )
}

/// Generates actions whose failure has consequences, and approvals, which a `for_each` must not
/// contain.
fn asking() -> impl Strategy<Value = StepKind> {
    let ways = prop_oneof![
        Just(OnFailure::Continue),
        Just(OnFailure::Escalate { within_s: 60 })
    ];
    let escalates = (action(), ways).prop_map(|(kind, on_failure)| match kind {
        StepKind::Action(action) => StepKind::Action(ActionStep {
            on_failure,
            ..action
        }),
        other => other,
    });
    let approvers = Approvers {
        by: vec!["cfo".to_owned()],
        count: 2,
        distinct_groups: false,
        remind_every_s: Some(300),
    };
    let rule = Just(expression("{% $input.amount > 50000 %}"));
    let people = (prop::option::of(rule), prop::option::of(Just(approvers)));
    let approve = people.prop_map(|(when, approvers)| {
        StepKind::Approve(Approve {
            message: "{% 'Hold ' & $input.vendor_id & '?' %}".to_owned().into(),
            when,
            approvers,
            within_s: 600,
        })
    });
    prop_oneof![2 => escalates, 1 => approve]
}

fn wait() -> impl Strategy<Value = StepKind> {
    let wait = prop_oneof![
        (1..9000_u64).prop_map(Wait::Seconds),
        Just(Wait::Until(expression("{% $now() %}")))
    ];
    wait.prop_map(StepKind::Wait)
}

/// Generates steps. [`definition`] names them later, because names are unique. `outside` is true
/// outside every `for_each`.
pub(super) fn row(depth: u32, outside: bool) -> BoxedStrategy<Vec<Step>> {
    let plain = match outside {
        true => prop_oneof![3 => action(), 1 => wait(), 2 => asking()].boxed(),
        false => prop_oneof![3 => action(), 1 => wait()].boxed(),
    };
    let kind = if depth == 0 {
        plain
    } else {
        let branches = prop::collection::vec(row(depth - 1, outside), 2..4);
        let parallel = branches.prop_map(|all| {
            StepKind::Parallel(all.into_iter().map(|steps| Branch { steps }).collect())
        });
        let each = (row(depth - 1, false), any::<bool>()).prop_map(|(steps, collect)| {
            StepKind::ForEach(ForEach {
                items: expression("{% $input.items %}"),
                item_key: expression("{% $item.id %}"),
                max_concurrency: 5,
                collect: collect.then(|| expression("{% { 'key': $item_key, 'last': $last } %}")),
                steps,
            })
        });
        match outside {
            true => prop_oneof![4 => plain, 1 => parallel, 1 => each].boxed(),
            false => prop_oneof![4 => plain, 1 => parallel].boxed(),
        }
    };
    prop::collection::vec(
        kind.prop_map(|kind| Step {
            name: String::new(),
            kind,
        }),
        1..4,
    )
    .boxed()
}

fn unnamed(kind: StepKind) -> Vec<Step> {
    let name = String::new();
    vec![Step { name, kind }]
}

fn choose(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let inner = match depth {
        0 => row(1, true),
        depth => prop_oneof![2 => row(1, true), 1 => choose(depth - 1)].boxed(),
    };
    let branches = prop::collection::vec(inner.clone(), 1..3);
    let otherwise = prop_oneof![Just(Vec::new()), inner];
    (branches, otherwise)
        .prop_map(|(branches, otherwise)| {
            let branches = branches.into_iter().map(|steps| ChooseBranch {
                when: expression("{% $input.on ? true : false %}"),
                steps,
            });
            unnamed(StepKind::Choose(Choose {
                branches: branches.collect(),
                otherwise,
            }))
        })
        .boxed()
}

/// Generates the steps of a workflow, in which an execution may take a branch or stop early.
pub(super) fn workflow() -> BoxedStrategy<Vec<Step>> {
    let stop = Just(unnamed(StepKind::Stop(Stop {
        when: expression("{% $input.on %}"),
        reason: "nothing is left to do".to_owned(),
    })));
    let part = prop_oneof![3 => row(2, true), 2 => choose(1), 1 => stop];
    prop::collection::vec(part, 1..4)
        .prop_map(|parts| parts.concat())
        .boxed()
}

fn name_all(steps: &mut [Step], next: &mut u32) {
    for step in steps {
        *next += 1;
        step.name = format!("step_{next}");
        match &mut step.kind {
            StepKind::Parallel(branches) => branches
                .iter_mut()
                .for_each(|branch| name_all(&mut branch.steps, next)),
            StepKind::ForEach(each) => {
                name_all(&mut each.steps, next);
                // A wait has no output.
                let last = match each.steps.last() {
                    Some(step) if !matches!(step.kind, StepKind::Wait(_)) => {
                        format!("${}", step.name)
                    }
                    _ => "null".to_owned(),
                };
                each.collect = each
                    .collect
                    .as_ref()
                    .map(|collect| expression(&collect.written().replace("$last", &last)));
            }
            StepKind::Choose(choose) => {
                let rows = choose.branches.iter_mut().map(|branch| &mut branch.steps);
                rows.chain([&mut choose.otherwise])
                    .for_each(|row| name_all(row, next));
            }
            StepKind::Action(_) | StepKind::Wait(_) | StepKind::Approve(_) | StepKind::Stop(_) => {}
        }
    }
}

pub(in crate::compile) fn definition(steps: Vec<Step>) -> Definition {
    let mut steps = steps;
    name_all(&mut steps, &mut 0);
    Definition {
        workflow: "WF-TEST".to_owned(),
        tier: holdfast_task::Tier::Standard,
        version: 3,
        description: None,
        tenants: vec!["acme".to_owned()],
        input: json!({ "type": "object" }),
        triggers: vec![Trigger {
            name: "nightly".to_owned(),
            source: TriggerSource::Schedule {
                schedule: "rate(1 day)".to_owned(),
                timezone: None,
            },
            tenant: "acme".to_owned().into(),
            idempotency_key: "{% $scheduled_time %}".to_owned().into(),
            input: json!({ "at": "{% $scheduled_time %}" }),
            requested_by: None,
            approval: None,
        }],
        guardrails: vec![Guardrail {
            name: "always".to_owned(),
            assert: expression("{% true %}"),
            message: "never said".to_owned(),
        }],
        rules: holdfast_task::StartConditions::default(),
        subject: Some(expression("{% $input.a %}")),
        show: vec![("given".to_owned(), expression("{% $input.a %}"))],
        limits: Limits { timeout_s: 900 },
        steps,
        output: [("given".to_owned(), expression("{% $input.a %}"))].into(),
    }
}

/// Returns a step of an action, with the default policy and without an undo.
pub(in crate::compile) fn step_of(action: &str) -> Step {
    let action = ActionStep {
        action: action.to_owned(),
        when: None,
        input: json!({}),
        timeout_s: 30,
        retry: Retry {
            max_attempts: 3,
            interval_s: 1,
            backoff: 2.0,
            max_delay_s: 60,
            jitter: Jitter::Full,
        },
        reads: false,
        poll: None,
        rollback: None,
        idempotent: true,
        on_failure: OnFailure::Rollback,
    };
    Step {
        name: String::new(),
        kind: StepKind::Action(action),
    }
}
