//! Checks a state machine against what Step Functions accepts, so that neither a deployment nor an
//! execution finds out. Each rule names its source.

mod expressions;
mod states;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{Inner, Machine, Retrier, State, States, text::names};

/// Longest duration that a state machine can name, in seconds.
///
/// Source: "TimeoutSeconds" and "Seconds" in
/// docs.aws.amazon.com/step-functions/latest/dg/state-task.html and state-wait.html.
const MAX_SECONDS: u64 = 99_999_999;

impl Machine {
    /// Returns every violation of a rule of Step Functions, each with the name of the state.
    pub fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        if !(1..=MAX_SECONDS).contains(&self.timeout_seconds) {
            found.push(format!(
                "TimeoutSeconds is {}, not 1 to {MAX_SECONDS}",
                self.timeout_seconds
            ));
        }
        // states-language.net/spec.html, "State names must be unique within the scope of the whole
        // state machine".
        let mut seen = BTreeSet::new();
        for name in names(&self.states) {
            if !seen.insert(name) {
                found.push(format!("two states are called {name}"));
            }
        }
        level(&self.start_at, &self.states, &BTreeSet::new(), &mut found);
        found
    }

    /// Returns every violation of a rule that Step Functions has for Express state machines alone.
    pub fn express_violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        waiting_tasks(&self.states, &mut found);
        found
    }
}

/// Finds the tasks that wait for a job or for a token.
///
/// Source: docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html, "Service
/// integrations".
fn waiting_tasks(states: &States, found: &mut Vec<String>) {
    for (name, state) in states {
        if let State::Task(task) = state
            && [".waitForTaskToken", ".sync", ".sync:2"]
                .iter()
                .any(|pattern| task.resource.ends_with(pattern))
        {
            found.push(format!(
                "{name}: an Express state machine has no {}",
                task.resource
            ));
        }
        for inner in state.inner() {
            waiting_tasks(&inner.states, found);
        }
    }
}

/// Checks the states of one level and, inside them, those of each container.
fn level(start_at: &str, states: &States, outer: &BTreeSet<&str>, found: &mut Vec<String>) {
    states::reachable(start_at, states, found);
    let own: BTreeSet<&str> = states.values().flat_map(State::assigned).collect();
    for name in own.intersection(outer) {
        // docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html, "Variable scope".
        found.push(format!(
            "${name} is assigned inside and outside a container"
        ));
    }
    let visible: BTreeSet<&str> = own.union(outer).copied().collect();
    for (name, state) in states {
        let mut of_state = Vec::new();
        states::check(name, state, &mut of_state);
        expressions::check(state, &visible, &mut of_state);
        found.extend(of_state.into_iter().map(|what| format!("{name}: {what}")));
        for Inner {
            start_at, states, ..
        } in state.inner()
        {
            level(start_at, states, &visible, found);
        }
    }
}

/// Returns a state's retriers.
fn retriers(state: &State) -> &[Retrier] {
    match state {
        State::Task(task) => &task.retry,
        _ => &[],
    }
}
