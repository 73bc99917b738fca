//! Report: links an execution to its incidents, and opens, updates and resolves them.

use jiff::{SignedDuration, Timestamp};

use crate::{
    case::Case,
    engine::{Engine, MAX_RACES},
    ports::{Host, ObjectStore},
    task_errors::{TaskError, too_many_races},
};
use holdfast_ledger::{
    ENGINE, ExecutionRecord, Expect, Incident, IncidentKey, IncidentStatus, Ledger, Link, Phase,
    Put, Question, QuestionKey, QuestionState, Request, Settlement, closed_question, handle, open,
    reopen,
};

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Records the end of an execution in every incident that it is linked to. Safe to repeat.
    pub(super) async fn close_case(&self, tenant: &str, case: &Case) -> Result<(), TaskError> {
        let link_of =
            |incident: &Incident| case.links.iter().find(|one| one.incident == incident.id);
        let (settled, unsettled): (Vec<&Incident>, Vec<&Incident>) = case
            .asked
            .iter()
            .partition(|incident| link_of(incident).is_some_and(Link::is_settled));
        for incident in unsettled.into_iter().chain(&case.opens) {
            self.open_incident(incident, link_of(incident)).await?;
        }
        for link in &case.links {
            self.ledger.put_link(link).await?;
        }
        for incident in settled {
            self.outdate(incident).await?;
        }
        for link in &case.links {
            let key = IncidentKey::new(tenant, &link.incident);
            match link.is_settled() {
                true => self.settle(&key).await?,
                // Another execution may have resolved it before this link was written.
                false => self.open_resolved(&key, link).await?,
            }
        }
        Ok(())
    }

    /// Closes a question whose execution has stopped, with its incident. Its end may not have seen
    /// the question. Safe to repeat, since the question is closed last.
    pub async fn close_late(
        &self,
        question: &Question,
        execution: &ExecutionRecord,
    ) -> Result<(), TaskError> {
        let now = self.host.now();
        let Some(closed) = closed_question(question, now) else {
            return Ok(());
        };
        // A redrive may have followed the end of the question's generation.
        let mut past = execution.past.iter();
        let past = past.find(|past| past.generation == question.execution_generation);
        let ended = past.map(|past| execution.as_of(past));
        let execution = ended.as_ref().unwrap_or(execution);
        // An end that saw the question has the link of its own time.
        let at = match &execution.phase {
            Phase::Ended { at, .. } => *at - SignedDuration::from_millis(1),
            _ => question.entered.min(now),
        };
        let incident = question.as_incident(execution);
        let link = Link {
            generation: question.execution_generation,
            status: execution.phase.name().to_owned(),
            settled: Some(true),
            ..Link::waiting(&incident.id, execution, &question.message, at)
        };
        self.ledger.put_link(&link).await?;
        self.outdate(&incident).await?;
        self.settle(&IncidentKey::new(&incident.tenant, &incident.id))
            .await?;
        // A concurrent writer has closed it.
        self.ledger.put(&closed, Expect::Rev(question.rev)).await?;
        Ok(())
    }

    /// Makes every report of the incident late that began before: it loses its write and finds the
    /// later link. An incident that was never recorded is recorded as resolved.
    async fn outdate(&self, incident: &Incident) -> Result<(), TaskError> {
        let key = IncidentKey::new(&incident.tenant, &incident.id);
        for _ in 0..MAX_RACES {
            let stored = self.ledger.read(&key).await?;
            let next = match &stored {
                None => resolved(incident, "the execution has ended", self.host.now()),
                Some(stored) if stored.status == IncidentStatus::Resolved => Some(Incident {
                    rev: stored.rev + 1,
                    ..stored.clone()
                }),
                Some(_) => None,
            };
            let Some(next) = next else {
                return Ok(());
            };
            let expect = Expect::after(stored.as_ref());
            if self.ledger.put(&next, expect).await? == Put::Done {
                return Ok(());
            }
        }
        Err(too_many_races("the incident"))
    }

    /// Opens an incident unless it is open, and links the execution to it. Returns whether the link
    /// is new. Safe to repeat.
    pub(super) async fn report(&self, incident: &Incident, link: &Link) -> Result<bool, TaskError> {
        let linked = self.open_incident(incident, Some(link)).await?;
        self.ledger.put_link(link).await?;
        Ok(!linked)
    }

    /// Opens the incident of a question again that a person handled before the link showed them
    /// that an execution waits. A link that is not new was seen by a person who acknowledged.
    pub(super) async fn open_unseen(
        &self,
        question: &Question,
        link: &Link,
        is_new: bool,
    ) -> Result<(), TaskError> {
        let key = IncidentKey::new(&link.tenant, &link.incident);
        let asked = QuestionKey {
            at: question.at.clone(),
            step: question.step.clone(),
        };
        for _ in 0..MAX_RACES {
            let incident = self.ledger.read(&key).await?;
            let unseen = incident.filter(|incident| match incident.status {
                IncidentStatus::Open => false,
                IncidentStatus::Acknowledged => is_new,
                IncidentStatus::Resolved => true,
            });
            let Some(incident) = unseen else {
                return Ok(());
            };
            // Read after the incident: a decision is written before it resolves the incident of an
            // approval. An end of the execution settles the link.
            let current = self.ledger.read(&asked).await?;
            let waits = current.is_some_and(|current| {
                let same = current.incident == link.incident && current.epoch == question.epoch;
                same && current.state == QuestionState::Open
            });
            let linked = self.ledger.read_link(link).await?;
            if !waits || linked.is_none_or(|linked| linked.is_settled()) {
                return Ok(());
            }
            let next = reopen(&incident, link, self.host.now());
            let put = self.ledger.put(&next, Expect::Rev(incident.rev));
            if put.await? == Put::Done {
                return Ok(());
            }
        }
        Err(too_many_races("the incident"))
    }

    /// Opens an incident before the link is written that shows the execution, so that a repeat
    /// after a failure still finds the execution new. A report that is older than the stored link
    /// is late, and opens nothing. Returns whether a link is stored.
    async fn open_incident(
        &self,
        incident: &Incident,
        link: Option<&Link>,
    ) -> Result<bool, TaskError> {
        let key = IncidentKey::new(&incident.tenant, &incident.id);
        for _ in 0..MAX_RACES {
            // Read before the link: what an end changes between both reads makes the write fail.
            let stored = self.ledger.read(&key).await?;
            let linked = match link {
                Some(link) => self.ledger.read_link(link).await?,
                None => None,
            };
            if let (Some(linked), Some(link)) = (&linked, link)
                && linked.at > link.at
            {
                return Ok(true);
            }
            let linked = linked.is_some();
            let Some(next) = open(stored.as_ref(), incident, linked) else {
                return Ok(linked);
            };
            let expect = Expect::after(stored.as_ref());
            if self.ledger.put(&next, expect).await? == Put::Done {
                return Ok(linked);
            }
        }
        Err(too_many_races("the incident"))
    }

    /// Resolves an incident if every execution that met it has come to a good end. Safe to repeat.
    pub(super) async fn settle(&self, key: &IncidentKey) -> Result<(), TaskError> {
        if self.unsettled(key).await?.is_none()
            && let Some(incident) = self.ledger.read(key).await?
        {
            let why = "every execution that met it has come to a good end";
            self.resolve_incident(incident, why).await?;
        }
        // A failure that was linked meanwhile found the incident open and wrote no more.
        let Some(unsettled) = self.unsettled(key).await? else {
            return Ok(());
        };
        self.open_resolved(key, &unsettled).await
    }

    /// Opens an incident again that the engine resolved while `unsettled` was not written.
    async fn open_resolved(&self, key: &IncidentKey, unsettled: &Link) -> Result<(), TaskError> {
        let Some(incident) = self.ledger.read(key).await? else {
            return Ok(());
        };
        let last = incident.handled.last();
        let by_engine = last.is_some_and(|last| last.by == ENGINE);
        if incident.status == IncidentStatus::Resolved && by_engine {
            let next = reopen(&incident, unsettled, self.host.now());
            // A concurrent writer has opened it, or a person has handled it.
            self.ledger.put(&next, Expect::Rev(incident.rev)).await?;
        }
        Ok(())
    }

    async fn resolve_incident(&self, mut incident: Incident, why: &str) -> Result<(), TaskError> {
        while let Some(next) = resolved(&incident, why, self.host.now()) {
            match self.ledger.put(&next, Expect::Rev(incident.rev)).await? {
                Put::Lost(Some(winner)) => incident = *winner,
                Put::Done | Put::Lost(None) => break,
            }
        }
        Ok(())
    }

    /// The link of an execution that met the incident and has not come to a good end. Reads pages
    /// until it finds one.
    async fn unsettled(&self, incident: &IncidentKey) -> Result<Option<Link>, TaskError> {
        let (mut settlement, mut after) = (Settlement::default(), None);
        loop {
            let (links, more) = self.ledger.links_page(incident, after.as_ref()).await?;
            after = links.last().cloned();
            for link in links {
                if let Some(unsettled) = settlement.add(link) {
                    return Ok(Some(unsettled));
                }
            }
            if !more {
                return Ok(settlement.finish());
            }
        }
    }
}

/// The incident, resolved by the engine; `None` if it is resolved.
fn resolved(incident: &Incident, why: &str, now: Timestamp) -> Option<Incident> {
    let request = Request {
        by: ENGINE.to_owned(),
        reason: why.to_owned(),
    };
    handle(incident, IncidentStatus::Resolved, &request, now)
        .ok()
        .flatten()
}
