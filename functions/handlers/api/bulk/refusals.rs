//! The executions of a bulk whose single request would be refused now.

use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ledger::{
    BulkOperation, BulkRequest, BulkTarget, Ledger, Question, Request, RequestTransition,
    RulingTransition, Snapshot,
};
use holdfast_receipt::Decision;

use super::select::Candidate;
use crate::api::{
    answer::RefusalCount,
    app::App,
    lifecycle::{Change, WorkflowCache, foreseen, redrivable},
    principal::AuthorizedCaller,
    problem::Problem,
};

/// Executions whose single request is checked before the bulk runs. Each takes one read.
pub(super) const CHECKED: usize = 100;

/// The refusals of the first executions by the rule of the single request, by reason.
pub(super) async fn refused_now(
    app: &App,
    caller: &AuthorizedCaller,
    request: &BulkRequest,
    chosen: &[Candidate],
) -> Result<Vec<RefusalCount>, Problem> {
    let single = Request {
        by: caller.actor.clone(),
        reason: request.reason.clone(),
    };
    if request.operation == BulkOperation::Redrive
        && let Some(why) = redrivable(app, &caller.tenant).await?
    {
        return Err(Problem::conflict(why));
    }
    let mut deployed = WorkflowCache::default();
    let mut refusals: Vec<RefusalCount> = Vec::new();
    for candidate in chosen.iter().take(CHECKED) {
        let target = &candidate.target;
        let why = match (request.operation, &candidate.question) {
            (BulkOperation::Decide { decision }, Some(question)) => {
                undecidable(caller, question, decision, &single).await?
            }
            (BulkOperation::Decide { .. }, None) => None,
            (BulkOperation::Cancel, _) => {
                refused(
                    app,
                    caller,
                    target,
                    &single,
                    (Change::Cancel, &mut deployed),
                )
                .await?
            }
            (BulkOperation::Rollback, _) => {
                refused(
                    app,
                    caller,
                    target,
                    &single,
                    (Change::Rollback, &mut deployed),
                )
                .await?
            }
            (BulkOperation::Redrive, _) => {
                refused(
                    app,
                    caller,
                    target,
                    &single,
                    (Change::Redrive, &mut deployed),
                )
                .await?
            }
        };
        let Some(reason) = why else {
            continue;
        };
        match refusals.iter_mut().find(|one| one.reason == reason) {
            Some(one) => one.count += 1,
            None => refusals.push(RefusalCount {
                reason,
                count: 1,
                execution_id: target.execution.clone(),
            }),
        }
    }
    Ok(refusals)
}

/// The reason why the request is refused now, if it is.
async fn refused(
    app: &App,
    caller: &AuthorizedCaller,
    target: &BulkTarget,
    request: &Request,
    (change, deployed): (Change, &mut WorkflowCache),
) -> Result<Option<String>, Problem> {
    let at = caller.key(&target.execution)?;
    let found: Option<Snapshot> = caller.ledger.snapshot(&at).await?;
    let Some(found) = found else {
        return Ok(Some("it is recorded no longer".to_owned()));
    };
    if let Some(why) = target.staleness(&found.execution) {
        return Ok(Some(why));
    }
    match foreseen(app, &found, request, change, deployed).await {
        Ok(RequestTransition::Refused(why)) => Ok(Some(why)),
        // The bulk repeats a request that is too early.
        Ok(
            RequestTransition::Write(_)
            | RequestTransition::Already(_)
            | RequestTransition::TooEarly(_),
        ) => Ok(None),
        Err(problem) => problem.refusal().map(Some),
    }
}

/// The reason why the decision is refused now, if it is.
async fn undecidable(
    caller: &AuthorizedCaller,
    question: &Question,
    decision: Decision,
    request: &Request,
) -> Result<Option<String>, Problem> {
    let Some(execution) = caller.ledger.read(&question.at).await? else {
        return Ok(Some("it is recorded no longer".to_owned()));
    };
    let (voter, now) = (&caller.voter, SystemHost.now());
    let answer = holdfast_ledger::decide(question, &execution, decision, voter, request, now);
    Ok(match answer {
        RulingTransition::Write(_)
        | RulingTransition::Already(_)
        | RulingTransition::TooEarly(_) => None,
        RulingTransition::Refused(why)
        | RulingTransition::Forbidden(why)
        | RulingTransition::Unfit(why) => Some(why),
    })
}
