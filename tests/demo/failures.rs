//! The stories in which a step is refused, an answer is lost, or the state machine is stopped.

use holdfast_tests::{DELAY, Stack, taken_over, texts, unique};
use serde_json::{Value, json};

use crate::{
    follow::{Evidence, follow},
    say,
    scenarios::begin,
};

/// The second step is refused for good.
pub(crate) async fn rollback(stack: &Stack) -> Result<Evidence, String> {
    let vendor = unique("vendor");
    say("The vendor system will refuse the notification with 400: a retry cannot help.");
    let fault = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(fault).await;
    let id = begin(stack, DELAY, &input(&vendor)).await?;
    let evidence = follow(stack, &id).await?;
    ended(&evidence.receipt, "ROLLED_BACK", &[])?;
    committed(stack, &vendor, &["hold_placed", "hold_released"]).await?;
    Ok(evidence)
}

/// Answers are lost after the effect: of the hold, and of its release.
pub(crate) async fn unknown(stack: &Stack) -> Result<Evidence, String> {
    let vendor = unique("vendor");
    say("The vendor system will place the hold and drop the connection, refuse the notification,");
    say("then release the hold and drop the connection: twice, the outcome is unknown.");
    for fault in [
        json!({ "route": "POST /holds", "count": 1, "kind": { "drop": "after_commit" }, "vendor_id": vendor }),
        json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor }),
        json!({ "route": "DELETE /holds", "count": 1, "kind": { "drop": "after_commit" }, "vendor_id": vendor }),
    ] {
        stack.vendor.plan(fault).await;
    }
    let id = begin(stack, DELAY, &input(&vendor)).await?;
    let evidence = follow(stack, &id).await?;
    ended(&evidence.receipt, "ROLLED_BACK", &[])?;
    committed(stack, &vendor, &["hold_placed", "hold_released"]).await?;
    Ok(evidence)
}

/// An operator stops the state machine while the second step is at work.
pub(crate) async fn stopped(stack: &Stack) -> Result<Evidence, String> {
    let vendor = unique("vendor");
    say("The vendor system holds back its answer to the notification until it is released;");
    say("meanwhile an operator stops the state machine.");
    let fault = json!({ "route": "POST /notifications", "count": 100, "kind": { "block": "before_commit" }, "match": vendor });
    let notification = stack.vendor.block(fault).await;
    let id = begin(stack, DELAY, &input(&vendor)).await?;
    notification.arrived().await;
    stack.aws.stop(&stack.aws.execution(DELAY, &id)).await;
    say("  StopExecution: the state machine has ended, and its function does not know");
    taken_over(stack, &id).await;
    say("  recovery has taken over, and the vendor system answers now");
    notification.unblock().await;
    let evidence = follow(stack, &id).await?;
    ended(
        &evidence.receipt,
        "PARTIALLY_ROLLED_BACK",
        &["notify_ap_team"],
    )?;
    say(
        "\nThe hold is released. The notification cannot be taken back, whether it went out or may have:",
    );
    say("the receipt names it, and an incident is open.");
    committed(stack, &vendor, &["hold_placed", "hold_released"]).await?;
    Ok(evidence)
}

fn input(vendor: &str) -> Value {
    json!({ "vendor_id": vendor, "hold_days": 14 })
}

/// The receipt has this status and names these residual effects.
pub(crate) fn ended(receipt: &Value, status: &str, residual: &[&str]) -> Result<(), String> {
    let found = texts(&receipt["residual_effects"], "step");
    if receipt["status"] == status && found == residual {
        return Ok(());
    }
    Err(format!(
        "it should end {status} with residual effects {residual:?}, and it ended {} with {found:?}",
        receipt["status"]
    ))
}

/// The vendor system committed exactly these effects.
pub(crate) async fn committed(
    stack: &Stack,
    vendor: &str,
    expected: &[&str],
) -> Result<(), String> {
    let effects = stack.vendor.effects_on(vendor).await;
    let effects = effects.join(", ");
    say(&format!(
        "\nThe vendor system committed on {vendor}: {effects}"
    ));
    if effects == expected.join(", ") {
        Ok(())
    } else {
        Err(format!("it should be exactly {}", expected.join(", ")))
    }
}
