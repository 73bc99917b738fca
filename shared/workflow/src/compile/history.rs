//! Counts the history events of an execution, and derives how many items each `for_each` may have.
//!
//! Step Functions ends an execution at its 25,000th event, and no catcher sees that
//! (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). The types of events and the
//! states that add them are those of
//! docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::definition::{Definition, ForEach, Step, StepKind};
use holdfast_asl::{Exit, NO_ITEMS, State, States, Task};

/// Most events of one execution.
pub const MAX_EVENTS: u64 = 25_000;
/// Events that are kept for what no policy bounds: pauses, throttling by Lambda, leases of lost
/// attempts, questions to people.
const RESERVED_EVENTS: u64 = 5_000;
/// ExecutionStarted, and ExecutionSucceeded or ExecutionFailed.
const EXECUTION: u64 = 2;
/// The entry and the exit of a state.
const STATE: u64 = 2;
/// One attempt at a task: scheduled, started, ended.
pub(super) const ATTEMPT: u64 = 3;
/// The answer to a task that waits for it: submitted.
const SUBMITTED: u64 = 1;
/// The start and the success of a Parallel, a Map, or an iteration of a Map.
const CONTAINER: u64 = 2;

/// The most items of a `for_each`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemLimit {
    /// Items that fit into the history beside the rest of the execution.
    pub most: u64,
    /// Items that the input's schema allows, if it says so.
    pub declared: Option<u64>,
}

/// The limits of a definition, by the name of the `for_each`.
pub(crate) type ItemLimits = BTreeMap<String, ItemLimit>;

/// The events on the way of an execution without errors, with every attempt of each step's own
/// policy.
#[derive(Default)]
struct Events {
    fixed: u64,
    steps: u64,
    maps: Vec<MapEvents>,
}

/// The events of one item of a Map, and its steps.
struct MapEvents {
    name: String,
    events: u64,
    steps: u64,
}

impl Events {
    fn along(start_at: &str, states: &States) -> Self {
        let mut events = Self::default();
        let mut open = vec![start_at];
        let mut entered = BTreeSet::new();
        while let Some(name) = open.pop() {
            let Some(state) = states.get(name).filter(|_| entered.insert(name)) else {
                continue;
            };
            events.enter(name, state);
            match state {
                // The events of every branch are counted together, as an upper bound.
                State::Choice(choice) => open.extend(choice.targets()),
                state => open.extend(state.exit().and_then(Exit::next)),
            }
        }
        events
    }

    fn enter(&mut self, name: &str, state: &State) {
        self.fixed += STATE;
        match state {
            State::Task(task) => {
                self.fixed += attempts(task);
                let performs = task.arguments.get("step").is_some_and(Value::is_object);
                self.steps += u64::from(performs);
            }
            State::Parallel(parallel) => {
                self.fixed += CONTAINER;
                for branch in &parallel.branches {
                    let inner = Self::along(&branch.start_at, &branch.states);
                    self.fixed += inner.fixed;
                    self.steps += inner.steps;
                    self.maps.extend(inner.maps);
                }
            }
            State::Map(map) => {
                self.fixed += CONTAINER;
                if map.items == NO_ITEMS {
                    return;
                }
                let item = Self::along(&map.item_processor.start_at, &map.item_processor.states);
                self.maps.push(MapEvents {
                    name: name.to_owned(),
                    events: CONTAINER + item.fixed,
                    steps: item.steps,
                });
            }
            State::Pass(_)
            | State::Wait(_)
            | State::Choice(_)
            | State::Succeed {}
            | State::Fail { .. } => {}
        }
    }
}

/// Returns the events of every attempt at a task. Its last retrier is its own policy; those before
/// it are patience with others.
fn attempts(task: &Task) -> u64 {
    let retries = task.retry.last().map_or(0, |retrier| retrier.max_attempts);
    let waits = task.resource.ends_with(".waitForTaskToken");
    (ATTEMPT + if waits { SUBMITTED } else { 0 }) * (1 + u64::from(retries))
}

/// Returns the limits of a compiled definition. An undo counts with one attempt, because a rollback
/// that needs more events ends in a recovery machine, whose history is its own.
///
/// A `for_each` whose items the schema bounds takes what it needs. The others share the rest.
pub(super) fn item_limits(definition: &Definition, states: &States) -> ItemLimits {
    let forward = Events::along("Begin", states);
    let back = Events::along("Plan", states);
    let undo = CONTAINER + STATE + ATTEMPT;
    let fixed = EXECUTION + forward.fixed + back.fixed + forward.steps * undo;
    let left = (MAX_EVENTS - RESERVED_EVENTS).saturating_sub(fixed);
    let declared = declared_items(definition);
    let costs: Vec<(&MapEvents, u64, Option<u64>)> = forward
        .maps
        .iter()
        .map(|map| {
            let declared = declared.get(&map.name).copied().flatten();
            (map, map.events + map.steps * undo, declared)
        })
        .collect();
    let taken = |but: &str| -> u64 {
        let others = costs.iter().filter(|(map, ..)| map.name != but);
        others
            .map(|(_, cost, declared)| cost.saturating_mul(declared.unwrap_or(0)))
            .fold(0, u64::saturating_add)
    };
    let open = costs.iter().filter(|(.., declared)| declared.is_none());
    let open = open.count() as u64;
    let limits = costs.iter().map(|(map, cost, declared)| {
        let left = left.saturating_sub(taken(&map.name));
        let share = if declared.is_some() {
            left
        } else {
            left / open
        };
        let most = share / cost;
        let limit = ItemLimit {
            most,
            declared: *declared,
        };
        (map.name.clone(), limit)
    });
    limits.collect()
}

/// Returns the most items of each `for_each` that the input's schema allows. Nothing is known of a
/// list that is more than a field of the input.
fn declared_items(definition: &Definition) -> BTreeMap<String, Option<u64>> {
    let mut found = BTreeMap::new();
    collect(&definition.steps, &mut |name, each| {
        let most = input_field(&definition.input, each.items.jsonata());
        let most = most.and_then(|list| list["maxItems"].as_u64());
        found.insert(name.to_owned(), most);
    });
    found
}

fn collect(steps: &[Step], found: &mut impl FnMut(&str, &ForEach)) {
    for step in steps {
        match &step.kind {
            StepKind::ForEach(each) => found(&step.name, each),
            StepKind::Parallel(branches) => {
                for branch in branches {
                    collect(&branch.steps, found);
                }
            }
            StepKind::Choose(choose) => choose.rows().for_each(|(_, row)| collect(row, found)),
            StepKind::Action(_) | StepKind::Wait(_) | StepKind::Approve(_) | StepKind::Stop(_) => {}
        }
    }
}

/// Returns the schema of a field of the input, if that is all an expression names.
fn input_field<'a>(schema: &'a Value, expression: &str) -> Option<&'a Value> {
    let fields = expression.trim().strip_prefix("$input.")?;
    let mut fields = fields.split('.');
    fields.try_fold(schema, |schema, field| schema.get("properties")?.get(field))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        compile::{
            machine,
            tests::definitions::{definition, step_of},
        },
        definition::Expression,
    };

    fn action(max_attempts: u32) -> Step {
        let mut step = step_of("vendor-hold");
        if let StepKind::Action(action) = &mut step.kind {
            action.retry.max_attempts = max_attempts;
        }
        step
    }

    fn each(steps: Vec<Step>) -> Step {
        let expression = |text: &str| Expression::read(text).expect("an expression");
        let kind = StepKind::ForEach(ForEach {
            items: expression("{% $input.list %}"),
            item_key: expression("{% $item.id %}"),
            max_concurrency: 5,
            collect: None,
            steps,
        });
        Step {
            name: String::new(),
            kind,
        }
    }

    /// Returns the limits of a definition whose input has a list of at most so many items.
    fn limits(steps: Vec<Step>, most: Option<u64>) -> Vec<ItemLimit> {
        let mut definition = definition(steps);
        if let Some(most) = most {
            definition.input = json!({ "properties": { "list": { "maxItems": most } } });
        }
        let states = machine(&definition, "test.yaml").expect("a digest").states;
        item_limits(&definition, &states).into_values().collect()
    }

    #[test]
    fn an_item_of_one_step_and_one_attempt_costs_seven_events_and_seven_for_its_undo() {
        // `Plan`, `Finish` and `Close` have a hundred attempts each, of three events.
        let left = 20_000 - 3 * 100 * ATTEMPT;
        let one = limits(vec![each(vec![action(1)])], None)[0].most;
        assert!((left / 14 - 10..=left / 14).contains(&one), "{one}");
        let two = limits(vec![each(vec![action(1), action(1)])], None)[0].most;
        assert!((left / 26 - 10..=left / 26).contains(&two), "{two}");
        let retried = limits(vec![each(vec![action(3)])], None)[0].most;
        assert!((left / 20 - 10..=left / 20).contains(&retried), "{retried}");
    }

    #[test]
    fn lists_without_a_declared_length_share_what_the_others_leave() {
        let alone = limits(vec![each(vec![action(1)])], None)[0].most;
        let both = limits(vec![each(vec![action(1)]), each(vec![action(1)])], None);
        assert_eq!(both[0], both[1]);
        assert!(both[0].most < alone / 2 + 1, "{both:?}");
        let declared = limits(vec![each(vec![action(1)])], Some(100));
        assert_eq!(declared[0].declared, Some(100));
        assert_eq!(declared[0].most, alone, "what fits does not depend on it");
    }
}
