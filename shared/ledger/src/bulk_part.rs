//! The list of a bulk in parts: the executions that were shown, and the outcome of each.

use serde::{Deserialize, Serialize};

use super::{
    bulk::{Bulk, BulkKey},
    execution::ExecutionRecord,
    key::Key,
    record::{Record, RecordKey},
};

/// Executions of a part. A part is written whole, so a larger one costs more for each save.
const PART: usize = 50;

/// The key of a part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BulkPartKey {
    /// The bulk.
    pub bulk: BulkKey,
    /// The part's number, from 0.
    pub number: u32,
}

/// An execution, or a question of one, as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkTarget {
    /// The execution.
    pub execution: String,
    /// Its generation.
    pub generation: u32,
    /// The question, of a bulk that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<BulkQuestion>,
}

/// A question as it was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkQuestion {
    /// The step that waits.
    pub step: String,
    /// The incident that shows the question.
    pub incident: String,
    /// The digest of what people are shown; empty for questions of earlier releases.
    pub shown_sha256: String,
}

impl BulkTarget {
    /// The reason why the list no longer says how the execution is, if so.
    pub fn staleness(&self, execution: &ExecutionRecord) -> Option<String> {
        (execution.generation != self.generation).then(|| {
            format!(
                "it was redriven or rolled back since: generation {} was shown, and it is in \
                 generation {}",
                self.generation, execution.generation
            )
        })
    }

    /// The line of the list's digest.
    pub(super) fn line(&self) -> String {
        let question = self.question.iter();
        let question: String = question
            .map(|one| format!(" {} {} {}", one.step, one.incident, one.shown_sha256))
            .collect();
        format!("{} {}{question}\n", self.execution, self.generation)
    }
}

/// The kind of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkOutcomeKind {
    /// The bulk's request is recorded and takes effect.
    Done,
    /// It was requested before, or happens in any case.
    Already,
    /// The single request's rule refused it.
    Refused,
    /// A service did not answer, however often the request was made.
    NotReached,
}

/// The outcome of the request to one execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkOutcome {
    /// The kind.
    pub kind: BulkOutcomeKind,
    /// The reason, unless it is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An execution of a bulk, and its outcome once there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkItem {
    /// The execution as it was shown.
    pub target: BulkTarget,
    /// The number of requests that a service did not answer, or that came too early.
    #[serde(default)]
    pub failures: u32,
    /// The outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<BulkOutcome>,
}

impl BulkItem {
    /// Failed requests after which no other is made.
    pub const FAILURES_MAX: u32 = 10;

    /// Counts a request that failed for the reason `why` and can be repeated. The last one gives
    /// the execution an outcome of this kind.
    pub fn fail(&mut self, kind: BulkOutcomeKind, why: &str) {
        self.failures += 1;
        if self.failures >= Self::FAILURES_MAX {
            self.outcome = Some(BulkOutcome {
                kind,
                note: Some(format!("{} requests failed: {why}", self.failures)),
            });
        }
    }
}

/// A part of a bulk's list. It is written whole, on condition that `rev` is still the one that was
/// read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkPart {
    /// Counts the writes, from 1.
    pub rev: u64,
    /// The tenant.
    pub tenant: String,
    /// The bulk's id.
    pub bulk: String,
    /// The part's number, from 0.
    pub number: u32,
    /// The executions.
    pub items: Vec<BulkItem>,
    /// The time, in seconds, after which the table may delete the record.
    pub expires_at: i64,
}

impl BulkPart {
    /// The parts of a bulk's list.
    pub(super) fn of(bulk: &Bulk, targets: Vec<BulkTarget>) -> Vec<Self> {
        let items = targets.into_iter().map(|target| BulkItem {
            target,
            failures: 0,
            outcome: None,
        });
        let items: Vec<_> = items.collect();
        let parts = items.chunks(PART).zip(0..);
        parts
            .map(|(items, number)| Self {
                rev: 1,
                tenant: bulk.tenant.clone(),
                bulk: bulk.id.clone(),
                number,
                items: items.to_vec(),
                expires_at: bulk.expires_at,
            })
            .collect()
    }

    /// Its key.
    pub fn key(&self) -> BulkPartKey {
        BulkPartKey {
            bulk: BulkKey {
                tenant: self.tenant.clone(),
                id: self.bulk.clone(),
            },
            number: self.number,
        }
    }

    /// The record to write over `stored` with the outcomes of this one; `None` if `stored` has them
    /// all. An outcome that is stored stays, so that each execution is accounted for once.
    pub fn merged_into(&self, stored: &Self) -> Option<Self> {
        let mut next = Self {
            rev: stored.rev + 1,
            ..stored.clone()
        };
        for (item, mine) in next.items.iter_mut().zip(&self.items) {
            if item.outcome.is_none() {
                item.outcome.clone_from(&mine.outcome);
                item.failures = item.failures.max(mine.failures);
            }
        }
        (next.items != stored.items).then_some(next)
    }
}

impl Record for BulkPart {
    fn key(&self) -> Key {
        Key::BulkPart(self.key())
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

impl RecordKey for BulkPartKey {
    type Record = BulkPart;

    fn key(&self) -> Key {
        Key::BulkPart(self.clone())
    }
}
