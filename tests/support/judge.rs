//! The judge of injured executions: it compares the effects at the vendor system with the receipt.

use serde_json::Value;

use crate::{Stack, texts};

/// The effects that a workflow has on the vendor system if it is executed.
#[derive(Debug, Clone)]
pub struct DeclaredEffects {
    /// The vendors that are held, each with the label of its step.
    pub holds: Vec<(String, String)>,
    /// The steps that send a notification.
    pub notices: Vec<String>,
}

impl DeclaredEffects {
    /// The effects of the specification's workflow.
    pub fn of_delay(vendor: &str) -> Self {
        Self {
            holds: vec![(vendor.to_owned(), "apply_vendor_hold".to_owned())],
            notices: vec!["notify_ap_team".to_owned()],
        }
    }
}

/// Judges an execution of the specification's workflow.
pub async fn account(stack: &Stack, id: &str, vendor: &str) -> Result<String, String> {
    judge(stack, id, &DeclaredEffects::of_delay(vendor)).await
}

/// Waits for an execution's receipt, and compares it with the effects. Returns its status.
pub async fn judge(stack: &Stack, id: &str, declared: &DeclaredEffects) -> Result<String, String> {
    let (execution, receipt) = stack.api.finished(id).await;
    let status = receipt["status"].as_str().unwrap_or_default().to_owned();
    let residual = texts(&receipt["residual_effects"], "step");
    let named = |step: &str| status == "EXECUTED" || residual.contains(&step);
    let wrong =
        |what: &str, seen: &dyn std::fmt::Debug| Err(format!("{what}: {seen:?}, {receipt}"));
    for (vendor, step) in &declared.holds {
        let effects = stack.vendor.effects_on(vendor).await;
        let count = |kind: &str| effects.iter().filter(|effect| *effect == kind).count();
        let (placed, released) = (count("hold_placed"), count("hold_released"));
        if placed > 1 || released > placed {
            return wrong("an effect happened twice", &effects);
        }
        if placed > released && !named(step) {
            return wrong("a hold remains and is not named", &effects);
        }
        if status == "EXECUTED" && (placed, released) != (1, 0) {
            return wrong("it is not what was executed", &effects);
        }
    }
    for step in &declared.notices {
        let key = format!("key={}", key_of(&execution, step));
        let effects = stack.vendor.effects(&key).await;
        let sent = |effect: &&Value| effect["kind"] == "notification_sent";
        let notices = effects.iter().filter(sent).count();
        if notices > 1 {
            return wrong("a notification went out twice", &effects);
        }
        if notices > 0 && !named(step) {
            return wrong("a notification went out and is not named", &effects);
        }
        if status == "EXECUTED" && notices != 1 {
            return wrong("a notification is not what was executed", &effects);
        }
    }
    if execution["status"] != receipt["status"] {
        return wrong("ledger and receipt differ", &execution);
    }
    if execution["ended_at"].is_null() {
        return wrong("it is still open", &execution);
    }
    let mut steps = execution["steps"].as_array().into_iter().flatten();
    let open = steps.find(|step| {
        ["RUNNING", "WAITING", "UNDOING"].contains(&step["status"].as_str().unwrap_or_default())
    });
    match open {
        Some(step) => wrong("a step is still open", step),
        None => Ok(status),
    }
}

/// The idempotency key of a step, or a key without effects if the step was not reached.
fn key_of(execution: &Value, step: &str) -> String {
    let steps = execution["steps"].as_array().into_iter().flatten();
    let mut found = steps.filter(|one| one["name"] == step);
    let key = found.next().and_then(|one| one["idempotency_key"].as_str());
    key.unwrap_or("none").to_owned()
}
