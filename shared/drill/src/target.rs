//! The target systems: they remember every effect and every undo, honour keys, and refuse the keys that an undo has fenced.
//! What an own system did is seen by what stands at it before and after a call.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use holdfast_action::{StepError, Verdict};
use jiff::Timestamp;
use serde_json::Value;

use crate::{own::OwnSteps, world::lock};

/// How a target behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    /// Whether it can say what became of a call whose answer was lost.
    pub tells: bool,
    /// Whether its undo does what it says. One that lies shows that the drill can fail.
    pub undoes: bool,
    /// Whether it knows a key again that it was sent, where its step is idempotent.
    pub remembers: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            tells: false,
            undoes: true,
            remembers: true,
        }
    }
}

/// What a step asks of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Promise {
    /// It can take the same call twice.
    pub(crate) idempotent: bool,
    /// Its undo refuses the key from then on.
    pub(crate) fences: bool,
}

/// All target systems as one.
pub(crate) struct Target {
    manners: Manners,
    kept: Mutex<StoredEffect>,
    /// Stands in for this one where it has the action.
    pub(crate) own: Option<OwnSteps>,
}

#[derive(Default)]
struct StoredEffect {
    /// By key: how many effects stand, and the answer that was given.
    effects: BTreeMap<String, (u32, Value)>,
    fenced: BTreeSet<String>,
    done: Vec<Done>,
    wrong: Vec<String>,
}

/// Something that happened at the target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Done {
    pub(crate) at: Timestamp,
    pub(crate) step: String,
    pub(crate) key: String,
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// An effect.
    Effect,
    /// The same call again: the answer was given from memory.
    Repeated,
    /// Nothing happened; by the simulated target, because the key is fenced.
    Refused,
    /// An effect was taken back.
    Undone,
    /// There was nothing to take back.
    NothingToUndo,
}

/// One call, as the target sees it.
pub(crate) struct TargetCall<'a> {
    pub(crate) at: Timestamp,
    pub(crate) step: &'a str,
    pub(crate) key: &'a str,
    pub(crate) promise: Promise,
}

impl Target {
    pub(crate) fn new(manners: Manners, own: Option<OwnSteps>) -> Self {
        Self {
            manners,
            kept: Mutex::default(),
            own,
        }
    }

    /// Has the own system called, and notes what that changed there.
    pub(crate) fn observe<T>(
        &self,
        asked: &TargetCall<'_>,
        undoes: bool,
        call: impl FnOnce() -> Result<Result<T, StepError>, &'static str>,
    ) -> (What, Result<T, StepError>) {
        let stands = || {
            let standing = self.own.as_ref().map(OwnSteps::standing);
            standing
                .and_then(|mut all| all.remove(asked.key))
                .unwrap_or(0)
        };
        let before = stands();
        let answer = call();
        let after = stands();
        let mut kept = lock(&self.kept);
        let mut wrong = |what: &str| kept.wrong.push(format!("{}: {what}", asked.step));
        let result = answer.unwrap_or_else(|why| {
            wrong(why);
            Err(StepError::unknown(why))
        });
        if undoes && before == 0 && result.is_err() {
            wrong("its undo fails where there is nothing to undo");
        }
        let what = match (after.cmp(&before), undoes) {
            (Ordering::Greater, _) => What::Effect,
            (Ordering::Less, _) => What::Undone,
            (Ordering::Equal, true) => What::NothingToUndo,
            (Ordering::Equal, false) if result.is_ok() => What::Repeated,
            (Ordering::Equal, false) => What::Refused,
        };
        for _ in 0..after.abs_diff(before).max(1) {
            kept.done.push(done(asked, what));
        }
        (what, result)
    }

    /// What own code did that no step may do.
    pub(crate) fn wrong(&self) -> Vec<String> {
        lock(&self.kept).wrong.clone()
    }

    /// Causes an effect, or gives the answer of the same call again.
    pub(crate) fn effect(
        &self,
        asked: &TargetCall<'_>,
        answer: Value,
    ) -> (What, Result<Value, StepError>) {
        let mut kept = lock(&self.kept);
        let key = asked.key;
        let (what, result) = if kept.fenced.contains(key) {
            let refused = StepError::permanent("the target refuses this key: it was undone");
            (What::Refused, Err(refused))
        } else {
            let known = kept.effects.get(key).filter(|(count, _)| *count > 0);
            match known {
                Some((_, answer)) if asked.promise.idempotent && self.manners.remembers => {
                    (What::Repeated, Ok(answer.clone()))
                }
                _ => {
                    let entry = kept.effects.entry(key.to_owned());
                    entry.or_insert((0, answer.clone())).0 += 1;
                    (What::Effect, Ok(answer))
                }
            }
        };
        kept.done.push(done(asked, what));
        (what, result)
    }

    /// Takes an effect back, whether or not it happened.
    pub(crate) fn undo(&self, asked: &TargetCall<'_>) -> What {
        let mut kept = lock(&self.kept);
        let standing = kept
            .effects
            .get_mut(asked.key)
            .filter(|(count, _)| *count > 0);
        let what = match standing {
            Some((count, _)) => {
                if self.manners.undoes {
                    *count -= 1;
                }
                What::Undone
            }
            None => What::NothingToUndo,
        };
        if asked.promise.fences && self.manners.undoes {
            kept.fenced.insert(asked.key.to_owned());
        }
        kept.done.push(done(asked, what));
        what
    }

    /// What became of a call.
    pub(crate) fn verdict(&self, key: &str) -> Verdict<Value> {
        if !self.manners.tells {
            return Verdict::CannotTell;
        }
        match lock(&self.kept).effects.get(key) {
            Some((count, answer)) if *count > 0 => Verdict::Happened(answer.clone()),
            _ => Verdict::DidNotHappen,
        }
    }

    /// How many effects stand, by key.
    pub(crate) fn standing(&self) -> BTreeMap<String, u32> {
        let kept = lock(&self.kept);
        let simulated = kept
            .effects
            .iter()
            .map(|(key, (count, _))| (key.clone(), *count));
        let own = self
            .own
            .as_ref()
            .map(OwnSteps::standing)
            .unwrap_or_default();
        let standing = simulated.chain(own);
        standing.filter(|(_, count)| *count > 0).collect()
    }

    /// Everything that happened, in order.
    pub(crate) fn done(&self) -> Vec<Done> {
        lock(&self.kept).done.clone()
    }
}

fn done(asked: &TargetCall<'_>, what: What) -> Done {
    Done {
        at: asked.at,
        step: asked.step.to_owned(),
        key: asked.key.to_owned(),
        what,
    }
}
