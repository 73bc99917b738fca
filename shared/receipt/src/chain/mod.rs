//! The chain: a signed digest for each tenant and hour, and the audit of a mirror.
//!
//! A digest lists the receipts that were written since the digest before, and names that digest.
//! A receipt is in exactly one digest. [`audit`](audit()) checks a mirror of the bucket.
//! `holdfast_engine::chain` writes the digests.

mod audit;
mod digest;
mod hour;

pub use audit::{Audit, Fault, Files, Finding, audit};
pub use digest::{ChainDigest, Entry, FORMAT, HourlyDigest, Previous};
pub use hour::{EARLY_HOURS, Hour};
