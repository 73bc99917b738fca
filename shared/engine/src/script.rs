//! The action of the engine's tests: it follows a script, and its target honours idempotency keys.

use std::{
    collections::{BTreeMap, VecDeque},
    future::pending,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use holdfast_action::{AnyAction, AppliedEffect, BoxFuture, Call, StepError, Verdict};

/// The behaviour of the action at one call.
pub(super) enum ScriptedCall {
    /// Acts and returns this output.
    Answers(Value),
    /// Acts, and its answer is lost.
    ActsUnheard,
    /// Fails with this error, without an effect.
    Fails(StepError),
    /// Acts and never answers.
    Hangs,
    /// Acts, and answers after something else has run.
    Meanwhile(Box<dyn FnOnce() + Send>),
}

/// A call to undo, and the effect that it received.
type UndoCall = (Call, AppliedEffect<Value, Value>);

/// An action that follows a script; without one it acts and answers. Its target honours idempotency
/// keys.
#[derive(Clone, Default)]
pub(super) struct Script {
    does: Arc<Mutex<VecDeque<ScriptedCall>>>,
    /// Every call and its input.
    pub(super) calls: Arc<Mutex<Vec<(Call, Value)>>>,
    effects: Arc<Mutex<BTreeMap<String, Value>>>,
    undoes: Arc<Mutex<VecDeque<ScriptedCall>>>,
    /// Every call to undo, and the effect that it received.
    pub(super) undone: Arc<Mutex<Vec<UndoCall>>>,
    /// True if its target can verify an effect.
    pub(super) verifies: bool,
}

impl Script {
    pub(super) fn of(does: impl IntoIterator<Item = ScriptedCall>) -> Self {
        let script = Self::default();
        script.does.lock().unwrap().extend(does);
        script
    }

    /// Adds a script for its undo.
    pub(super) fn undoing(self, does: impl IntoIterator<Item = ScriptedCall>) -> Self {
        self.undoes.lock().unwrap().extend(does);
        self
    }

    /// Returns the number of calls.
    pub(super) fn times(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// Returns the number of effects at the target.
    pub(super) fn effects(&self) -> usize {
        self.effects.lock().unwrap().len()
    }

    fn act(&self, call: &Call, answer: Value) -> Value {
        let mut effects = self.effects.lock().unwrap();
        effects.entry(call.key.clone()).or_insert(answer).clone()
    }
}

impl AnyAction for Script {
    fn run<'a>(&'a self, call: &'a Call, input: Value) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move {
            self.calls.lock().unwrap().push((call.clone(), input));
            let does = self.does.lock().unwrap().pop_front();
            let usual = json!({ "done": call.step });
            match does {
                None => Ok(self.act(call, usual)),
                Some(ScriptedCall::Answers(answer)) => Ok(self.act(call, answer)),
                Some(ScriptedCall::ActsUnheard) => {
                    self.act(call, usual);
                    Err(StepError::unknown("the connection dropped"))
                }
                Some(ScriptedCall::Fails(error)) => Err(error),
                Some(ScriptedCall::Hangs) => {
                    self.act(call, usual);
                    pending().await
                }
                Some(ScriptedCall::Meanwhile(other)) => {
                    let answer = self.act(call, usual);
                    other();
                    Ok(answer)
                }
            }
        })
    }

    fn undo<'a>(
        &'a self,
        call: &'a Call,
        done: AppliedEffect<Value, Value>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            self.undone.lock().unwrap().push((call.clone(), done));
            let takes_back = || self.effects.lock().unwrap().remove(&call.forward_key);
            let does = self.undoes.lock().unwrap().pop_front();
            match does {
                None | Some(ScriptedCall::Answers(_)) => {
                    takes_back();
                    Ok(())
                }
                Some(ScriptedCall::ActsUnheard) => {
                    takes_back();
                    Err(StepError::unknown("the connection dropped"))
                }
                Some(ScriptedCall::Fails(error)) => Err(error),
                Some(ScriptedCall::Hangs) => {
                    takes_back();
                    pending().await
                }
                Some(ScriptedCall::Meanwhile(other)) => {
                    takes_back();
                    other();
                    Ok(())
                }
            }
        })
    }

    fn verify<'a>(
        &'a self,
        call: &'a Call,
        _: Value,
    ) -> BoxFuture<'a, Result<Verdict<Value>, StepError>> {
        Box::pin(async {
            Ok(match &self.verifies {
                false => Verdict::CannotTell,
                true => match self.effects.lock().unwrap().get(&call.forward_key) {
                    Some(output) => Verdict::Happened(output.clone()),
                    None => Verdict::DidNotHappen,
                },
            })
        })
    }
}
