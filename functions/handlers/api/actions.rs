//! `GET /v1/executions/{execution_id}/actions`: what each request and decision would do now, by the
//! rules that judge the request itself (decision 0117).

use axum::Json;
use holdfast_access::{Access, Operation};
use holdfast_aws::{DeployedWorkflow, SystemHost};
use holdfast_engine::Host;
use holdfast_ledger::{
    ContinuationOutlook, Ledger as _, OutlookEffect, Question, Remainder, Request,
    RequestTransition, Residue, RollbackOutlook, RulingTransition, Snapshot, StepRecord,
    bound_choices, decide, foresee_continuation, foresee_redrive, foresee_rollback, taken_choices,
    too_early_to_decide,
};
use holdfast_receipt::Decision;
use holdfast_task::QuestionKind;
use jiff::Timestamp;

use crate::api::{
    answer::{
        Action, ActionBody, ActionEffect, ActionName, ActionRefusal, ActionRequest, Actions,
        Certainty, Continuation, RefusalCode, RemainingEffect,
    },
    app::App,
    lifecycle::{Change, WorkflowCache, foreseen, redrivable},
    principal::AuthorizedCaller,
    problem::Problem,
    progress::{linked, progress_of},
    route::AuthorizedRequest,
    sentence::effect_of,
};

pub(crate) async fn read(
    AuthorizedRequest {
        app, caller, id, ..
    }: AuthorizedRequest,
) -> Result<Json<Actions>, Problem> {
    let found = caller.ledger.snapshot(&caller.key(&id)?).await?;
    let mut found = found.ok_or_else(|| caller.unknown(&id))?;
    found.questions = linked(&caller.ledger, found.questions).await?;
    let status = progress_of(&app, &found).await?;
    let status = status.status(&found.execution.at, found.execution.phase.name());
    let workflow = &found.execution.workflow;
    // Without its state machine, nothing is said about the steps that would run.
    let deployed = app.machines.deployed(workflow).await.ok();
    let outlook = Outlooks {
        found: &found,
        deployed: deployed.as_deref(),
        payloads: caller.sees_payloads,
        now: SystemHost.now(),
    };
    let mut actions = Vec::new();
    // The rule judges the definition whose steps are shown.
    let known = deployed
        .iter()
        .map(|one| (workflow.clone(), (**one).clone()));
    let mut cache: WorkflowCache = known.collect();
    for change in [Change::Cancel, Change::Rollback, Change::Redrive] {
        let refusal = refusal_of_change(&app, &caller, &found, change, &mut cache).await?;
        actions.push(outlook.of_change(change, refusal));
    }
    for question in found
        .questions
        .iter()
        .filter(|one| one.waits(&found.execution))
    {
        for decision in question.kind.decisions() {
            let refusal = refusal_of_decision(&caller, &found, question, *decision);
            let shown = caller.sees_texts_of(question);
            actions.push(outlook.of_decision(question, *decision, refusal, shown));
        }
    }
    Ok(Json(Actions {
        execution_id: id,
        workflow_id: workflow.clone(),
        tenant: caller.tenant.clone(),
        status: status.to_owned(),
        generation: found.execution.generation,
        actions,
    }))
}

/// The request that the rules judge. Its reason is not recorded.
fn trial(caller: &AuthorizedCaller) -> Request {
    Request {
        by: caller.actor.clone(),
        reason: String::new(),
    }
}

/// The reason why a request would not take effect, if it would not.
async fn refusal_of_change(
    app: &App,
    caller: &AuthorizedCaller,
    found: &Snapshot,
    change: Change,
    cache: &mut WorkflowCache,
) -> Result<Option<ActionRefusal>, Problem> {
    let operation = match change {
        Change::Cancel => Operation::Cancel,
        Change::Rollback => Operation::RollBack,
        Change::Redrive => Operation::Redrive,
    };
    if caller.access(operation) != Access::Allowed {
        let forbidden = caller.check(operation).err().map(Problem::into_detail);
        let message = forbidden.unwrap_or_else(|| "your role may not do this".to_owned());
        return Ok(Some(ActionRefusal::new(RefusalCode::Forbidden, message)));
    }
    if change == Change::Redrive
        && let Some(why) = redrivable(app, &caller.tenant).await?
    {
        return Ok(Some(ActionRefusal::new(RefusalCode::Conflict, why)));
    }
    let decided = foreseen(app, found, &trial(caller), change, cache).await;
    Ok(match decided {
        Ok(RequestTransition::Write(_)) => None,
        Ok(RequestTransition::Already(note)) => {
            Some(ActionRefusal::new(RefusalCode::Already, note))
        }
        Ok(RequestTransition::Refused(why)) => Some(ActionRefusal::new(RefusalCode::Conflict, why)),
        Ok(RequestTransition::TooEarly(why)) => {
            Some(ActionRefusal::new(RefusalCode::TooEarly, why))
        }
        Err(problem) => {
            let why = problem.refusal()?;
            Some(ActionRefusal::new(RefusalCode::Conflict, why))
        }
    })
}

/// The reason why a decision would not be recorded, if it would not.
fn refusal_of_decision(
    caller: &AuthorizedCaller,
    found: &Snapshot,
    question: &Question,
    decision: Decision,
) -> Option<ActionRefusal> {
    if let Err(problem) = caller.check(Operation::Decide) {
        let message = problem.into_detail();
        return Some(ActionRefusal::new(RefusalCode::Forbidden, message));
    }
    let now = SystemHost.now();
    let (voter, request) = (&caller.voter, trial(caller));
    let (code, why) = match decide(question, &found.execution, decision, voter, &request, now) {
        RulingTransition::Write(_) => {
            let mut steps = found.steps.iter();
            let record = steps.find(|record| record.step == question.step);
            let why = too_early_to_decide(record, question, decision, now)?;
            (RefusalCode::TooEarly, why)
        }
        RulingTransition::Already(_) => {
            let why = "the same decision is recorded already".to_owned();
            (RefusalCode::Already, why)
        }
        RulingTransition::TooEarly(why) => (RefusalCode::TooEarly, why),
        RulingTransition::Forbidden(why) => (RefusalCode::Forbidden, why),
        RulingTransition::Refused(why) | RulingTransition::Unfit(why) => {
            (RefusalCode::Conflict, why)
        }
    };
    Some(ActionRefusal::new(code, why))
}

/// The outlooks of the actions on one execution.
struct Outlooks<'a> {
    found: &'a Snapshot,
    deployed: Option<&'a DeployedWorkflow>,
    payloads: bool,
    now: Timestamp,
}

impl Outlooks<'_> {
    fn of_change(&self, change: Change, refusal: Option<ActionRefusal>) -> Action {
        let execution = &self.found.execution;
        let (name, action, effect) = match change {
            Change::Cancel => (
                "cancel",
                ActionName::Cancel,
                "The execution stops before its next step, and its effects are undone.",
            ),
            Change::Rollback => (
                "rollback",
                ActionName::Rollback,
                "The effects of the execution are undone, last one first, and a new receipt says \
                 so.",
            ),
            Change::Redrive => (
                "redrive",
                ActionName::Redrive,
                "The execution continues where it failed, under the definition that is deployed. \
                 Steps that succeeded are not repeated.",
            ),
        };
        let id = &execution.at.execution;
        let request = ActionRequest {
            method: "POST",
            path: format!("/v1/executions/{id}/{name}"),
            body: ActionBody::default(),
        };
        let command = format!("holdfast {name} {id} --reason TEXT");
        let rollback = match change {
            _ if is_impossible(&refusal) => RollbackOutlook::default(),
            Change::Cancel => foresee_rollback(&self.found.steps, execution.generation, self.now),
            // A rollback after the end is a generation of its own, which repeats a failed undo.
            Change::Rollback => {
                foresee_rollback(&self.found.steps, execution.generation + 1, self.now)
            }
            Change::Redrive => RollbackOutlook::default(),
        };
        let continues = match change {
            Change::Redrive if !is_impossible(&refusal) => self.after_redrive(),
            Change::Redrive | Change::Cancel | Change::Rollback => None,
        };
        Action {
            action,
            decision: None,
            step: None,
            allowed: refusal.is_none(),
            refusal,
            request,
            command,
            effect,
            undoes: self.effects(&rollback.undoes),
            cannot_undo: self.remaining(&rollback.remains),
            continues,
            waits_until: rollback.waits_until,
        }
    }

    fn of_decision(
        &self,
        question: &Question,
        decision: Decision,
        refusal: Option<ActionRefusal>,
        shown: bool,
    ) -> Action {
        let execution = &self.found.execution;
        let id = &execution.at.execution;
        let rolls_back = matches!(decision, Decision::Rollback | Decision::Reject);
        let rollback = match rolls_back {
            true => foresee_rollback(&self.found.steps, execution.generation, self.now),
            false => self.skipped(question, decision),
        };
        let enough = match question.kind {
            QuestionKind::Escalation => true,
            QuestionKind::Approval => {
                let approvers = question.approvers.as_ref();
                let count = approvers.map_or(1, |approvers| approvers.count as usize);
                question.votes.len() + 1 >= count
            }
        };
        let digest = Some(question.shown_sha256.clone());
        Action {
            action: ActionName::Decide,
            decision: Some(decision.name()),
            step: Some(question.step.clone()),
            allowed: refusal.is_none(),
            refusal,
            request: ActionRequest {
                method: "POST",
                path: format!("/v1/incidents/{}/decision", question.incident),
                body: ActionBody {
                    decision: Some(decision.name()),
                    execution_id: Some(id.clone()),
                    shown_sha256: digest.filter(|digest| shown && !digest.is_empty()),
                },
            },
            command: format!(
                "holdfast decide {id} {} --step {} --reason TEXT",
                decision.name(),
                question.step
            ),
            effect: effect_of(decision, enough, self.asking(question)),
            undoes: self.effects(&rollback.undoes),
            cannot_undo: self.remaining(&rollback.remains),
            continues: (!rolls_back && enough)
                .then(|| self.after_decision(question, decision))
                .flatten(),
            waits_until: rollback.waits_until,
        }
    }

    /// The step that the question is about; none of an approval.
    fn asking(&self, question: &Question) -> Option<&StepRecord> {
        let mut steps = self.found.steps.iter();
        steps.find(|step| step.step == question.step && step.item.is_none())
    }

    /// The effect that a skipped step leaves, if it may have one.
    fn skipped(&self, question: &Question, decision: Decision) -> RollbackOutlook<'_> {
        let step = self.asking(question);
        let left =
            step.filter(|step| decision == Decision::Skip && step.residue() != Residue::None);
        let remains = left.map(|step| Remainder {
            effect: OutlookEffect {
                step,
                residue: step.residue(),
            },
            why: "the step is skipped, and an effect of its earlier attempts may exist",
        });
        RollbackOutlook {
            remains: remains.into_iter().collect(),
            ..RollbackOutlook::default()
        }
    }

    fn after_redrive(&self) -> Option<Continuation> {
        let deployed = self.deployed?;
        let declared = &deployed.compiled.steps;
        // A redrive that no branches fit is refused.
        let bound = bound_choices(&self.found.steps, declared).unwrap_or_default();
        let outlook = foresee_redrive(&self.found.steps, declared, &bound);
        Some(self.continuation(&outlook, deployed.compiled.gate.version))
    }

    /// The steps that a running execution continues with, if the deployed definition is its own.
    fn after_decision(&self, question: &Question, decision: Decision) -> Option<Continuation> {
        let execution = &self.found.execution;
        let own = |deployed: &&DeployedWorkflow| {
            deployed.compiled.gate.definition_digest == execution.definition_digest
        };
        let deployed = self.deployed.filter(own)?;
        let declared = &deployed.compiled.steps;
        let (steps, generation) = (&self.found.steps, execution.generation);
        let taken = taken_choices(steps, declared, generation);
        let asking = (question.step.as_str(), decision == Decision::Retry);
        let outlook = foresee_continuation(steps, declared, &taken, generation, asking);
        Some(self.continuation(&outlook, execution.version))
    }

    fn continuation(&self, outlook: &ContinuationOutlook<'_>, version: u32) -> Continuation {
        let runs: Vec<_> = outlook.runs.iter().map(|step| step.name.clone()).collect();
        Continuation {
            version,
            keeps: outlook
                .keeps
                .iter()
                .map(|step| self.effect(step, step.residue()))
                .collect(),
            first: runs.first().cloned(),
            runs,
        }
    }

    fn effects(&self, effects: &[OutlookEffect<'_>]) -> Vec<ActionEffect> {
        let effects = effects.iter();
        effects
            .map(|effect| self.effect(effect.step, effect.residue))
            .collect()
    }

    fn remaining(&self, remains: &[Remainder<'_>]) -> Vec<RemainingEffect> {
        let remains = remains.iter().map(|remainder| RemainingEffect {
            effect: self.effect(remainder.effect.step, remainder.effect.residue),
            why: remainder.why,
        });
        remains.collect()
    }

    fn effect(&self, step: &StepRecord, residue: Residue) -> ActionEffect {
        ActionEffect {
            step: step.step.clone(),
            item: step.item.clone().filter(|_| self.payloads),
            action: step.action.clone(),
            state: step.state.name(),
            certainty: match residue {
                Residue::Certain => Certainty::Certain,
                // A step that only reads is shown where it is kept.
                Residue::None if step.reads => Certainty::Certain,
                Residue::None | Residue::Possible => Certainty::Possible,
            },
        }
    }
}

/// Returns whether the state of the execution refuses a request, so that it would do nothing.
fn is_impossible(refusal: &Option<ActionRefusal>) -> bool {
    let code = refusal.as_ref().map(|refusal| refusal.code);
    matches!(code, Some(RefusalCode::Conflict | RefusalCode::Already))
}
