//! The chain of a tenant: writes the digests that are due, and the head that names the last one.

mod head;
mod queue;
mod tail;
#[cfg(test)]
mod tests;
mod write;

pub use head::{ChainHeads, Head, Heads};
pub use queue::{Queue, tenants};
pub use write::{ChainError, FOLDER_LISTS, Progress, Shelf, StoredObject, advance, is_late};
