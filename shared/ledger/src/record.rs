//! The nine kinds of record that are written whole under a revision, and what the ledger needs of
//! each.

use std::fmt::Debug;

use holdfast_ids::keys::ExecutionKey;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    bulk::Bulk,
    bulk_part::BulkPart,
    control::{Control, Scope},
    delegation::{Delegation, DelegationKey},
    due::NextLook,
    execution::{ExecutionRecord, Phase},
    incident::{Incident, IncidentStatus},
    key::{IncidentKey, Key, QuestionKey, StepKey},
    list::List,
    question::{Question, QuestionState},
    step::StepRecord,
    tenant::{TenantKey, TenantRecord},
    units::{ENDED_AT, LIST_STATUS},
};

/// A record that [`Ledger::put`](super::Ledger::put) writes.
pub trait Record:
    Clone
    + Debug
    + PartialEq
    + Serialize
    + DeserializeOwned
    + Into<AnyRecord>
    + TryFrom<AnyRecord>
    + Send
    + Sync
{
    /// The key under which it is stored.
    fn key(&self) -> Key;

    /// Its revision: the number of its writes.
    fn rev(&self) -> u64;

    /// The lists that contain it, each with the time by which the list is sorted.
    fn lists(&self) -> Vec<(List, Timestamp)> {
        Vec::new()
    }

    /// The control whose copies are written with it, if it is one.
    fn control(&self) -> Option<&Control> {
        None
    }

    /// The attributes that its lists show and that are no members of it, each with its text.
    fn list_attributes(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A key that [`Ledger::read`](super::Ledger::read) takes: it says which kind of record it reads.
pub trait RecordKey: Debug + Send + Sync {
    /// The record under such a key.
    type Record: Record;

    /// The key of the table.
    fn key(&self) -> Key;
}

impl Record for ExecutionRecord {
    fn key(&self) -> Key {
        Key::Execution(self.at.clone())
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn lists(&self) -> Vec<(List, Timestamp)> {
        let mut lists = vec![(List::executions(&self.at), self.started_at)];
        if let Some(subject) = self.subject.clone() {
            let tenant = self.at.tenant.clone();
            lists.push((List::OfSubject { tenant, subject }, self.started_at));
        }
        if self.is_open() {
            let NextLook { due, urgent } = NextLook::of(self);
            lists.push((List::open(&self.at, urgent), due));
        }
        lists
    }

    fn list_attributes(&self) -> Vec<(&'static str, String)> {
        let mut attributes = vec![(LIST_STATUS, self.list_status().to_owned())];
        if let (Phase::Ended { at, .. }, Some(_)) = (&self.phase, &self.receipt) {
            attributes.push((ENDED_AT, at.to_string()));
        }
        attributes
    }
}

impl RecordKey for ExecutionKey {
    type Record = ExecutionRecord;

    fn key(&self) -> Key {
        Key::Execution(self.clone())
    }
}

impl Record for StepRecord {
    fn key(&self) -> Key {
        let item = self.item.as_deref();
        Key::Step(StepKey::new(&self.at, &self.step, item))
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

impl RecordKey for StepKey {
    type Record = StepRecord;

    fn key(&self) -> Key {
        Key::Step(self.clone())
    }
}

impl Record for Question {
    fn key(&self) -> Key {
        Key::Question(QuestionKey {
            at: self.at.clone(),
            step: self.step.clone(),
        })
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    /// The sweep finds undelivered decisions and new questions among the open executions. People
    /// find an open question in the list of their tenant, sorted as the list of executions is.
    fn lists(&self) -> Vec<(List, Timestamp)> {
        let due = self.due();
        let look = due.map(|due| (List::open(&self.at, self.undelivered().is_some()), due));
        let asked = self.asked_by.as_ref();
        let asked = asked.filter(|_| self.state == QuestionState::Open);
        let inbox = asked.map(|execution| {
            let list = List::Questions(self.at.tenant.clone());
            (list, execution.started_at)
        });
        look.into_iter().chain(inbox).collect()
    }
}

impl RecordKey for QuestionKey {
    type Record = Question;

    fn key(&self) -> Key {
        Key::Question(self.clone())
    }
}

impl Record for Incident {
    fn key(&self) -> Key {
        Key::Incident(IncidentKey::new(&self.tenant, &self.id))
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn lists(&self) -> Vec<(List, Timestamp)> {
        let by_status = List::Incidents {
            tenant: self.tenant.clone(),
            status: self.status,
        };
        let mut lists = vec![(by_status, self.opened_at)];
        if self.status != IncidentStatus::Resolved {
            lists.push((List::OpenIncidents, self.opened_at));
        }
        lists
    }
}

impl RecordKey for IncidentKey {
    type Record = Incident;

    fn key(&self) -> Key {
        Key::Incident(self.clone())
    }
}

impl Record for Control {
    fn key(&self) -> Key {
        Key::Control(self.scope.clone())
    }

    fn rev(&self) -> u64 {
        self.rev
    }

    fn lists(&self) -> Vec<(List, Timestamp)> {
        vec![(List::Controls, self.at)]
    }

    fn control(&self) -> Option<&Control> {
        Some(self)
    }
}

impl RecordKey for Scope {
    type Record = Control;

    fn key(&self) -> Key {
        Key::Control(self.clone())
    }
}

impl Record for TenantRecord {
    fn key(&self) -> Key {
        TenantKey(self.tenant.clone()).key()
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

impl RecordKey for TenantKey {
    type Record = TenantRecord;

    fn key(&self) -> Key {
        let tenant = self.0.clone();
        Key::Tenant { tenant }
    }
}

impl Record for Delegation {
    fn key(&self) -> Key {
        Key::Delegation(self.key())
    }

    fn rev(&self) -> u64 {
        self.rev
    }
}

impl RecordKey for DelegationKey {
    type Record = Delegation;

    fn key(&self) -> Key {
        Key::Delegation(self.clone())
    }
}

/// Declares the enum of all records and its conversions.
macro_rules! any_record {
    ($($(#[$doc:meta])* $kind:ident($record:ty)),+ $(,)?) => {
        /// A record of any kind, for code that handles all of them alike.
        #[derive(Debug, Clone, PartialEq)]
        pub enum AnyRecord {
            $($(#[$doc])* $kind(Box<$record>)),+
        }

        $(
            impl From<$record> for AnyRecord {
                fn from(record: $record) -> Self {
                    Self::$kind(Box::new(record))
                }
            }

            impl TryFrom<AnyRecord> for $record {
                type Error = AnyRecord;

                fn try_from(any: AnyRecord) -> Result<Self, AnyRecord> {
                    match any {
                        AnyRecord::$kind(record) => Ok(*record),
                        other => Err(other),
                    }
                }
            }
        )+
    };
}

any_record! {
    /// An execution's record.
    Execution(ExecutionRecord),
    /// A step's record.
    Step(StepRecord),
    /// A question.
    Question(Question),
    /// An incident.
    Incident(Incident),
    /// A control.
    Control(Control),
    /// A tenant's registration.
    Tenant(TenantRecord),
    /// A delegation.
    Delegation(Delegation),
    /// A bulk.
    Bulk(Bulk),
    /// A part of the list of a bulk.
    BulkPart(BulkPart),
}
