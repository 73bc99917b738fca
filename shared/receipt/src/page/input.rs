//! The input of a page: a receipt and the result of its verification.

use jiff::Timestamp;

use crate::{evidence::Signatory, receipt::Receipt};

/// A receipt and the result of its verification.
#[derive(Debug, Clone, PartialEq)]
pub struct PageInput<'a> {
    /// The receipt.
    pub receipt: &'a Receipt,
    /// The object key, or the file's name.
    pub object: &'a str,
    /// The hex SHA-256 of the receipt's bytes.
    pub sha256: &'a str,
    /// The key that signed it, or the reason why it is not verified.
    pub signature: &'a Result<Signatory, String>,
    /// The time of the verification.
    pub at: Timestamp,
}
