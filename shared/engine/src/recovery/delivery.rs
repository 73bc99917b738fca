//! Delivery of decisions: first to the step's record, then to the task that waits.

use holdfast_ledger::{Expect, Ledger, LedgerError, Question, enact};
use jiff::Timestamp;

use crate::{
    ask::answer,
    state_machines::{MachineError, StateMachines},
};

/// The reason why a decision was not delivered. The delivery can be repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The ledger did not answer.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// Step Functions did not answer.
    #[error("Step Functions: {0}")]
    Machine(#[from] MachineError),
}

/// Delivers the decision on a question to the waiting task, unless it was delivered. Safe to
/// repeat: a state that no longer waits reads the ledger itself.
pub async fn deliver<L: Ledger, M: StateMachines>(
    ledger: &L,
    machines: &M,
    question: &Question,
    now: Timestamp,
) -> Result<(), DeliveryError> {
    let Some(ruling) = question.undelivered() else {
        return Ok(());
    };
    enact(ledger, question, ruling.decision, now).await?;
    machines
        .answer_task(&question.token, &answer(question, ruling))
        .await?;
    if let Some(delivered) = question.delivered() {
        // A concurrent delivery wins with the same record.
        ledger.put(&delivered, Expect::Rev(question.rev)).await?;
    }
    Ok(())
}
