//! Publish: writes the signed receipt of an ended execution once, and records it.

use crate::{
    case::Case,
    chain::is_late,
    engine::Engine,
    ports::{Host, ObjectStore},
    receipt::receipt_of,
    task_errors::{TaskError, at_work, superseded},
};
use holdfast_ids::{
    digest::sha256_hex,
    keys::{late_object, receipt_object},
};
use holdfast_ledger::{ExecutionRecord, Ledger, Phase, Snapshot, StepState};
use holdfast_receipt::{
    Receipt, ReceiptRef,
    evidence::{Seal, SealError},
};
use holdfast_task::{ErrorName, FinishResult, FinishTask};
use serde_json::Value;

/// The members in which two receipts of one end may differ. The duplicates are those until the
/// receipt was made. A newer release can derive the id of the incident otherwise.
const VARIES: [&str; 4] = [
    "signature",
    "certificate",
    "duplicates_prevented",
    "incident",
];
/// Members that receipts of earlier releases lack.
const LATER: [&str; 3] = ["deployment", "earlier", "approvals"];

impl<L: Ledger, S: ObjectStore, H: Host> Engine<L, S, H> {
    /// Writes the receipt of an ended execution once; a later writer adopts the stored one. A late
    /// receipt gets its mark first, so that a digest finds it.
    pub(crate) async fn publish(
        &self,
        task: &FinishTask,
        snapshot: Snapshot,
        seal: &impl Seal,
    ) -> Result<FinishResult, TaskError> {
        let Phase::Ended {
            status,
            at: ended_at,
            ..
        } = snapshot.execution.phase
        else {
            return Err(superseded(&snapshot.execution.at));
        };
        let case = Case::of(&snapshot);
        let result = |receipt: ReceiptRef| FinishResult {
            incident: case.id.clone(),
            status: status.name().to_owned(),
            receipt: receipt.object,
            receipt_sha256: receipt.sha256,
        };
        if let Some(receipt) = &snapshot.execution.receipt {
            return Ok(result(receipt.clone()));
        }
        self.at_rest(&snapshot)?;
        let unfit = |error| TaskError::new(ErrorName::Permanent, format!("the receipt: {error}"));
        let receipt = receipt_of(&snapshot, &task.steps, case.id.clone())
            .map(|receipt| Receipt {
                deployment: self.deployment.clone(),
                ..receipt
            })
            .and_then(|receipt| serde_json::to_value(receipt).map_err(|error| error.to_string()))
            .map_err(unfit)?;
        let execution = &snapshot.execution;
        let object = receipt_object(&execution.at, ended_at, execution.generation);
        let now = self.host.now();
        if is_late(ended_at, now) {
            let mark = late_object(&execution.at.tenant, now, ended_at);
            self.receipts.put_new(&mark, b"{}".to_vec()).await?;
        }
        let sha256 = self.store(&object, receipt, seal).await?;
        // The incidents are closed before the receipt is recorded, since a recorded receipt means
        // that nothing is left to do.
        self.close_case(&task.execution.tenant, &case).await?;
        let receipt = ReceiptRef { object, sha256 };
        let generation = execution.generation;
        self.change_execution(snapshot.execution, |execution| {
            let missing = execution.receipt.is_none() && execution.generation == generation;
            missing.then(|| ExecutionRecord {
                receipt: Some(receipt.clone()),
                incidents: case.met.clone(),
                ..execution.clone()
            })
        })
        .await?;
        Ok(result(receipt))
    }

    /// Fails while an attempt may be at work, which claimed beside the end.
    fn at_rest(&self, snapshot: &Snapshot) -> Result<(), TaskError> {
        let now = self.host.now();
        for step in &snapshot.steps {
            match step.state {
                StepState::Running { lease_until, .. } if now < lease_until => {
                    return Err(at_work(step, lease_until));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Stores a receipt under a free object key, or adopts the stored one; returns its SHA-256.
    async fn store(
        &self,
        object: &str,
        receipt: Value,
        seal: &impl Seal,
    ) -> Result<String, TaskError> {
        let bytes = seal.receipt(receipt.clone()).await.map_err(seal_error)?;
        let sha256 = sha256_hex(&bytes);
        if self.receipts.put_new(object, bytes).await? {
            return Ok(sha256);
        }
        let stored = self.receipts.get(object).await?.ok_or_else(|| {
            let message = format!("receipt {object} exists and cannot be read");
            TaskError::new(ErrorName::Transient, message)
        })?;
        let unfit = |why: String| {
            let message = format!(
                "receipt {object}: {why}; it was not adopted: see docs/receipts.md, \
                 \"A stored receipt that is not ours\""
            );
            TaskError::new(ErrorName::Permanent, message)
        };
        same_receipt(&stored, &receipt).map_err(unfit)?;
        match seal.verify(&stored).await {
            Ok(()) => Ok(sha256_hex(&stored)),
            Err(SealError::Unfit(why)) => Err(unfit(why)),
            Err(error) => Err(seal_error(error)),
        }
    }
}

fn seal_error(error: SealError) -> TaskError {
    match error {
        SealError::Signer(error) => TaskError::new(ErrorName::Transient, error.to_string()),
        SealError::Unfit(why) => {
            TaskError::new(ErrorName::Permanent, format!("the receipt: {why}"))
        }
    }
}

/// Checks that a stored receipt says what `ours` says. The error names the first member that
/// differs. A stored receipt of an earlier release lacks members.
fn same_receipt(stored: &[u8], ours: &Value) -> Result<(), String> {
    let stored: Value =
        serde_json::from_slice(stored).map_err(|_| "what is stored is not JSON".to_owned())?;
    let (Some(stored), Some(mut ours)) = (stored.as_object(), ours.as_object().cloned()) else {
        return Err("what is stored is not a JSON object".to_owned());
    };
    ours.retain(|name, _| stored.contains_key(name) || !LATER.contains(&name.as_str()));
    if let Some(Value::Object(failure)) = ours.get_mut("failure")
        && let Some(Value::Object(before)) = stored.get("failure")
    {
        if !before.contains_key("requested_at") {
            failure.remove("requested_at");
        }
        // Words for people, which a release may choose otherwise than the one before. The words of
        // a person are never ours.
        if !before.contains_key("requested_by")
            && let (Some(ours), Some(Value::String(said))) =
                (failure.get_mut("reason"), before.get("reason"))
        {
            *ours = said.clone().into();
        }
    }
    let names = stored.keys().chain(ours.keys());
    let mut compared = names.filter(|name| !VARIES.contains(&name.as_str()));
    match compared.find(|name| stored.get(*name) != ours.get(*name)) {
        Some(name) => Err(format!("its {name} is not what the ledger records")),
        None => Ok(()),
    }
}
