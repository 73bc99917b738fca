//! Report: links an execution to its incidents, and opens, updates and resolves them.

use std::collections::BTreeSet;

use crate::{
    engine::{Engine, MAX_RACES},
    ports::{Host, ObjectStore},
    receipt::reason,
    task_errors::{TaskError, too_many_races},
};
use holdfast_ledger::{
    Cause, Expect, Incident, IncidentKey, IncidentStatus, Ledger, Link, Phase, Put, Question,
    Request, Residue, Snapshot, StepRecord, handle, open,
};
use holdfast_receipt::{Decision, Status};
use holdfast_task::{ErrorName, Failure, QuestionKind};

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
        for id in &case.resolved {
            self.resolve_ended(tenant, id).await?;
        }
        Ok(())
    }

    /// Resolves an incident that ends with its execution.
    pub(super) async fn resolve_ended(&self, tenant: &str, id: &str) -> Result<(), TaskError> {
        let engine = Request {
            by: "holdfast".to_owned(),
            reason: "the execution has ended".to_owned(),
        };
        let Some(mut incident) = self.ledger.read(&IncidentKey::new(tenant, id)).await? else {
            return Ok(());
        };
        let resolved = IncidentStatus::Resolved;
        while let Ok(Some(next)) = handle(&incident, resolved, &engine, self.host.now()) {
            match self.ledger.put(&next, Expect::Rev(incident.rev)).await? {
                Put::Lost(Some(winner)) => incident = *winner,
                Put::Done | Put::Lost(None) => break,
            }
        }
        Ok(())
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
            Some(link) => self.ledger.is_linked(link).await?,
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
}

/// The incidents of an ended execution.
#[derive(Default)]
pub(super) struct Case {
    /// The id of the incident of its failure.
    pub(super) id: Option<String>,
    /// The incident to open, if no question has opened it.
    opens: Option<Incident>,
    /// The links that record the end, one for each incident of the execution.
    links: Vec<Link>,
    /// The ids of approvals' incidents, which end with the execution.
    resolved: Vec<String>,
}

impl Case {
    /// Finds the incidents of an execution: that of the question about its failure, or else a new
    /// one. A failure that people caused opens none, unless an effect remains.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let execution = &snapshot.execution;
        let Phase::Ended {
            status,
            at,
            failure,
        } = &execution.phase
        else {
            return Self::default();
        };
        let residues = residues(snapshot);
        let link = |incident: String| Link {
            incident,
            tenant: execution.at.tenant.clone(),
            execution: execution.at.execution.clone(),
            generation: execution.generation,
            at: *at,
            status: status.name().to_owned(),
            stands: residues.iter().take(Link::STANDS_MAX).cloned().collect(),
            stands_total: residues.len(),
        };
        let questions = snapshot.questions.iter();
        let questions: Vec<_> = questions
            .filter(|question| question.execution_generation == execution.generation)
            .collect();
        let (escalated, approvals): (Vec<&Question>, Vec<&Question>) = questions
            .iter()
            .partition(|question| question.kind == QuestionKind::Escalation);
        let mut case = Self {
            id: None,
            opens: None,
            links: questions
                .iter()
                .map(|question| link(question.incident.clone()))
                .collect(),
            resolved: approvals
                .iter()
                .map(|question| question.incident.clone())
                .collect(),
        };
        let (Some(failure), Status::PartiallyRolledBack | Status::RolledBack | Status::Failed) =
            (failure, status)
        else {
            return case;
        };
        // A retry or skip decision resolves that question, so the failure has another cause.
        let unresolved = |question: &&&Question| {
            let ruling = question.ruling().map(|ruling| ruling.decision);
            !matches!(ruling, Some(Decision::Retry | Decision::Skip))
        };
        if let Some(question) = escalated.iter().rfind(unresolved) {
            case.id = Some(question.incident.clone());
        } else if *status == Status::PartiallyRolledBack || !caused_by_people(failure) {
            let cause = Cause {
                tenant: &execution.at.tenant,
                workflow: &execution.workflow,
                state: &failure.state,
                error: &failure.error,
                execution: None,
            };
            let message: String = reason(snapshot, failure).chars().take(500).collect();
            case.id = Some(cause.id());
            case.links.push(link(cause.id()));
            case.opens = Some(cause.incident(execution, &message, *at));
        }
        case
    }
}

/// The ids of the incidents of an execution, as far as its records still show them.
pub fn cases(snapshot: &Snapshot) -> BTreeSet<String> {
    let questions = snapshot.questions.iter();
    let incidents = questions.map(|question| question.incident.clone());
    incidents.chain(Case::of(snapshot).id).collect()
}

/// The names of the steps whose effects remain, or may remain, after the execution.
fn residues(snapshot: &Snapshot) -> Vec<String> {
    let residues = snapshot
        .steps
        .iter()
        .filter(|step| step.residue() != Residue::None);
    residues.map(StepRecord::label).collect()
}

/// Returns whether people caused the failure, by a request, a decision or silence: that is no
/// incident.
fn caused_by_people(failure: &Failure) -> bool {
    let without_assent = [ErrorName::Declined, ErrorName::Expired];
    let raised = failure.error.parse();
    failure.by.is_some() || raised.is_ok_and(|name| without_assent.contains(&name))
}
