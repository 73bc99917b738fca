//! A state machine as the text that is checked in and deployed, and the check of a text that is
//! read.

use crate::{Catcher, Choice, Exit, Inner, Machine, State, States};

impl Machine {
    /// Returns readable JSON with a final newline: the bytes that are checked in.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Reads a state machine. The error names the field or the state that the compiler would not
    /// have written, or the state that does not exist.
    pub fn read(text: &str) -> Result<Self, String> {
        let machine: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check(&machine.start_at, &machine.states)?;
        Ok(machine)
    }

    /// Returns the names of all states, those inside containers included.
    pub fn names(&self) -> Vec<&str> {
        names(&self.states)
    }
}

/// Checks that every target of a transition exists at its own level.
fn check(start_at: &str, states: &States) -> Result<(), String> {
    let targets = states.values().flat_map(State::targets);
    for target in targets.chain([start_at]) {
        if !states.contains_key(target) {
            return Err(format!("there is no state {target}"));
        }
    }
    let mut inner = states.values().flat_map(State::inner);
    inner.try_for_each(|inner| check(&inner.start_at, &inner.states))
}

pub(crate) fn names(states: &States) -> Vec<&str> {
    let own = states.keys().map(String::as_str);
    let inner = states.values().flat_map(State::inner);
    own.chain(inner.flat_map(|inner| names(&inner.states)))
        .collect()
}

impl State {
    /// Returns the states that can follow this one.
    pub(crate) fn targets(&self) -> Vec<&str> {
        let caught = self.catchers().iter().map(|catcher| catcher.next.as_str());
        let next = self.exit().and_then(Exit::next);
        let chosen = match self {
            Self::Choice(state) => state.targets(),
            _ => Vec::new(),
        };
        next.into_iter().chain(caught).chain(chosen).collect()
    }

    /// Returns the way out, which a Choice and an end of the state machine lack.
    pub fn exit(&self) -> Option<&Exit> {
        match self {
            Self::Task(state) => Some(&state.exit),
            Self::Pass(state) => Some(&state.exit),
            Self::Wait(state) => Some(&state.exit),
            Self::Parallel(state) => Some(&state.exit),
            Self::Map(state) => Some(&state.exit),
            Self::Choice(_) | Self::Succeed {} | Self::Fail { .. } => None,
        }
    }

    pub(crate) fn catchers(&self) -> &[Catcher] {
        match self {
            Self::Task(state) => &state.catch,
            Self::Parallel(state) => &state.catch,
            Self::Map(state) => &state.catch,
            Self::Pass(_)
            | Self::Wait(_)
            | Self::Choice(_)
            | Self::Succeed {}
            | Self::Fail { .. } => &[],
        }
    }

    /// Returns the variables that the state or one of its catchers assigns.
    pub(crate) fn assigned(&self) -> impl Iterator<Item = &str> {
        let own = match self {
            Self::Task(state) => state.assign.as_ref(),
            Self::Pass(state) => Some(&state.assign),
            Self::Wait(state) => state.assign.as_ref(),
            Self::Parallel(state) => state.assign.as_ref(),
            Self::Map(state) => state.assign.as_ref(),
            Self::Choice(_) | Self::Succeed {} | Self::Fail { .. } => None,
        };
        let caught = self.catchers().iter().flat_map(|one| &one.assign);
        own.into_iter()
            .chain(caught)
            .flat_map(|assign| assign.keys().map(String::as_str))
    }

    /// Returns the levels inside a container.
    pub fn inner(&self) -> &[Inner] {
        match self {
            Self::Parallel(state) => &state.branches,
            Self::Map(state) => std::slice::from_ref(&state.item_processor),
            _ => &[],
        }
    }
}

impl Choice {
    /// Returns the states to which the choice can lead, the default last.
    pub fn targets(&self) -> Vec<&str> {
        let rules = self.choices.iter().map(|rule| rule.next.as_str());
        rules.chain([self.default.as_str()]).collect()
    }
}

impl Exit {
    /// Returns the name of the next state, if there is one.
    pub fn next(&self) -> Option<&str> {
        match self {
            Self::Next(next) => Some(next),
            Self::End(_) => None,
        }
    }
}
