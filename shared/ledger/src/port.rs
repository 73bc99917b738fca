//! The port to the place where records are stored, and what its writes expect and answer.

use std::future::Future;

use holdfast_ids::keys::ExecutionKey;

use super::{
    control::Control,
    counter::{Counter, CounterChange},
    duplicate::Duplicate,
    execution::{EpochAndPhase, ExecutionRecord},
    key::IncidentKey,
    link::Link,
    record::{Record, RecordKey},
    snapshot::Snapshot,
    tenant::{TenantKey, TenantRecord},
};

/// The record that a conditional write must find in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// No record yet.
    Absent,
    /// The record with this `rev`.
    Rev(u64),
}

impl Expect {
    /// The write that follows `current`.
    pub fn after<R: Record>(current: Option<&R>) -> Self {
        current.map_or(Self::Absent, |record| Self::Rev(record.rev()))
    }
}

/// The answer to a conditional write.
#[derive(Debug, Clone, PartialEq)]
pub enum Put<T> {
    /// The record is written.
    Done,
    /// Another writer was first. Here is the stored record, or nothing if the expected record is
    /// absent.
    Lost(Option<Box<T>>),
}

/// The answer to a write that changes counters.
#[derive(Debug, Clone, PartialEq)]
pub enum CountedPut {
    /// The record is written and every counter is changed.
    Done,
    /// Nothing is written: another writer was first. Here is the stored record.
    Lost(Option<Box<ExecutionRecord>>),
    /// Nothing is written: the counter changes at these places, from 0, exceed their limit.
    Refused(Vec<usize>),
}

/// The reason why the ledger did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// The ledger was not reached or refused the load; the write may or may not have happened.
    #[error("the ledger is unavailable: {0}")]
    Unavailable(String),
    /// The ledger refused for a reason that remains: a missing table, a missing permission.
    #[error("the ledger refused: {0}")]
    Refused(String),
    /// A stored record is not one that this program writes.
    #[error("a ledger record is damaged: {0}")]
    Damaged(String),
}

/// The place where records are stored. Every write is conditional; every read but that of a
/// registration is strongly consistent.
///
/// An adapter may send a write again after its answer was lost. The second write then loses against
/// the first, and the rules recognize their own record by its token.
pub trait Ledger: Send + Sync {
    /// Reads the record under `key`.
    fn read<K: RecordKey>(
        &self,
        key: &K,
    ) -> impl Future<Output = Result<Option<K::Record>, LedgerError>> + Send;

    /// Reads the registration of the tenant of a start. One that is open may be a moment old, since
    /// all starts of a tenant read this one item; an adapter reads any other strongly consistently.
    fn registration(
        &self,
        tenant: &str,
    ) -> impl Future<Output = Result<Option<TenantRecord>, LedgerError>> + Send {
        let key = TenantKey(tenant.to_owned());
        async move { self.read(&key).await }
    }

    /// Writes a record if the stored one is what `expect` says. A control is written together with
    /// every copy of the list of paused scopes: all of it or nothing.
    fn put<R: Record>(
        &self,
        record: &R,
        expect: Expect,
    ) -> impl Future<Output = Result<Put<R>, LedgerError>> + Send;

    /// Writes an execution record together with changes of counters, each counter once: all of it
    /// or nothing.
    fn put_execution_and_counters(
        &self,
        execution: &ExecutionRecord,
        expect: Expect,
        changes: &[CounterChange],
    ) -> impl Future<Output = Result<CountedPut, LedgerError>> + Send;

    /// Reads epoch and phase of an execution and every control that pauses it: in one request while
    /// none does.
    fn phase_and_controls(
        &self,
        at: &ExecutionKey,
        workflow: &str,
    ) -> impl Future<Output = Result<(Option<EpochAndPhase>, Vec<Control>), LedgerError>> + Send;

    /// Reads every record of an execution, in one query per page.
    fn snapshot(
        &self,
        at: &ExecutionKey,
    ) -> impl Future<Output = Result<Option<Snapshot>, LedgerError>> + Send;

    /// Reads a counter; one that is not stored is 0.
    fn count(&self, counter: &Counter) -> impl Future<Output = Result<i64, LedgerError>> + Send;

    /// Reads the stored link of the same incident, execution and execution generation.
    fn read_link(
        &self,
        link: &Link,
    ) -> impl Future<Output = Result<Option<Link>, LedgerError>> + Send;

    /// Writes which execution met an incident. A later link of the same execution generation
    /// replaces an earlier one, whichever is written first.
    fn put_link(&self, link: &Link) -> impl Future<Output = Result<(), LedgerError>> + Send;

    /// Reads a page of the links of an incident, sorted by execution, after the link `after`. The
    /// flag is true if more may follow.
    fn links_page(
        &self,
        incident: &IncidentKey,
        after: Option<&Link>,
    ) -> impl Future<Output = Result<(Vec<Link>, bool), LedgerError>> + Send;

    /// Counts a refused duplicate start of `workflow`, once for each request. The count can be
    /// stored before the execution record is, so it names its workflow itself.
    fn count_duplicate(
        &self,
        at: &ExecutionKey,
        workflow: &str,
        duplicate: &Duplicate,
    ) -> impl Future<Output = Result<(), LedgerError>> + Send;
}
