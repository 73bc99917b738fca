//! Writing the chain: the digests that are due, and the head that says which was the last.

mod head;
#[cfg(test)]
mod tests;
mod write;

pub use head::{Head, Heads};
pub use write::{ChainError, Progress, Shelf, Stored, advance, is_late, tenants};
