//! Steps whose code is wrong are found.

use std::sync::atomic::{AtomicU32, Ordering};

use holdfast_core::action::{Action, Call, Done, Settings, StepError, Undo};
use holdfast_steps::vendor_hold::{Input, Output, VendorHold};

use crate::vendors::{Vendors, drill};

/// Takes back by its own key, not by the one that the hold was placed with.
struct ForgetsItsKey(VendorHold);

impl Action for ForgetsItsKey {
    const NAME: &'static str = VendorHold::NAME;
    const SUMMARY: &'static str = VendorHold::SUMMARY;
    const UNDO: Undo = VendorHold::UNDO;
    const UNDO_FENCES: bool = true;
    type Input = Input;
    type Output = Output;

    fn new(settings: &Settings) -> Result<Self, String> {
        VendorHold::new(settings).map(Self)
    }

    async fn run(&self, call: &Call, input: Input) -> Result<Output, StepError> {
        self.0.run(call, input).await
    }

    async fn undo(&self, call: &Call, done: Done<Input, Output>) -> Result<(), StepError> {
        let wrong = Call {
            forward_key: call.key.clone(),
            ..call.clone()
        };
        self.0.undo(&wrong, done).await
    }
}

/// Sends another key with each call.
struct InventsKeys(VendorHold, AtomicU32);

impl Action for InventsKeys {
    const NAME: &'static str = VendorHold::NAME;
    const SUMMARY: &'static str = VendorHold::SUMMARY;
    const UNDO: Undo = VendorHold::UNDO;
    type Input = Input;
    type Output = Output;

    fn new(settings: &Settings) -> Result<Self, String> {
        VendorHold::new(settings).map(|hold| Self(hold, AtomicU32::new(0)))
    }

    async fn run(&self, call: &Call, input: Input) -> Result<Output, StepError> {
        let number = self.1.fetch_add(1, Ordering::Relaxed);
        let wrong = Call {
            key: format!("{number}-{}", call.key),
            ..call.clone()
        };
        self.0.run(&wrong, input).await
    }
}

fn violations(make: fn() -> Result<Box<dyn holdfast_drill::Own>, String>, name: &str) -> String {
    let outcome = drill(make).run(&name.parse().expect("a name"));
    outcome.expect("it runs").violations.join("; ")
}

#[test]
fn a_step_that_undoes_under_another_key_is_found() {
    let found = violations(Vendors::with::<ForgetsItsKey>, "notify_ap_team/permanent");
    assert_eq!(
        found,
        "apply_vendor_hold: its effect stands, and the receipt does not say so"
    );
}

#[test]
fn a_step_that_does_not_send_the_key_it_was_given_is_found() {
    let found = violations(Vendors::with::<InventsKeys>, "no-fault");
    assert!(
        found.contains("and no call has that key: does its step send call.key?"),
        "{found}"
    );
}
