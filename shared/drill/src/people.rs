//! The people who are asked: they agree to what is to be approved, and roll back what failed, unless a fault says otherwise.

use std::{rc::Rc, time::Duration};

use holdfast_engine::{Host, answer};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Expect, Ledger, LedgerError, Request, RulingTransition, enact, rule};
use holdfast_receipt::Decision;
use holdfast_task::{AskTask, QuestionKind};
use jiff::{SignedDuration, Timestamp};

use crate::{fault::Fault, functions::Room, process::Process, world::lock};

/// How long a person thinks.
const THINKS: Duration = Duration::from_secs(60);
/// How often a person tries again whose decision was refused because an attempt may be at work.
const PATIENCE: usize = 3;

/// Lets a person hear of a question.
pub(crate) fn decide(room: &Rc<Room>, asked: &AskTask) {
    let fault = room.world.strikes(&place(asked), None, Fault::is_human);
    let decision = match (fault, asked.ask.kind) {
        (Some(Fault::Silence), _) => return,
        (Some(Fault::DecidesRetry), _) => Decision::Retry,
        (Some(Fault::DecidesSkip), _) => Decision::Skip,
        (Some(Fault::DecidesReject), _) => Decision::Reject,
        (_, QuestionKind::Approval) => Decision::Approve,
        (_, QuestionKind::Escalation) => Decision::Rollback,
    };
    let (spawning, room, asked) = (room, room.clone(), asked.clone());
    let person = async move {
        let clock = &room.world.clock;
        if fault == Some(Fault::DecidesLate) {
            clock.until(end_of(&asked)).await;
        }
        for _ in 0..PATIENCE {
            clock.sleep(THINKS).await;
            let told = fault != Some(Fault::LostDecision);
            let decided = ruled(&room, &asked, decision, told).await;
            let words = match &decided {
                Ok(true) => "is heard",
                Ok(false) => "is refused",
                Err(_) => "does not reach the ledger",
            };
            room.world
                .tell(|| format!("person     {}: {} {words}", asked.ask.step, decision.name()));
            if decided == Ok(true) {
                return;
            }
        }
    };
    spawning.spawn(person);
}

fn place(asked: &AskTask) -> String {
    match asked.ask.kind {
        QuestionKind::Approval => asked.ask.step.clone(),
        QuestionKind::Escalation => format!("{}.escalate", asked.ask.step),
    }
}

fn end_of(asked: &AskTask) -> Timestamp {
    let entered: Timestamp = asked.entered.parse().unwrap_or(Timestamp::MAX);
    let within =
        SignedDuration::from_secs(i64::try_from(asked.ask.within_s).unwrap_or(i64::MAX / 1000));
    entered.saturating_add(within).unwrap_or(Timestamp::MAX)
}

/// Decides and delivers, as the API does; says whether the decision was taken.
async fn ruled(
    room: &Room,
    asked: &AskTask,
    decision: Decision,
    told: bool,
) -> Result<bool, LedgerError> {
    let ledger = Process::new(room.world.clone(), None);
    let at = ExecutionKey {
        tenant: asked.execution.tenant.clone(),
        execution: asked.execution.id.clone(),
    };
    let request = Request {
        by: "drill".to_owned(),
        reason: "the drill decides".to_owned(),
    };
    let now = room.world.clock.now();
    let decided = rule(&ledger, &at, &asked.ask.step, decision, &request, now).await?;
    let Some(RulingTransition::Write(question) | RulingTransition::Already(question)) = decided
    else {
        return Ok(false);
    };
    if decision == Decision::Retry {
        lock(&room.world.retried).push(asked.ask.step.clone());
    }
    if !told {
        return Ok(true);
    }
    enact(&ledger, &question, decision, room.world.clock.now()).await?;
    if let Some(ruling) = question.undelivered() {
        room.tell(&question.token, answer(&asked.ask.step, ruling));
    }
    if let Some(told) = question.delivered() {
        ledger.put(&told, Expect::Rev(question.rev)).await?;
    }
    Ok(true)
}
