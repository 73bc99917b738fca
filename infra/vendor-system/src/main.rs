//! Vendor system.
fn main() {}
