//! The chain: of every tenant and hour a signed digest that lists the receipts written since, and names the digest before.
//!
//! A receipt is in exactly one digest. [`advance`] writes what is due, [`audit`](audit()) checks a mirror of the bucket.

mod audit;
mod digest;
mod head;
mod hour;
#[cfg(test)]
mod tests;
mod write;

pub use audit::{Audit, Files, Finding, What, audit};
pub use digest::{Entry, FORMAT, HourlyDigest, Previous};
pub use head::{Head, Heads};
pub use hour::{EARLY_HOURS, Hour};
pub use write::{ChainError, Progress, Shelf, Stored, advance, is_late, tenants};
