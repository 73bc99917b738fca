//! The actions that workflow steps can name; docs/steps.md says how to add one.

// The steps here name this crate as the step in docs/steps.md does, which a test compiles.
extern crate self as holdfast_steps;

holdfast_action::actions! {
    http::Http,
    vendor_hold::VendorHold,
}

pub mod client;

/// Compiles the step that docs/steps.md shows.
#[cfg(doctest)]
#[doc = include_str!("../../docs/steps.md")]
pub struct Page;
