//! Defines scenarios: faults at places, under a name by which a scenario can be run again.

use std::{fmt, str::FromStr};

use crate::fault::{Fault, Kind};

/// One fault at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Strike {
    /// State, or `STEP.undo`, `STEP.ask` (about a step that cannot be undone), `STEP.unanswered`.
    pub place: String,
    /// The fault that strikes there.
    pub fault: Fault,
}

/// The faults that strike one run, in this order if they share a place.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scenario {
    /// Strikes. None in the run without faults.
    pub strikes: Vec<Strike>,
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.fault.name())
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.strikes.is_empty() {
            return write!(f, "no-fault");
        }
        let names: Vec<String> = self.strikes.iter().map(Strike::to_string).collect();
        write!(f, "{}", names.join("+"))
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        if name == "no-fault" {
            return Ok(Self::default());
        }
        let strikes = name.split('+').map(|part| {
            let (place, fault) = part.split_once('/').ok_or_else(|| {
                format!(
                    "{part:?} is no scenario: write PLACE/FAULT, such as Finish/lost-answer, \
                     several joined by +, or no-fault"
                )
            })?;
            let names = || {
                Fault::all()
                    .iter()
                    .map(|fault| fault.name())
                    .collect::<Vec<_>>()
                    .join(", ")
            };
            let fault = Fault::named(fault)
                .ok_or_else(|| format!("no fault is called {fault:?}; there are {}", names()))?;
            Ok(Strike {
                place: place.to_owned(),
                fault,
            })
        });
        Ok(Self {
            strikes: strikes.collect::<Result<_, String>>()?,
        })
    }
}

/// A place at which faults can strike.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// True if executions can be stopped before it.
    pub(crate) is_state: bool,
    /// Strikes that lead to the place.
    pub(crate) before: Vec<Strike>,
}

impl Place {
    /// Returns the faults that can strike here.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        let mut faults = Fault::of(self.kind);
        faults.retain(|fault| self.is_state || *fault != Fault::KilledBefore);
        faults
    }
}

/// Returns every single fault at every place.
pub(crate) fn singles(places: &[Place]) -> Vec<Scenario> {
    let strikes = places.iter().flat_map(|place| {
        place.faults().into_iter().map(|fault| Strike {
            place: place.name.clone(),
            fault,
        })
    });
    strikes
        .map(|strike| Scenario {
            strikes: vec![strike],
        })
        .collect()
}

/// Returns every two different faults. Two at one place come in both orders: the first strikes the
/// first attempt.
pub(crate) fn pairs(places: &[Place]) -> Vec<Scenario> {
    let singles: Vec<Strike> = singles(places)
        .into_iter()
        .flat_map(|one| one.strikes)
        .collect();
    let mut pairs = Vec::new();
    for (n, first) in singles.iter().enumerate() {
        for (m, second) in singles.iter().enumerate() {
            let other_place = first.place != second.place;
            // A fault that strikes every attempt leaves none for a second fault.
            let hides = !other_place && first.fault.lasts();
            if n != m && !hides && (n < m || !other_place) {
                pairs.push(Scenario {
                    strikes: vec![first.clone(), second.clone()],
                });
            }
        }
    }
    pairs
}
