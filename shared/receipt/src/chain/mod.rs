//! The chain: signed digests that cover each hour of each tenant once, and the audit of a mirror.
//!
//! A digest lists the receipts that were written since the previous digest, which it names.
//! A receipt is in exactly one digest. [`audit`](audit()) checks a mirror of the bucket.
//! `holdfast_engine::chain` writes the digests.

mod audit;
mod digest;
mod finding;
mod hour;
mod mirrored;

pub use audit::{Audit, Files, audit};
pub use digest::{ChainDigest, Entry, FORMAT, Previous, ReceiptDigest};
pub use finding::{Fault, Finding};
pub use hour::{EARLY_HOURS, Hour, MAX_RECEIPTS, SPAN_MAX};
