//! Delivers what people decided: first to the step's record, then to the machine that waits.

use holdfast_engine::{Host, answer};
use holdfast_ledger::{Expect, Ledger, LedgerError, Question, enact};

use crate::{DynamoLedger, MachineError, Machines, SystemHost};

/// Why a decision was not delivered; whoever tries again can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The ledger did not answer.
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    /// Step Functions did not answer.
    #[error("Step Functions: {0:?}")]
    Machine(MachineError),
}

/// Tells the machine what was decided on a question, unless it was told. Safe to repeat: a machine that no longer
/// waits asks the ledger itself.
pub async fn deliver(
    ledger: &DynamoLedger,
    machines: &Machines,
    question: &Question,
) -> Result<(), DeliveryError> {
    let Some(ruling) = question.undelivered() else {
        return Ok(());
    };
    enact(ledger, question, ruling.decision, SystemHost.now()).await?;
    machines
        .tell(&question.token, &answer(&question.step, ruling))
        .await
        .map_err(DeliveryError::Machine)?;
    if let Some(told) = question.told() {
        // Whoever was quicker told it too.
        ledger.put(&told, Expect::Rev(question.rev)).await?;
    }
    Ok(())
}
