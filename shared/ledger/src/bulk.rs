//! Pure rules of bulks: one request to many executions, which was shown before it runs, and whose
//! report accounts for each execution once.

use holdfast_ids::{digest::sha256_hex, reason::REASON_MAX};
use holdfast_receipt::Decision;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    bulk_part::{BulkPart, BulkTarget},
    execution::{ExecutionRecord, Phase},
    key::Key,
    question::{Question, QuestionState},
    record::{Record, RecordKey},
};

/// The time for which the token of a shown bulk starts it.
const SHOWN_FOR: SignedDuration = SignedDuration::from_mins(60);

/// The time after which the table may delete a bulk.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(90 * 24);

/// The key of a bulk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BulkKey {
    /// The tenant.
    pub tenant: String,
    /// The bulk's id.
    pub id: String,
}

/// The request that a bulk makes to each of its executions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum BulkOperation {
    /// Stop it and undo its effects.
    Cancel,
    /// Undo it after its end.
    Rollback,
    /// Continue it where it failed.
    Redrive,
    /// Answer its question.
    Decide {
        /// The answer.
        decision: Decision,
    },
}

/// The filter that chose the executions of a bulk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BulkFilter {
    /// The incident that they met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident_id: Option<String>,
    /// Their workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_id: Option<String>,
    /// Their status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Their subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The earliest start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The latest start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

/// The person or program that a bulk acts for, as the token named them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkCaller {
    /// The subject.
    pub subject: String,
    /// The role's name.
    pub role: String,
    /// The tenant that the token names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The groups of an approver.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// The part of a bulk that its request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkRequest {
    /// The request to each execution.
    pub operation: BulkOperation,
    /// The filter.
    pub filter: BulkFilter,
    /// The reason, in the caller's own words.
    pub reason: String,
    /// The caller.
    pub by: BulkCaller,
}

/// A bulk. It is written whole, on condition that `rev` is still the one that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bulk {
    /// Counts the writes, from 1.
    pub rev: u64,
    /// The tenant.
    pub tenant: String,
    /// The id.
    pub id: String,
    /// The request to each execution.
    pub operation: BulkOperation,
    /// The filter that chose the executions.
    pub filter: BulkFilter,
    /// The reason, in the caller's own words.
    pub reason: String,
    /// The caller, for whom each request is made.
    pub by: BulkCaller,
    /// The number of executions, or of questions.
    pub total: u32,
    /// The hex SHA-256 of the list of executions.
    pub list_sha256: String,
    /// The time at which the list was shown.
    pub at: Timestamp,
    /// The time from which the token no longer starts the bulk.
    pub until: Timestamp,
    /// The state.
    pub state: BulkState,
    /// The time, in seconds, after which the table may delete the record.
    pub expires_at: i64,
}

/// The state of a bulk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum BulkState {
    /// Its list was shown, and no request was made.
    Shown,
    /// Its requests are made.
    Running {
        /// The number of workers that were started for it.
        starts: u32,
    },
    /// A person stopped it, and the worker has not yet seen that.
    Stopping {
        /// The number of workers that were started for it.
        starts: u32,
        /// The person.
        by: String,
    },
    /// A person stopped it, and no further request is made.
    Stopped {
        /// The person.
        by: String,
        /// The time at which the worker stopped.
        at: Timestamp,
    },
    /// Every execution is accounted for.
    Done {
        /// The time.
        at: Timestamp,
    },
}

impl BulkState {
    /// The name in the API.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Shown => "SHOWN",
            Self::Running { .. } => "RUNNING",
            Self::Stopping { .. } => "STOPPING",
            Self::Stopped { .. } => "STOPPED",
            Self::Done { .. } => "DONE",
        }
    }

    /// The number of workers that were started, while one must work.
    pub fn starts(&self) -> Option<u32> {
        match self {
            Self::Running { starts } | Self::Stopping { starts, .. } => Some(*starts),
            Self::Shown | Self::Stopped { .. } | Self::Done { .. } => None,
        }
    }
}

/// The decision on a request to start or stop a bulk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulkTransition {
    /// Write this record.
    Write(Box<Bulk>),
    /// The bulk is in this state already.
    Already,
    /// The request is refused: the reason.
    Refused(String),
    /// This person may not do it: the reason.
    Forbidden(String),
}

impl Bulk {
    /// The most executions of a bulk.
    pub const MOST: usize = 10_000;
    /// The number of characters that [`Self::marked_reason`] adds to the reason.
    pub const MARK: usize = 48;
    /// Longest reason of a bulk, in characters: each single request adds the bulk's id to it.
    pub const REASON_MAX: usize = REASON_MAX - Self::MARK;

    /// The bulk `id` as it is shown, and its list in parts.
    pub fn shown(
        tenant: &str,
        id: &str,
        request: BulkRequest,
        targets: Vec<BulkTarget>,
        now: Timestamp,
    ) -> (Self, Vec<BulkPart>) {
        let expires_at = now.saturating_add(KEPT_FOR).unwrap_or(now).as_second();
        let lines: String = targets.iter().map(BulkTarget::line).collect();
        let bulk = Self {
            rev: 1,
            tenant: tenant.to_owned(),
            id: id.to_owned(),
            operation: request.operation,
            filter: request.filter,
            reason: request.reason,
            by: request.by,
            total: targets.len() as u32,
            list_sha256: sha256_hex(lines.as_bytes()),
            at: now,
            until: now.saturating_add(SHOWN_FOR).unwrap_or(now),
            state: BulkState::Shown,
            expires_at,
        };
        let parts = BulkPart::of(&bulk, targets);
        (bulk, parts)
    }

    /// Its key.
    pub fn key(&self) -> BulkKey {
        BulkKey {
            tenant: self.tenant.clone(),
            id: self.id.clone(),
        }
    }

    /// The token that starts it: a digest of everything that was shown. It is no secret, since only
    /// the caller to whom it was shown may use it.
    pub fn token(&self) -> String {
        let shown = serde_json::json!([
            self.tenant,
            self.id,
            self.operation,
            self.filter,
            self.reason,
            self.by,
            self.total,
            self.list_sha256,
            self.until,
        ]);
        sha256_hex(shown.to_string().as_bytes())
    }

    /// The reason of each single request, which names the bulk.
    pub fn marked_reason(&self) -> String {
        format!("{} (bulk {})", self.reason, self.id)
    }

    /// Decides a request of `caller` to start it.
    pub fn run(&self, caller: &BulkCaller, token: &str, now: Timestamp) -> BulkTransition {
        if token != self.token() {
            return BulkTransition::Refused(
                "the token is not the one of this bulk: send the token that POST /v1/bulk answered"
                    .to_owned(),
            );
        }
        if *caller != self.by {
            return BulkTransition::Forbidden(
                "the list was shown to another person, or to you with other rights: send your own \
                 POST /v1/bulk"
                    .to_owned(),
            );
        }
        match &self.state {
            BulkState::Shown if now < self.until => self.becomes(BulkState::Running { starts: 1 }),
            BulkState::Shown => BulkTransition::Refused(format!(
                "the token expired at {}: preview another one by POST /v1/bulk",
                self.until
            )),
            BulkState::Running { .. } | BulkState::Done { .. } => BulkTransition::Already,
            BulkState::Stopping { by, .. } | BulkState::Stopped { by, .. } => {
                BulkTransition::Refused(format!(
                    "{by} stopped this bulk: preview another one by POST /v1/bulk"
                ))
            }
        }
    }

    /// Decides a request of the person `by` to stop it.
    pub fn stop(&self, by: &str, now: Timestamp) -> BulkTransition {
        let by = by.to_owned();
        match self.state {
            BulkState::Shown => self.becomes(BulkState::Stopped { by, at: now }),
            BulkState::Running { starts } => self.becomes(BulkState::Stopping { starts, by }),
            BulkState::Stopping { .. } | BulkState::Stopped { .. } => BulkTransition::Already,
            BulkState::Done { .. } => BulkTransition::Refused(
                "the bulk is done: every execution is accounted for".to_owned(),
            ),
        }
    }

    /// Decides the end of its worker, for which every execution has an outcome, or which has seen
    /// the stop.
    pub fn end(&self, now: Timestamp) -> BulkTransition {
        match &self.state {
            BulkState::Running { .. } => self.becomes(BulkState::Done { at: now }),
            BulkState::Stopping { by, .. } => self.becomes(BulkState::Stopped {
                by: by.clone(),
                at: now,
            }),
            BulkState::Shown | BulkState::Stopped { .. } | BulkState::Done { .. } => {
                BulkTransition::Already
            }
        }
    }

    /// Decides the start of another worker, after the last one ended and the bulk did not.
    pub fn restart(&self) -> BulkTransition {
        match self.state.clone() {
            BulkState::Running { starts } => {
                self.becomes(BulkState::Running { starts: starts + 1 })
            }
            BulkState::Stopping { starts, by } => {
                let starts = starts + 1;
                self.becomes(BulkState::Stopping { starts, by })
            }
            BulkState::Shown | BulkState::Stopped { .. } | BulkState::Done { .. } => {
                BulkTransition::Already
            }
        }
    }

    fn becomes(&self, state: BulkState) -> BulkTransition {
        BulkTransition::Write(Box::new(Self {
            rev: self.rev + 1,
            state,
            ..self.clone()
        }))
    }

    /// Returns whether the execution's record shows the request of this bulk.
    pub fn is_shown_by(&self, execution: &ExecutionRecord) -> bool {
        let reason = self.marked_reason();
        let failure = match &execution.phase {
            Phase::Unwinding { failure } => Some(failure),
            Phase::Ended { failure, .. } => failure.as_ref(),
            Phase::Running | Phase::Rejected => None,
        };
        let past = execution.past.iter().map(|past| past.redriven.as_ref());
        let mut redrives = past.chain([execution.redriven.as_ref()]).flatten();
        match self.operation {
            BulkOperation::Redrive => redrives.any(|redrive| redrive.reason == reason),
            BulkOperation::Cancel | BulkOperation::Rollback => {
                failure.is_some_and(|failure| failure.cause == reason)
            }
            BulkOperation::Decide { .. } => false,
        }
    }

    /// Returns whether the question's record shows the decision of this bulk.
    pub fn is_shown_by_question(&self, question: &Question) -> bool {
        let reason = self.marked_reason();
        let ruled = matches!(
            &question.state,
            QuestionState::Ruled { ruling, .. } if ruling.reason == reason
        );
        ruled
            || question.votes.iter().any(|vote| vote.reason == reason)
            || question
                .earlier
                .iter()
                .any(|ruling| ruling.reason == reason)
    }
}

impl Record for Bulk {
    fn key(&self) -> Key {
        Key::Bulk(self.key())
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

impl RecordKey for BulkKey {
    type Record = Bulk;

    fn key(&self) -> Key {
        Key::Bulk(self.clone())
    }
}
