//! Steps with a fault in their code: the drill finds each fault.

use std::sync::Arc;

use holdfast_action::{AnyAction, AppliedEffect, BoxFuture, Call, StepError, Verdict};
use serde_json::Value;

use crate::vendors::{Vendors, drill};

/// The shipped action with a fault in its code.
struct Bent {
    action: Arc<dyn AnyAction>,
    /// Changes a call before the action runs.
    forward: fn(&Call) -> Call,
    /// Changes a call before the action's undo runs.
    back: fn(&Call) -> Call,
    /// True if an undo fails without an effect to undo.
    insists: bool,
}

impl Bent {
    fn new(action: Arc<dyn AnyAction>) -> Self {
        Self {
            action,
            forward: Call::clone,
            back: Call::clone,
            insists: false,
        }
    }
}

impl AnyAction for Bent {
    fn run<'a>(&'a self, call: &'a Call, input: Value) -> BoxFuture<'a, Result<Value, StepError>> {
        Box::pin(async move { self.action.run(&(self.forward)(call), input).await })
    }

    fn undo<'a>(
        &'a self,
        call: &'a Call,
        done: AppliedEffect<Value, Value>,
    ) -> BoxFuture<'a, Result<(), StepError>> {
        Box::pin(async move {
            if self.insists {
                let verdict = self.verify(call, done.input.clone()).await?;
                if !matches!(verdict, Verdict::Happened(_)) {
                    return Err(StepError::permanent("there is no such hold"));
                }
            }
            self.action.undo(&(self.back)(call), done).await
        })
    }

    fn verify<'a>(
        &'a self,
        call: &'a Call,
        input: Value,
    ) -> BoxFuture<'a, Result<Verdict<Value>, StepError>> {
        self.action.verify(call, input)
    }
}

/// An action that undoes by its own key, and not by the forward key.
fn forgets_its_key(action: Arc<dyn AnyAction>) -> Arc<dyn AnyAction> {
    Arc::new(Bent {
        back: |call| Call {
            forward_key: call.key.clone(),
            ..call.clone()
        },
        ..Bent::new(action)
    })
}

/// An action that sends another key with each attempt.
fn invents_keys(action: Arc<dyn AnyAction>) -> Arc<dyn AnyAction> {
    Arc::new(Bent {
        forward: |call| Call {
            key: format!("{}-{}", call.attempt, call.key),
            ..call.clone()
        },
        ..Bent::new(action)
    })
}

/// An action whose undo fails if there is no effect to undo.
fn insists_on_undoing(action: Arc<dyn AnyAction>) -> Arc<dyn AnyAction> {
    Arc::new(Bent {
        insists: true,
        ..Bent::new(action)
    })
}

#[test]
fn a_step_that_undoes_under_another_key_is_found() {
    let drill = drill(|| Vendors::with(forgets_its_key)).expect("it executes");
    let scenario = "notify_ap_team/permanent".parse().expect("a name");
    let outcome = drill.run(&scenario).expect("it runs");
    let violation = "apply_vendor_hold: its effect remains, and the receipt does not say so";
    assert_eq!(outcome.violations, [violation]);
}

#[test]
fn a_step_whose_undo_fails_without_an_effect_is_found() {
    let drill = drill(|| Vendors::with(insists_on_undoing)).expect("it executes");
    let outcomes = drill.run_all(&drill.singles()).expect("they run");
    let violation = "apply_vendor_hold: its undo fails where there is nothing to undo".to_owned();
    assert!(
        outcomes
            .iter()
            .any(|outcome| outcome.violations.contains(&violation))
    );
}

#[test]
fn a_step_that_sends_another_key_than_its_call_has_is_found() {
    let why = drill(|| Vendors::with(invents_keys))
        .err()
        .expect("it is found");
    let violation = "and no call has that key: does its step send call.key?";
    assert!(why.contains(violation), "{why}");
}
