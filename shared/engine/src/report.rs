//! Report: links an execution to its incidents, and opens, updates and resolves them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::{
    engine::{Engine, MAX_RACES},
    ports::{Host, ObjectStore},
    receipt::{reason, residuals},
    task_errors::{TaskError, too_many_races},
};
use holdfast_ledger::{
    Cause, ENGINE, ExecutionRecord, Expect, Incident, IncidentKey, IncidentStatus, Ledger, Link,
    MetIncident, Phase, Put, Question, Request, Settlement, Snapshot, handle, open, reopen,
};
use holdfast_receipt::{Decision, Residual, Status};
use holdfast_task::{ErrorName, Failure, QuestionKind};

/// The error's name in the incident of a skipped step whose effect may remain.
const SKIPPED: &str = "Skipped";

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Records the end of an execution in every incident that it is linked to. Safe to repeat.
    pub(super) async fn close_case(&self, tenant: &str, case: &Case) -> Result<(), TaskError> {
        if let Some(incident) = &case.opens {
            let of_incident = |link: &&Link| link.incident == incident.id;
            self.open_incident(incident, case.links.iter().find(of_incident))
                .await?;
        }
        for link in &case.links {
            self.ledger.put_link(link).await?;
        }
        for id in &case.approvals {
            self.resolve_ended(tenant, id).await?;
        }
        for link in case.links.iter().filter(|link| link.is_settled()) {
            if !case.approvals.contains(&link.incident) {
                self.settle(&IncidentKey::new(tenant, &link.incident))
                    .await?;
            }
        }
        Ok(())
    }

    /// Resolves an approval's incident, which ends with its execution.
    pub(super) async fn resolve_ended(&self, tenant: &str, id: &str) -> Result<(), TaskError> {
        let found = self.ledger.read(&IncidentKey::new(tenant, id)).await?;
        match found {
            Some(incident) => {
                self.resolve_incident(incident, "the execution has ended")
                    .await
            }
            None => Ok(()),
        }
    }

    /// Opens an incident unless it is open, and links the execution to it. Safe to repeat.
    pub(super) async fn report(&self, incident: &Incident, link: &Link) -> Result<(), TaskError> {
        self.open_incident(incident, Some(link)).await?;
        Ok(self.ledger.put_link(link).await?)
    }

    /// Opens an incident before the link is written that shows the execution, so that a repeat
    /// after a failure still finds the execution new.
    async fn open_incident(
        &self,
        incident: &Incident,
        link: Option<&Link>,
    ) -> Result<(), TaskError> {
        let linked = match link {
            Some(link) => self.ledger.stored_link(link).await?.is_some(),
            None => false,
        };
        let mut stored: Option<Incident> = self
            .ledger
            .read(&IncidentKey::new(&incident.tenant, &incident.id))
            .await?;
        for _ in 0..MAX_RACES {
            let Some(next) = open(stored.as_ref(), incident, linked) else {
                return Ok(());
            };
            let expect = stored
                .as_ref()
                .map_or(Expect::Absent, |stored| Expect::Rev(stored.rev));
            match self.ledger.put(&next, expect).await? {
                Put::Done => return Ok(()),
                Put::Lost(winner) => stored = winner.map(|winner| *winner),
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
        let Some(incident) = self.ledger.read(key).await? else {
            return Ok(());
        };
        let last = incident.handled.last();
        let by_engine = last.is_some_and(|last| last.by == ENGINE);
        if incident.status == IncidentStatus::Resolved && by_engine {
            let next = reopen(&incident, &unsettled, self.host.now());
            // A concurrent writer has opened it, or a person has handled it.
            self.ledger.put(&next, Expect::Rev(incident.rev)).await?;
        }
        Ok(())
    }

    async fn resolve_incident(&self, mut incident: Incident, why: &str) -> Result<(), TaskError> {
        let request = Request {
            by: ENGINE.to_owned(),
            reason: why.to_owned(),
        };
        let resolved = IncidentStatus::Resolved;
        while let Ok(Some(next)) = handle(&incident, resolved, &request, self.host.now()) {
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

/// The incidents of an ended execution.
#[derive(Default)]
pub(super) struct Case {
    /// The id of the incident of its failure, or of the effects that remain.
    pub(super) id: Option<String>,
    /// The incidents that its generations met, and that have not all been settled by this end.
    pub(super) met: Vec<MetIncident>,
    /// The incident to open, if no question has opened it.
    opens: Option<Incident>,
    /// The links that record the end, one for each incident of the execution.
    links: Vec<Link>,
    /// The ids of approvals' incidents, which end with the execution.
    approvals: Vec<String>,
}

impl Case {
    /// Finds the incidents of an execution: those of its questions and of its earlier generations,
    /// and that of its end. An effect that remains has an incident of its own. A failure that
    /// people caused opens none, unless an effect remains.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let Some(end) = End::of(snapshot) else {
            return Self::default();
        };
        let execution = &snapshot.execution;
        let questions = snapshot.questions.iter();
        let (escalations, approvals): (Vec<&Question>, Vec<&Question>) = questions
            .filter(|question| question.execution_generation == execution.generation)
            .partition(|question| question.kind == QuestionKind::Escalation);
        let earlier = execution.incidents.iter().cloned();
        let asked = escalations.iter().map(|question| MetIncident {
            id: question.incident.clone(),
            standing: false,
        });
        let mut met: BTreeSet<MetIncident> = earlier.chain(asked).collect();
        let (id, opens) = end.incident(snapshot, &escalations);
        met.extend(opens.iter().map(|incident| MetIncident {
            id: incident.id.clone(),
            standing: incident.standing,
        }));
        let mut links: BTreeMap<_, _> = met
            .iter()
            .map(|met| {
                let settled = match met.standing {
                    true => end.residuals.is_empty(),
                    false => end.is_good(),
                };
                let own = opens.as_ref().is_some_and(|opens| opens.id == met.id);
                let mut link = end.link(execution, &met.id, settled && !own);
                link.standing = met.standing && own;
                (met.id.clone(), link)
            })
            .collect();
        for question in &approvals {
            let link = end.link(execution, &question.incident, true);
            links.insert(question.incident.clone(), link);
        }
        met.retain(|met| links.get(&met.id).is_some_and(|link| !link.is_settled()));
        Self {
            id,
            met: met.into_iter().collect(),
            opens,
            links: links.into_values().collect(),
            approvals: approvals
                .iter()
                .map(|question| question.incident.clone())
                .collect(),
        }
    }

    /// The link by which people are notified of the effects that remain.
    fn standing(self) -> Option<Link> {
        self.links.into_iter().find(|link| link.standing)
    }
}

/// The end of an execution, as its incidents record it.
struct End<'a> {
    status: Status,
    at: Timestamp,
    failure: Option<&'a Failure>,
    residuals: Vec<Residual>,
    reason: Option<String>,
}

impl<'a> End<'a> {
    /// The end of an execution; `None` if it has not ended.
    fn of(snapshot: &'a Snapshot) -> Option<Self> {
        let Phase::Ended {
            status,
            at,
            failure,
        } = &snapshot.execution.phase
        else {
            return None;
        };
        Some(Self {
            status: *status,
            at: *at,
            failure: failure.as_ref(),
            residuals: residuals(&snapshot.steps, *status == Status::Executed),
            reason: failure.as_ref().map(|failure| reason(snapshot, failure)),
        })
    }

    /// Returns whether no person has to act: the work is done, or a person ended it, and no effect
    /// remains.
    fn is_good(&self) -> bool {
        let wanted = self.status == Status::Executed || self.failure.is_some_and(decided_by_people);
        self.residuals.is_empty() && wanted
    }

    /// The id of the incident of the end, and the incident if no question has opened it.
    fn incident(
        &self,
        snapshot: &Snapshot,
        escalations: &[&Question],
    ) -> (Option<String>, Option<Incident>) {
        let execution = &snapshot.execution;
        let standing = !self.residuals.is_empty();
        let failed = matches!(
            self.status,
            Status::PartiallyRolledBack | Status::RolledBack | Status::Failed
        );
        let failure = self.failure.filter(|_| failed);
        if !standing {
            // A retry or skip decision resolves that question, so the failure has another cause.
            let unresolved = |question: &&&Question| {
                let ruling = question.ruling().map(|ruling| ruling.decision);
                !matches!(ruling, Some(Decision::Retry | Decision::Skip))
            };
            let Some(failure) = failure else {
                return (None, None);
            };
            if let Some(question) = escalations.iter().rfind(unresolved) {
                return (Some(question.incident.clone()), None);
            }
            if caused_by_people(failure) {
                return (None, None);
            }
        }
        let skipped = self.residuals.first().map(|residual| &*residual.step);
        let skipped = skipped.map(|label| label.split('[').next().unwrap_or(label));
        let message = match &self.reason {
            Some(reason) => reason.clone(),
            None => format!(
                "{} may have happened and was skipped",
                skipped.unwrap_or_default()
            ),
        };
        // The words of a person are no cause.
        let of_machine = failure.is_some_and(|failure| failure.by.is_none());
        let cause = Cause {
            tenant: &execution.at.tenant,
            workflow: &execution.workflow,
            state: failure.map_or(skipped.unwrap_or_default(), |failure| &failure.state),
            error: failure.map_or(SKIPPED, |failure| &failure.error),
            reason: if of_machine { &message } else { "" },
            standing,
            execution: None,
        };
        let message: String = message.chars().take(Link::REASON_MAX).collect();
        let incident = cause.incident(execution, &message, self.at);
        (Some(incident.id.clone()), Some(incident))
    }

    fn link(&self, execution: &ExecutionRecord, incident: &str, settled: bool) -> Link {
        let stands = self.residuals.iter().take(Link::STANDS_MAX);
        let certain = self.residuals.iter().filter(|residual| residual.certain);
        let reason = self.reason.as_ref();
        Link {
            at: self.at,
            status: self.status.name().to_owned(),
            stands: stands.map(|residual| residual.step.clone()).collect(),
            stands_total: self.residuals.len(),
            certain: Some(certain.count()),
            reason: reason.map(|reason| reason.chars().take(Link::REASON_MAX).collect()),
            settled: Some(settled),
            ..Link::waiting(incident, execution, "", self.at)
        }
    }
}

/// The ids of the incidents of an execution, as far as its records still show them.
pub fn cases(snapshot: &Snapshot) -> BTreeSet<String> {
    let questions = snapshot.questions.iter();
    let incidents = questions.map(|question| question.incident.clone());
    let met = snapshot.execution.incidents.iter();
    let met = met.map(|met| met.id.clone());
    incidents.chain(met).chain(Case::of(snapshot).id).collect()
}

/// The link by which people are notified of the effects that remain after an execution, if any do.
pub fn standing(snapshot: &Snapshot) -> Option<Link> {
    Case::of(snapshot).standing()
}

/// Returns whether people caused the failure, by a request, a decision or silence: that is no
/// incident.
fn caused_by_people(failure: &Failure) -> bool {
    decided_by_people(failure) || failure.error.parse() == Ok(ErrorName::Expired)
}

/// Returns whether people caused the failure, by a request or a decision.
fn decided_by_people(failure: &Failure) -> bool {
    failure.by.is_some() || failure.error.parse() == Ok(ErrorName::Declined)
}
