//! The chain: of every tenant and hour a signed digest that lists the receipts written since, and names the digest before.
//!
//! A receipt is in exactly one digest. [`advance`] writes what is due, [`audit`](audit()) checks a mirror of the bucket.

mod audit;
mod digest;
mod hour;

pub use audit::{Audit, Fault, Files, Finding, audit};
pub use digest::{Entry, FORMAT, HourlyDigest, Placed, Previous};
pub use hour::{EARLY_HOURS, Hour};
