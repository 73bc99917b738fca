//! The actions that workflow steps can name; docs/steps.md says how to add one.

// So that the step in docs/steps.md reads the same here and in the test that compiles it.
extern crate self as holdfast_steps;

holdfast_action::actions! {
    http::Http,
    vendor_hold::VendorHold,
}

pub mod client;

/// Compiles the step that the page shows.
#[cfg(doctest)]
#[doc = include_str!("../../docs/steps.md")]
pub struct Page;
