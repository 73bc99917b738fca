//! Case: the incidents of an ended execution, as its records show them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::receipt::{failure_reason, residuals};
use holdfast_ledger::{
    Cause, ExecutionRecord, Incident, Link, MetIncident, Phase, Question, QuestionState, Snapshot,
};
use holdfast_receipt::{Decision, Residual, Status};
use holdfast_task::{ErrorName, Failure, QuestionKind};

/// The error's name in the incident of a skipped step whose effect may remain.
const SKIPPED: &str = "Skipped";

/// The incidents of an ended execution.
#[derive(Default)]
pub(super) struct Case {
    /// The id of the incident of its failure, or of the effects that remain.
    pub(super) id: Option<String>,
    /// The incidents that its generations met, and that have not all been settled by this end.
    pub(super) met: Vec<MetIncident>,
    /// The incident of its failure, if no question has it.
    pub(super) opens: Option<Incident>,
    /// The links that record the end, one for each incident of the execution.
    pub(super) links: Vec<Link>,
    /// The incidents of the questions of its generation, which a dead `Ask` may not have opened.
    pub(super) asked: Vec<Incident>,
}

impl Case {
    /// Finds the incidents of an execution: those of its questions and of its earlier generations,
    /// and that of its end. An effect that remains has an incident of its own. A failure that
    /// people caused opens none, unless an effect remains.
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let Some(end) = ExecutionEnd::of(snapshot) else {
            return Self::default();
        };
        let execution = &snapshot.execution;
        // A skipped approval asks no person, so it has no incident.
        let of_generation = |one: &&Question| {
            one.execution_generation == execution.generation
                && !matches!(one.state, QuestionState::Skipped { .. })
        };
        let questions = snapshot.questions.iter().filter(of_generation);
        let is_escalation = |one: &&Question| one.kind == QuestionKind::Escalation;
        let (escalations, approvals): (Vec<&Question>, Vec<&Question>) =
            questions.clone().partition(is_escalation);
        let earlier = execution.incidents.iter().cloned();
        let of_escalations = escalations.iter().flat_map(|question| question.incidents());
        let of_escalations = of_escalations.map(|id| MetIncident {
            id: id.clone(),
            standing: false,
        });
        let mut met: BTreeSet<MetIncident> = earlier.chain(of_escalations).collect();
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
            asked: questions
                .map(|question| question.as_incident(execution))
                .collect(),
        }
    }

    /// The link by which people are notified of the effects that remain.
    fn standing(self) -> Option<Link> {
        self.links.into_iter().find(|link| link.standing)
    }
}

/// The end of an execution, as its incidents record it.
struct ExecutionEnd<'a> {
    status: Status,
    at: Timestamp,
    failure: Option<&'a Failure>,
    /// True if a person decided on the rollback of a step that had failed. The step's error stays
    /// the failure.
    decided: bool,
    residuals: Vec<Residual>,
    reason: Option<String>,
}

impl<'a> ExecutionEnd<'a> {
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
        let execution = &snapshot.execution;
        let decided = snapshot.questions.iter().any(|question| {
            question.execution_generation == execution.generation
                && question.ruling().map(|ruling| ruling.decision) == Some(Decision::Rollback)
        });
        Some(Self {
            status: *status,
            decided,
            at: *at,
            failure: failure.as_ref(),
            residuals: residuals(&snapshot.steps, *status == Status::Executed),
            reason: failure
                .as_ref()
                .map(|failure| failure_reason(snapshot, failure)),
        })
    }

    /// Returns whether no person has to act: the work is done, or a person ended it, and no effect
    /// remains.
    fn is_good(&self) -> bool {
        let done = self.status == Status::Executed
            || self.decided
            || self.failure.is_some_and(decided_by_people);
        self.residuals.is_empty() && done
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
    let asked = questions.filter(|one| !matches!(one.state, QuestionState::Skipped { .. }));
    let incidents = asked.flat_map(|question| question.incidents().cloned());
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
