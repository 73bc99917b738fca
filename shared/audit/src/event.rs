//! One audit event, and its form as a CloudEvent.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{about::About, data::EventData, kind::Kind, notice::Links};
use holdfast_ids::keys::event_id;

/// One audit event.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// 40 hex digits. The same event has the same id, however often it is published.
    pub id: String,
    /// The time of the event, by the clock of the function that caused it.
    pub at: Timestamp,
    /// The tenant and the workflow.
    pub about: About,
    /// The id of the execution, the incident or the control.
    pub subject: String,
    /// The person or program that requested the change, if there is one.
    pub actor: Option<String>,
    /// The kind's own members.
    pub data: EventData,
}

impl Event {
    /// An event without an actor. `parts` distinguish it from every other event of this kind about
    /// `subject`.
    pub(crate) fn new(
        at: Timestamp,
        about: &About,
        subject: &str,
        parts: &[&str],
        data: EventData,
    ) -> Self {
        let mut all = vec![about.tenant.as_str(), subject];
        all.extend(parts);
        Self {
            id: event_id(data.kind().name(), &all),
            at,
            about: about.clone(),
            subject: subject.to_owned(),
            actor: None,
            data,
        }
    }

    pub(crate) fn by(mut self, actor: Option<&str>) -> Self {
        self.actor = actor.map(str::to_owned);
        self
    }

    /// The kind, which the data implies.
    pub fn kind(&self) -> Kind {
        self.data.kind()
    }

    /// The event with the address of its incident, if a person may act on it.
    pub fn linked(mut self, links: &Links) -> Self {
        let incident = self.data.incident().unwrap_or(&self.subject);
        let link = links.incident(&self.about.tenant, incident);
        if let Some(notice) = self.data.notice_mut() {
            notice.link = Some(link);
        }
        self
    }

    /// Removes every member that comes from an input: `item`, the subject, the fields that the
    /// definition shows, the question of an approval, and the notice.
    pub fn remove_inputs(&mut self) {
        self.about.subject = None;
        if let Some(notice) = self.data.notice_mut() {
            notice.notice = None;
        }
        if let EventData::ApprovalRequested(data) | EventData::ApprovalReminded(data) =
            &mut self.data
        {
            data.message = None;
        }
        if let Some(step) = self.data.step_mut() {
            step.item = None;
        }
        if let EventData::Started(started) = &mut self.data {
            started.shown.clear();
        }
    }

    /// A text that sorts the events of an execution in the order in which they happened, by the
    /// clocks of the functions.
    ///
    /// Within a millisecond, events sort by stage, then by attempt, then by kind. So an attempt
    /// ends before the attempt that takes over begins.
    pub fn sequence(&self) -> String {
        let kind = self.kind();
        // A first attempt begins where a later one is retried: before it ends.
        let ranked = match kind {
            Kind::StepStarted => Kind::StepRetried,
            kind => kind,
        };
        let rank = Kind::ALL.iter().position(|other| *other == ranked);
        let rank = rank.unwrap_or_default();
        let attempt = self.data.step().map_or(0, |step| step.attempt).min(9999);
        let (millis, stage) = (self.at.as_millisecond(), kind.stage());
        let last = &self.id[..8];
        format!("{millis:015}-{stage}{attempt:04}{rank:02}-{last}")
    }

    /// The event as CloudEvents 1.0 JSON (structured mode); `source` names the deployment.
    pub fn cloud_event(&self, source: &str) -> Value {
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": self.kind().name(),
            "subject": self.subject,
            "time": self.at,
            "sequence": self.sequence(),
            "tenant": self.about.tenant,
            "workflow": self.about.workflow,
            "datacontenttype": "application/json",
            "data": self.data,
        });
        if let Some(version) = self.about.version {
            event["workflowversion"] = version.into();
        }
        if let Some(subject) = &self.about.subject {
            event["workflowsubject"] = subject.as_str().into();
        }
        if let Some(actor) = &self.actor {
            event["actor"] = actor.as_str().into();
        }
        event
    }
}
