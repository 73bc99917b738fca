//! Counts the history events of an execution, and derives how many items each `for_each` may have.
//!
//! Step Functions ends an execution at its 25,000th event, and no catcher sees that
//! (docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html). The types of events and the
//! states that add them are those of
//! docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::definition::{Definition, ForEach, Step, StepKind};
use holdfast_asl::{Exit, Inner, NO_ITEMS, State, States, Task};

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

/// The most events that a definition adds to the history of an execution, beside those of items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct EventLimit {
    /// Events with every attempt of each step's own policy.
    pub(crate) events: u64,
    /// Events that fit.
    pub(crate) most: u64,
}

/// The limits of a definition, by the name of the `for_each`.
pub(crate) type ItemLimits = BTreeMap<String, ItemLimit>;

/// Events, and the steps among them whose undo adds more.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Events {
    fixed: u64,
    steps: u64,
}

/// The events of an undo. It counts with one attempt, because a rollback that needs more events
/// ends in a recovery machine, whose history is its own.
const UNDO: u64 = CONTAINER + STATE + ATTEMPT;

impl Events {
    fn with(self, other: Self) -> Self {
        Self {
            fixed: self.fixed + other.fixed,
            steps: self.steps + other.steps,
        }
    }

    /// All events, those of the undos included.
    fn all(self) -> u64 {
        self.fixed + self.steps * UNDO
    }
}

/// The events in the history of an execution without errors, with every attempt of each step's own
/// policy. Of the branches of a `choose`, those with the most events count.
#[derive(Default)]
struct History {
    events: Events,
    maps: Vec<MapEvents>,
}

/// A Map, and the events of one of its items.
struct MapEvents {
    name: String,
    item: Events,
}

impl History {
    fn along(start_at: &str, states: &States) -> Self {
        let mut history = Self::default();
        let mut most: BTreeMap<&str, Events> = BTreeMap::new();
        let mut entered = BTreeSet::from([start_at]);
        let mut open = vec![start_at];
        while let Some(&name) = open.last() {
            let next = states.get(name).map_or_else(Vec::new, targets);
            if let Some(unknown) = next.iter().find(|name| entered.insert(name)) {
                open.push(unknown);
                continue;
            }
            open.pop();
            let rest = next.iter().filter_map(|name| most.get(name)).copied();
            let rest = rest.max_by_key(|events| events.all()).unwrap_or_default();
            let own = states.get(name).map(|state| history.enter(name, state));
            most.insert(name, own.unwrap_or_default().with(rest));
        }
        history.events = most.get(start_at).copied().unwrap_or_default();
        history
    }

    /// Returns the events of one state, and notes the Maps inside it.
    fn enter(&mut self, name: &str, state: &State) -> Events {
        let mut own = Events {
            fixed: STATE,
            steps: 0,
        };
        match state {
            State::Task(task) => {
                own.fixed += attempts(task);
                let performs = task.arguments.get("step").is_some_and(Value::is_object);
                own.steps += u64::from(performs);
            }
            State::Parallel(parallel) => {
                own.fixed += CONTAINER;
                for branch in &parallel.branches {
                    let inner = Self::along(&branch.start_at, &branch.states);
                    own = own.with(inner.events);
                    self.maps.extend(inner.maps);
                }
            }
            State::Map(map) => {
                own.fixed += CONTAINER;
                if map.items != NO_ITEMS {
                    let Inner {
                        start_at, states, ..
                    } = &map.item_processor;
                    let mut item = Self::along(start_at, states).events;
                    item.fixed += CONTAINER;
                    self.maps.push(MapEvents {
                        name: name.to_owned(),
                        item,
                    });
                }
            }
            State::Pass(_)
            | State::Wait(_)
            | State::Choice(_)
            | State::Succeed {}
            | State::Fail { .. } => {}
        }
        own
    }
}

/// Returns the states that a state leads to without an error.
fn targets(state: &State) -> Vec<&str> {
    match state {
        State::Choice(choice) => choice.targets(),
        state => state.exit().and_then(Exit::next).into_iter().collect(),
    }
}

/// The events of a whole execution, without the items of its Maps.
fn whole(states: &States) -> (u64, Vec<MapEvents>) {
    let forward = History::along("Begin", states);
    let back = History::along("Plan", states);
    let events = EXECUTION + forward.events.all() + back.events.fixed;
    (events, forward.maps)
}

/// Returns how many events the definition adds to the history of an execution at most, beside those
/// of items, and how many fit.
pub(super) fn event_limit(states: &States) -> EventLimit {
    EventLimit {
        events: whole(states).0,
        most: MAX_EVENTS - RESERVED_EVENTS,
    }
}

/// Returns the events of every attempt at a task. Its last retrier is its own policy; those before
/// it are patience with others.
fn attempts(task: &Task) -> u64 {
    let retries = task.retry.last().map_or(0, |retrier| retrier.max_attempts);
    let waits = task.resource.ends_with(".waitForTaskToken");
    (ATTEMPT + if waits { SUBMITTED } else { 0 }) * (1 + u64::from(retries))
}

/// Returns the limits of a compiled definition.
///
/// A `for_each` whose items the schema bounds takes what it needs. The others share the rest.
pub(super) fn item_limits(definition: &Definition, states: &States) -> ItemLimits {
    let (events, maps) = whole(states);
    let left = (MAX_EVENTS - RESERVED_EVENTS).saturating_sub(events);
    let declared = declared_items(definition);
    let costs: Vec<(&MapEvents, u64, Option<u64>)> = maps
        .iter()
        .map(|map| {
            let declared = declared.get(&map.name).copied().flatten();
            (map, map.item.all(), declared)
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
        definition::{Choose, ChooseBranch, Expression},
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
    fn the_branch_of_a_choose_with_the_most_events_counts() {
        let expression = |text: &str| Expression::read(text).expect("an expression");
        let choose = |rows: Vec<Vec<Step>>| {
            let branches = rows.into_iter().map(|steps| ChooseBranch {
                when: expression("{% $input.on %}"),
                steps,
            });
            let kind = StepKind::Choose(Choose {
                branches: branches.collect(),
                otherwise: Vec::new(),
            });
            vec![Step {
                name: String::new(),
                kind,
            }]
        };
        let events = |steps: Vec<Step>| {
            let definition = definition(steps);
            let states = machine(&definition, "test.yaml").expect("a digest").states;
            event_limit(&states).events
        };
        let many = |count: usize| (0..count).map(|_| action(100)).collect::<Vec<_>>();
        let one = events(choose(vec![many(5)]));
        let both = events(choose(vec![many(5), many(3)]));
        assert_eq!(one, both);
        assert_eq!(events(choose(vec![many(3), many(6)])) - one, 302 + UNDO);
        assert_eq!(events(many(6)) - events(many(5)), 302 + UNDO);
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
