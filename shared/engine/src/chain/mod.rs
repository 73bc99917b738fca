//! The chain of a tenant: writes the digests that are due, and the head that names the last one.

mod head;
#[cfg(test)]
mod tests;
mod write;

pub use head::{Head, Heads};
pub use write::{ChainError, Progress, Shelf, StoredObject, advance, is_late, tenants};
