//! Helpers of the checks: comparisons that report the difference, and writes with the expected
//! answer.

use crate::{Expect, Ledger, LedgerError, Put, Record};

/// The number of concurrent writers in the checks that race.
pub(super) const WRITERS: usize = 50;

/// Compares `found` with `right` and names what differs.
pub(super) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: &T,
    right: &T,
) -> Result<(), String> {
    if found == right {
        Ok(())
    } else {
        Err(format!("{what}: found {found:?}, right is {right:?}"))
    }
}

pub(super) fn text(error: LedgerError) -> String {
    error.to_string()
}

/// Writes a record and compares the answer.
pub(super) async fn put<L: Ledger, R: Record>(
    ledger: &L,
    record: &R,
    expect: Expect,
    right: Put<R>,
) -> Result<(), String> {
    let answer = ledger.put(record, expect).await.map_err(text)?;
    same(
        &format!("put {:?} {expect:?}", record.key()),
        &answer,
        &right,
    )
}
