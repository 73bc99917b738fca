//! Steps whose code is wrong are found.

use std::sync::atomic::{AtomicU32, Ordering};

use holdfast_core::action::{Action, Call, Done, Settings, StepError, Undo, Verdict};
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

/// Fails to take back what is not there.
struct InsistsOnUndoing(VendorHold);

impl Action for InsistsOnUndoing {
    const NAME: &'static str = VendorHold::NAME;
    const SUMMARY: &'static str = VendorHold::SUMMARY;
    const UNDO: Undo = VendorHold::UNDO;
    type Input = Input;
    type Output = Output;

    fn new(settings: &Settings) -> Result<Self, String> {
        VendorHold::new(settings).map(Self)
    }

    async fn run(&self, call: &Call, input: Input) -> Result<Output, StepError> {
        self.0.run(call, input).await
    }

    async fn undo(&self, call: &Call, done: Done<Input, Output>) -> Result<(), StepError> {
        let input = Input {
            vendor_id: done.input.vendor_id.clone(),
            days: done.input.days,
            reason: None,
        };
        match self.0.verify(call, input).await? {
            Verdict::Happened(_) => self.0.undo(call, done).await,
            _ => Err(StepError::permanent("there is no such hold")),
        }
    }
}

#[test]
fn a_step_that_undoes_under_another_key_is_found() {
    let drill = drill(Vendors::with::<ForgetsItsKey>).expect("it executes");
    let scenario = "notify_ap_team/permanent".parse().expect("a name");
    let outcome = drill.run(&scenario).expect("it runs");
    let what = "apply_vendor_hold: its effect stands, and the receipt does not say so";
    assert_eq!(outcome.violations, [what]);
}

#[test]
fn a_step_whose_undo_fails_where_there_is_nothing_to_undo_is_found() {
    let drill = drill(Vendors::with::<InsistsOnUndoing>).expect("it executes");
    let outcomes = drill.run_all(&drill.singles()).expect("they run");
    let what = "apply_vendor_hold: its undo fails where there is nothing to undo".to_owned();
    assert!(outcomes.iter().any(|one| one.violations.contains(&what)));
}

#[test]
fn a_step_that_does_not_send_the_key_it_was_given_is_found_at_once() {
    let why = drill(Vendors::with::<InventsKeys>)
        .err()
        .expect("it is found");
    let what = "and no call has that key: does its step send call.key?";
    assert!(why.contains(what), "{why}");
}
