//! Everything the server remembers: the business state, every effect, every request.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{
    answer::Answer,
    calls::Call,
    faults::{Faults, MetFault},
    holds::Hold,
    idempotency::Answers,
    notifications::Notification,
    query::Query,
};

/// The whole state, changed only under its lock.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) vendors: BTreeMap<String, Map<String, Value>>,
    pub(crate) holds: Vec<Hold>,
    /// The released keys, under which no hold may be placed any more.
    pub(crate) tombstones: HashSet<String>,
    pub(crate) notifications: Vec<Notification>,
    pub(crate) answers: Answers,
    pub(crate) faults: Faults,
    pub(crate) effects: Vec<Effect>,
    pub(crate) requests: Vec<Request>,
    /// The number of resets. A call from before a reset must not change the state after it.
    resets: u64,
}

/// An effect, which is never removed but by a reset.
#[derive(Debug, Serialize)]
pub(crate) struct Effect {
    pub(crate) seq: usize,
    pub(crate) at: Timestamp,
    pub(crate) kind: EffectKind,
    /// The idempotency key of the request that had the effect.
    pub(crate) key: String,
    /// The key that placed the hold, for a release.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) forward_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) vendor_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notification_id: Option<String>,
}

/// The kinds of effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EffectKind {
    HoldPlaced,
    HoldReleased,
    NotificationSent,
}

impl EffectKind {
    pub(crate) const ALL: [Self; 3] =
        [Self::HoldPlaced, Self::HoldReleased, Self::NotificationSent];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::HoldPlaced => "hold_placed",
            Self::HoldReleased => "hold_released",
            Self::NotificationSent => "notification_sent",
        }
    }
}

impl Serialize for EffectKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl Effect {
    pub(crate) fn new(kind: EffectKind, key: &str, at: Timestamp) -> Self {
        Self {
            seq: 0,
            at,
            kind,
            key: key.to_owned(),
            forward_key: None,
            vendor_id: None,
            team: None,
            hold_id: None,
            days: None,
            notification_id: None,
        }
    }

    pub(crate) fn is_asked_for(&self, query: &Query) -> bool {
        query.admits("key", &[Some(&self.key), self.forward_key.as_deref()])
            && query.admits("vendor_id", &[self.vendor_id.as_deref()])
            && query.admits("team", &[self.team.as_deref()])
            && query.admits("kind", &[Some(self.kind.name())])
    }
}

/// The target and the key that a request names.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Subject {
    pub(crate) key: Option<String>,
    /// The key of the effect that the request commits or releases.
    pub(crate) forward_key: Option<String>,
    pub(crate) vendor_id: Option<String>,
    pub(crate) team: Option<String>,
}

/// A request that reached a business route, whatever its ending.
#[derive(Debug, Serialize)]
pub(crate) struct Request {
    seq: usize,
    at: Timestamp,
    route: &'static str,
    method: &'static str,
    path: String,
    #[serde(flatten)]
    subject: Subject,
    traceparent: Option<String>,
    /// The start of the SHA-256 of the header Authorization, which distinguishes credentials
    /// without showing them.
    authorization_sha256: Option<String>,
    /// The ending, or none while the request is under way.
    status: Option<Ending>,
    replayed: bool,
    fault: Option<MetFault>,
}

impl Request {
    pub(crate) fn is_asked_for(&self, query: &Query) -> bool {
        let subject = &self.subject;
        let keys = [subject.key.as_deref(), subject.forward_key.as_deref()];
        query.admits("key", &keys)
            && query.admits("vendor_id", &[subject.vendor_id.as_deref()])
            && query.admits("team", &[subject.team.as_deref()])
            && query.admits("route", &[Some(self.route)])
    }
}

/// The ending of a request: in JSON its status, or "dropped".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Answered(u16),
    Dropped,
}

impl Serialize for Ending {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Answered(status) => serializer.serialize_u16(*status),
            Self::Dropped => serializer.serialize_str("dropped"),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(out, "{status}"),
            Self::Dropped => write!(out, "dropped"),
        }
    }
}

/// The place of one request in the records.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket {
    resets: u64,
    seq: usize,
}

impl fmt::Display for Ticket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{}", self.seq)
    }
}

impl World {
    /// Records the arrival of a request and gives it the fault that is planned for it.
    pub(crate) fn admit(&mut self, call: &Call) -> (Ticket, Option<MetFault>) {
        let route = call.route.name;
        let subject = self.subject(call);
        let fault = self.faults.take(route, &subject, &call.text());
        let seq = self.requests.len() + 1;
        self.requests.push(Request {
            seq,
            at: Timestamp::now(),
            route,
            method: route.split_once(' ').map_or(route, |(method, _)| method),
            path: call.path.clone(),
            subject,
            traceparent: call.traceparent.clone(),
            authorization_sha256: call.authorization_sha256.clone(),
            status: None,
            replayed: false,
            fault: fault.clone(),
        });
        let resets = self.resets;
        (Ticket { resets, seq }, fault)
    }

    /// Applies the call, or gives none if the state was reset since the call arrived.
    pub(crate) fn apply(&mut self, ticket: Ticket, call: &Call) -> Option<Answer> {
        if ticket.resets != self.resets {
            return None;
        }
        let done = call.refusal.clone().map_or(Ok(()), Err);
        let done = done.and_then(|()| (call.route.rule)(self, call));
        Some(done.unwrap_or_else(Answer::from))
    }

    /// Records the ending of a request.
    pub(crate) fn settle(&mut self, ticket: Ticket, ending: Ending, replayed: bool) {
        let current = ticket.resets == self.resets;
        if let Some(request) = self.requests.get_mut(ticket.seq - 1).filter(|_| current) {
            request.status = Some(ending);
            request.replayed = replayed;
        }
    }

    /// Appends an effect.
    pub(crate) fn commit(&mut self, effect: Effect) {
        let seq = self.effects.len() + 1;
        self.effects.push(Effect { seq, ..effect });
    }

    /// Resets everything, faults included.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            resets: self.resets + 1,
            ..Self::default()
        };
    }

    fn subject(&self, call: &Call) -> Subject {
        let mut subject = call.subject();
        let named = |hold: &&Hold| {
            Some(&hold.key) == subject.forward_key.as_ref()
                || (call.route.path == "/holds/{hold_id}" && hold.hold_id == call.id())
        };
        if subject.vendor_id.is_none() {
            let hold = self.holds.iter().find(named);
            subject.vendor_id = hold.map(|hold| hold.vendor_id.clone());
        }
        subject
    }
}
