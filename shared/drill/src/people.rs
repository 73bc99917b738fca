//! Simulates the people who are asked: they approve, and roll back a failed step, unless a fault
//! says otherwise.

use std::{rc::Rc, time::Duration};

use holdfast_engine::{Host, answer};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Expect, Ledger, LedgerError, enact};
use holdfast_receipt::Decision;
use holdfast_task::{AskTask, QuestionKind};
use jiff::{SignedDuration, Timestamp};

use crate::{
    approvals::{vote, voters},
    fault::Fault,
    functions::Room,
    process::Process,
    world::lock,
};

/// Time that a person takes to decide.
const THINKS: Duration = Duration::from_secs(60);
/// Most tries of a person whose decision was refused because an attempt may be running.
const PATIENCE: usize = 3;

/// Puts a question to a person.
pub(crate) fn decide(room: &Rc<Room>, task: &AskTask) {
    let fault = room.world.strikes(&place(task), None, Fault::is_human);
    let decision = match (fault, task.ask.kind) {
        (Some(Fault::Silence), _) => return,
        (Some(Fault::DecidesRetry), _) => Decision::Retry,
        (Some(Fault::DecidesSkip), _) => Decision::Skip,
        (Some(Fault::DecidesReject), _) => Decision::Reject,
        (_, QuestionKind::Approval) => Decision::Approve,
        (_, QuestionKind::Escalation) => Decision::Rollback,
    };
    let (spawning, room, task) = (room, room.clone(), task.clone());
    let person = async move {
        let clock = &room.world.clock;
        if fault == Some(Fault::DecidesLate) {
            clock.until(end_of(&task)).await;
        }
        for _ in 0..PATIENCE {
            clock.sleep(THINKS).await;
            let delivered = fault != Some(Fault::LostDecision);
            let decided = ruled(&room, &task, decision, delivered).await;
            let words = match &decided {
                Ok(true) => "is heard",
                Ok(false) => "is refused",
                Err(_) => "does not reach the ledger",
            };
            room.world
                .record(|| format!("person     {}: {} {words}", task.ask.step, decision.name()));
            if decided == Ok(true) {
                return;
            }
            // A person who cannot reach the API during an outage tries again after it.
            room.world.ledger_back().await;
        }
    };
    spawning.spawn(person);
}

fn place(task: &AskTask) -> String {
    match task.ask.kind {
        QuestionKind::Approval => task.ask.step.clone(),
        QuestionKind::Escalation => format!("{}.escalate", task.ask.step),
    }
}

/// Returns the time at which a question expires.
pub(crate) fn end_of(task: &AskTask) -> Timestamp {
    let entered: Timestamp = task.entered.parse().unwrap_or(Timestamp::MAX);
    let within =
        SignedDuration::from_secs(i64::try_from(task.ask.within_s).unwrap_or(i64::MAX / 1000));
    entered.saturating_add(within).unwrap_or(Timestamp::MAX)
}

/// Records and delivers a decision, as the API does. Returns true if the decision took effect.
async fn ruled(
    room: &Room,
    task: &AskTask,
    decision: Decision,
    delivered: bool,
) -> Result<bool, LedgerError> {
    let ledger = Process::new(room.world.clone(), None);
    let at = ExecutionKey {
        tenant: task.execution.tenant.clone(),
        execution: task.execution.id.clone(),
    };
    let now = room.world.clock.now();
    let measured = room.world.meter.is_some();
    room.world
        .meter(|meter| meter.votes(voters(&task.ask).len()));
    let Some(question) = vote(&ledger, &at, &task.ask, decision, now, !measured).await? else {
        return Ok(false);
    };
    if decision == Decision::Retry {
        lock(&room.world.retried).push(task.ask.step.clone());
    }
    if !delivered {
        return Ok(true);
    }
    enact(&ledger, &question, decision, room.world.clock.now()).await?;
    if let Some(ruling) = question.undelivered() {
        room.answer_token(&question.token, answer(&question, ruling));
    }
    if let Some(delivered) = question.delivered() {
        ledger.put(&delivered, Expect::Rev(question.rev)).await?;
    }
    Ok(true)
}
