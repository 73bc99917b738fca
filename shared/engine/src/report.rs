//! Report: which incident an execution is a case of, and opening it.

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
    /// Tells every incident that an execution is a case of how it ended. Safe to repeat.
    pub(super) async fn close_case(&self, tenant: &str, case: &Case) -> Result<(), TaskError> {
        for link in &case.links {
            self.ledger.put_link(link).await?;
        }
        if let Some(incident) = &case.opens {
            self.opened(incident).await?;
        }
        let engine = Request {
            by: "holdfast".to_owned(),
            reason: "the execution has ended".to_owned(),
        };
        for id in &case.settled {
            let Some(mut incident) = self.ledger.read(&IncidentKey::new(tenant, id)).await? else {
                continue;
            };
            let resolved = IncidentStatus::Resolved;
            while let Ok(Some(next)) = handle(&incident, resolved, &engine, self.host.now()) {
                match self.ledger.put(&next, Expect::Rev(incident.rev)).await? {
                    Put::Lost(Some(winner)) => incident = *winner,
                    Put::Done | Put::Lost(None) => break,
                }
            }
        }
        Ok(())
    }

    /// Opens an incident unless it is open, and links the execution that it met. Safe to repeat.
    pub(super) async fn report(&self, met: &Incident, link: &Link) -> Result<(), TaskError> {
        self.ledger.put_link(link).await?;
        self.opened(met).await
    }

    async fn opened(&self, met: &Incident) -> Result<(), TaskError> {
        let mut stands: Option<Incident> = self
            .ledger
            .read(&IncidentKey::new(&met.tenant, &met.id))
            .await?;
        for _ in 0..MAX_RACES {
            let Some(next) = open(stands.as_ref(), met) else {
                return Ok(());
            };
            let expect = stands
                .as_ref()
                .map_or(Expect::Absent, |stands| Expect::Rev(stands.rev));
            match self.ledger.put(&next, expect).await? {
                Put::Done => return Ok(()),
                Put::Lost(winner) => stands = winner.map(|winner| *winner),
            }
        }
        Err(too_many_races("the incident"))
    }
}

/// What an ended execution is a case of.
#[derive(Default)]
pub(super) struct Case {
    /// The id of the incident.
    pub(super) id: Option<String>,
    /// The incident to open, if that was not done when people were asked.
    opens: Option<Incident>,
    /// How the execution ended, for every incident that met it.
    links: Vec<Link>,
    /// Approvals that need no more looking after.
    settled: Vec<String>,
}

impl Case {
    /// An execution is a case of the incident by which people were asked about its failure; of one
    /// of its own where it failed without a person's doing, or something stands.
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
        let asked = snapshot.questions.iter();
        let asked: Vec<_> = asked
            .filter(|one| one.execution_generation == execution.generation)
            .collect();
        let (escalated, approvals): (Vec<&Question>, Vec<&Question>) = asked
            .iter()
            .partition(|one| one.kind == QuestionKind::Escalation);
        let mut case = Self {
            id: None,
            opens: None,
            links: asked.iter().map(|one| link(one.incident.clone())).collect(),
            settled: approvals.iter().map(|one| one.incident.clone()).collect(),
        };
        let (Some(failure), Status::PartiallyRolledBack | Status::RolledBack | Status::Failed) =
            (failure, status)
        else {
            return case;
        };
        // Who was told to go on has not failed of what was asked.
        let unsettled = |one: &&&Question| {
            let ruling = one.ruling().map(|ruling| ruling.decision);
            !matches!(ruling, Some(Decision::Retry | Decision::Skip))
        };
        if let Some(question) = escalated.iter().rfind(unsettled) {
            case.id = Some(question.incident.clone());
        } else if *status == Status::PartiallyRolledBack || !wanted(failure) {
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

/// The ids of the incidents that an execution is a case of, as far as its records still show it.
pub fn cases(snapshot: &Snapshot) -> BTreeSet<String> {
    let asked = snapshot.questions.iter().map(|one| one.incident.clone());
    asked.chain(Case::of(snapshot).id).collect()
}

/// What stands after the execution, or may.
fn residues(snapshot: &Snapshot) -> Vec<String> {
    let residues = snapshot
        .steps
        .iter()
        .filter(|step| step.residue() != Residue::None);
    residues.map(StepRecord::label).collect()
}

/// Whether people brought it about, by asking or by refusing: that is no incident.
fn wanted(failure: &Failure) -> bool {
    let silence_or_no = [ErrorName::Declined, ErrorName::Expired];
    let raised = failure.error.parse();
    failure.by.is_some() || raised.is_ok_and(|name| silence_or_no.contains(&name))
}
