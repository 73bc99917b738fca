//! The actions that workflow steps can name; docs/steps.md says how to add one.

holdfast_core::actions! {
    http::Http,
    vendor_hold::VendorHold,
}

pub mod client;
