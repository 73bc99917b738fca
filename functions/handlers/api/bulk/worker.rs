//! The `bulk` function: makes the single requests of a bulk, one part of its list in each
//! invocation.
//!
//! Its state machine invokes it again after a crash. Outcomes are saved every few requests. A
//! request that was made and not saved is made again; the record of the execution shows that it is
//! the bulk's own.

use std::{sync::Arc, time::Duration};

use holdfast_aws::{Deployment, DynamoLedger, SystemHost};
use holdfast_engine::Host;
use holdfast_ids::names::check_tenant;
use holdfast_ledger::{
    Bulk, BulkItem, BulkKey, BulkOperation, BulkOutcome, BulkOutcomeKind, BulkPart, BulkPartKey,
    BulkQuestion, BulkState, BulkTarget, BulkTransition, Expect, Ledger, LedgerError, Phase, Put,
    QuestionKey, Request,
};
use holdfast_task::BulkTask;
use lambda_runtime::{LambdaEvent, service_fn};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::needed;
use crate::api::{
    app::App,
    decisions::{DecisionRequest, record_decision},
    incident,
    lifecycle::{Change, record_request},
    principal::{AuthorizedCaller, Caller, Principal, Resource},
    problem::Problem,
};

/// The variable with the most requests a second.
const PER_SECOND: &str = "HOLDFAST_BULK_PER_SECOND";
/// Requests after which outcomes are saved and a stop is seen.
const SAVE_EVERY: usize = 10;
/// The time after which an invocation ends and leaves the rest of its part to the next one.
const WORKS_FOR: Duration = Duration::from_secs(30);
/// The longest time for a single request, so that it ends before the function's timeout and counts
/// as a failure.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let per_second: u32 = deployment
        .variable(PER_SECOND)?
        .parse()
        .ok()
        .filter(|per_second| (1..=1000).contains(per_second))
        .ok_or_else(|| format!("{PER_SECOND} must be a number from 1 to 1000"))?;
    let worker = &Worker {
        app: Arc::new(App::from(deployment)?),
        pace: Duration::from_secs(1) / per_second,
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<BulkTask>| async move {
        // Boxed, since the SDK's futures nest deeply.
        Box::pin(worker.work(event.payload))
            .await
            .map_err(lambda_runtime::Error::from)
    }))
    .await
}

struct Worker {
    app: Arc<App>,
    /// The least time between two requests.
    pace: Duration,
}

/// A bulk at work: its record, and the ledger of its tenant.
struct Work<'a> {
    worker: &'a Worker,
    ledger: DynamoLedger,
    bulk: Bulk,
    principal: Principal,
}

fn text(error: LedgerError) -> String {
    error.to_string()
}

impl Worker {
    /// Works on the part that the task names, and returns the next task.
    async fn work(&self, task: BulkTask) -> Result<BulkTask, String> {
        check_tenant(&task.tenant)?;
        let ledger = self.app.tenants.on_behalf_of(&task.tenant)?.ledger.clone();
        let key = BulkKey {
            tenant: task.tenant.clone(),
            id: task.bulk.clone(),
        };
        let over = BulkTask {
            done: true,
            ..task.clone()
        };
        let Some(bulk) = ledger.read(&key).await.map_err(text)? else {
            tracing::warn!(bulk = task.bulk, tenant = task.tenant, "no such bulk");
            return Ok(over);
        };
        if bulk.state.starts().is_none() {
            return Ok(over);
        }
        let work = Work {
            worker: self,
            principal: Principal::of_bulk(&bulk.by)?,
            ledger,
            bulk,
        };
        let key = BulkPartKey {
            bulk: key,
            number: task.part,
        };
        let part = work.ledger.read(&key).await.map_err(text)?;
        let Some(part) = part.filter(|_| !is_stopping(&work.bulk)) else {
            work.end().await.map_err(text)?;
            return Ok(over);
        };
        let finished = work.do_part(part).await?;
        Ok(BulkTask {
            part: task.part + u32::from(finished),
            ..task
        })
    }
}

fn is_stopping(bulk: &Bulk) -> bool {
    matches!(bulk.state, BulkState::Stopping { .. })
}

impl Work<'_> {
    /// Makes the requests of a part that have no outcome. Returns whether all have one; otherwise
    /// the time is over, or the bulk is stopped.
    async fn do_part(&self, mut part: BulkPart) -> Result<bool, String> {
        let until = Instant::now() + WORKS_FOR;
        let mut pace = interval(self.worker.pace);
        // After a slow request, the next ones make up for no time.
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut unsaved, mut early) = (0, None);
        for n in 0..part.items.len() {
            let BulkItem {
                target,
                outcome: None,
                ..
            } = part.items[n].clone()
            else {
                continue;
            };
            let is_late = Instant::now() > until;
            if unsaved == SAVE_EVERY || (is_late && unsaved > 0) {
                self.save(&part).await.map_err(text)?;
                unsaved = 0;
                let bulk = self.ledger.read(&self.bulk.key()).await.map_err(text)?;
                if bulk.is_none_or(|bulk| is_stopping(&bulk)) {
                    return Ok(false);
                }
                if is_late {
                    // After a request that came too early, the state machine waits.
                    return early.map_or(Ok(false), Err);
                }
            }
            pace.tick().await;
            let answer = timeout(REQUEST_TIMEOUT, self.request(&target)).await;
            match answer.unwrap_or_else(|_| Err(too_slow())) {
                Ok(outcome) => part.items[n].outcome = Some(outcome),
                Err(problem) if problem.is_too_early() => {
                    let why = problem.into_detail();
                    part.items[n].fail(BulkOutcomeKind::Refused, &why);
                    early = Some(why);
                }
                Err(problem) => {
                    let why = problem.into_detail();
                    part.items[n].fail(BulkOutcomeKind::NotReached, &why);
                    self.save(&part).await.map_err(text)?;
                    // The state machine waits, and invokes the function again.
                    return Err(why);
                }
            }
            unsaved += 1;
        }
        self.save(&part).await.map_err(text)?;
        if let Some(why) = early.filter(|_| part.items.iter().any(|item| item.outcome.is_none())) {
            // The state machine waits, and the next invocation repeats these requests alone.
            return Err(why);
        }
        tracing::info!(
            bulk = part.bulk,
            tenant = part.tenant,
            part = part.number,
            "part of a bulk done"
        );
        Ok(true)
    }

    /// Saves the outcomes of a part. Those that another worker saved first stay.
    async fn save(&self, part: &BulkPart) -> Result<(), LedgerError> {
        loop {
            let Some(stored) = self.ledger.read(&part.key()).await? else {
                return Ok(());
            };
            let Some(next) = part.merged_into(&stored) else {
                return Ok(());
            };
            if self.ledger.put(&next, Expect::Rev(stored.rev)).await? == Put::Done {
                return Ok(());
            }
        }
    }

    /// Writes the end of the bulk.
    async fn end(&self) -> Result<(), LedgerError> {
        let mut bulk = self.bulk.clone();
        while let BulkTransition::Write(next) = bulk.end(SystemHost.now()) {
            match self.ledger.put(&*next, Expect::Rev(bulk.rev)).await? {
                Put::Done => {
                    let status = next.state.name();
                    tracing::warn!(bulk = next.id, tenant = next.tenant, status, "bulk ended");
                    return Ok(());
                }
                Put::Lost(Some(winner)) => bulk = *winner,
                Put::Lost(None) => return Ok(()),
            }
        }
        Ok(())
    }

    /// Makes the request to one execution. The error says that a service did not answer, or that
    /// the request came too early.
    async fn request(&self, target: &BulkTarget) -> Result<BulkOutcome, Problem> {
        let resource = match &target.question {
            Some(question) => Resource::Incident(&question.incident),
            None => Resource::Execution(&target.execution),
        };
        let authorized = AuthorizedCaller::authorize(
            self.principal.clone(),
            &self.worker.app,
            needed(self.bulk.operation),
            Some(&self.bulk.tenant),
            resource,
        );
        let caller = match authorized.await {
            Ok(caller) => caller,
            Err(problem) => return problem.refusal().map(refused),
        };
        let request = Request {
            by: caller.actor.clone(),
            reason: self.bulk.marked_reason(),
        };
        match (self.bulk.operation, &target.question) {
            (BulkOperation::Cancel, _) => {
                self.change(&caller, target, &request, Change::Cancel).await
            }
            (BulkOperation::Rollback, _) => {
                self.change(&caller, target, &request, Change::Rollback)
                    .await
            }
            (BulkOperation::Redrive, _) => {
                self.change(&caller, target, &request, Change::Redrive)
                    .await
            }
            (BulkOperation::Decide { .. }, Some(question)) => {
                self.decide(&caller, target, question, &request).await
            }
            (BulkOperation::Decide { .. }, None) => {
                Ok(refused("the list names no question".to_owned()))
            }
        }
    }

    async fn change(
        &self,
        caller: &AuthorizedCaller,
        target: &BulkTarget,
        request: &Request,
        change: Change,
    ) -> Result<BulkOutcome, Problem> {
        let at = caller.key(&target.execution)?;
        let Some(execution) = caller.ledger.read(&at).await? else {
            return Ok(refused("it is recorded no longer".to_owned()));
        };
        if self.bulk.is_shown_by(&execution) {
            // A worker may have died between the record and the start of the new owner. An ended
            // execution had its owner, and a repeated redrive would be another one.
            if !matches!(execution.phase, Phase::Ended { .. }) {
                let repeated =
                    record_request(&self.worker.app, caller, &target.execution, request, change);
                if let Err(problem) = repeated.await {
                    problem.refusal()?;
                }
            }
            return Ok(done());
        }
        if let Some(why) = target.staleness(&execution) {
            return Ok(refused(why));
        }
        let answer =
            record_request(&self.worker.app, caller, &target.execution, request, change).await;
        let answer = answer.map(|result| result.note.filter(|_| result.replayed));
        let outcome = outcome(answer)?;
        if outcome.kind == BulkOutcomeKind::Done {
            return Ok(outcome);
        }
        // Another worker of this bulk may have been first.
        let execution = caller.ledger.read(&at).await?;
        let own = execution.is_some_and(|execution| self.bulk.is_shown_by(&execution));
        Ok(if own { done() } else { outcome })
    }

    async fn decide(
        &self,
        caller: &AuthorizedCaller,
        target: &BulkTarget,
        question: &BulkQuestion,
        request: &Request,
    ) -> Result<BulkOutcome, Problem> {
        let BulkOperation::Decide { decision } = self.bulk.operation else {
            return Ok(refused("the bulk does not decide".to_owned()));
        };
        let incident = match incident::find(caller, &question.incident).await {
            Ok(incident) => incident,
            Err(problem) => return problem.refusal().map(refused),
        };
        let asked = DecisionRequest {
            incident,
            execution: target.execution.clone(),
            decision,
            shown_sha256: Some(question.shown_sha256.clone()).filter(|shown| !shown.is_empty()),
        };
        let answer = record_decision(&self.worker.app, caller, asked, request).await;
        let repeated = "the same decision was recorded before".to_owned();
        let answer = answer.map(|result| result.replayed.then_some(repeated));
        let outcome = outcome(answer)?;
        if outcome.kind == BulkOutcomeKind::Done {
            return Ok(outcome);
        }
        let key = QuestionKey {
            at: caller.key(&target.execution)?,
            step: question.step.clone(),
        };
        let stored = caller.ledger.read(&key).await?;
        let own = stored.is_some_and(|stored| self.bulk.is_shown_by_question(&stored));
        Ok(if own { done() } else { outcome })
    }
}

/// 503: a single request did not end in its time.
fn too_slow() -> Problem {
    let why = format!("it took longer than {} seconds", REQUEST_TIMEOUT.as_secs());
    Problem::unavailable("the single request", &why)
}

fn done() -> BulkOutcome {
    BulkOutcome {
        kind: BulkOutcomeKind::Done,
        note: None,
    }
}

fn refused(why: String) -> BulkOutcome {
    BulkOutcome {
        kind: BulkOutcomeKind::Refused,
        note: Some(why),
    }
}

/// The outcome of a single request, which was made before if it has a note. The error says that a
/// service did not answer, or that the request came too early.
fn outcome(answer: Result<Option<String>, Problem>) -> Result<BulkOutcome, Problem> {
    match answer {
        Ok(None) => Ok(done()),
        Ok(note) => Ok(BulkOutcome {
            kind: BulkOutcomeKind::Already,
            note,
        }),
        Err(problem) => problem.refusal().map(refused),
    }
}
