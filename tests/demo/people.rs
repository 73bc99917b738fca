//! The story in which people answer questions.

use std::time::{Duration, Instant};

use holdfast_tests::{Api, Stack, unique};
use serde_json::{Value, json};

use crate::{
    failures::{committed, ended},
    follow::{Evidence, LONGEST, follow, text},
    say,
    scenarios::begin,
};

/// One person approves, the step fails, and another person decides on a retry.
pub(crate) async fn escalate(stack: &Stack) -> Result<Evidence, String> {
    let vendor = unique("vendor");
    let (cfo, admin) = (stack.api.as_actor("cfo"), stack.api.as_actor("admin"));
    say(
        "A large payment is held only if the CFO agrees. Then the vendor system will refuse the hold once.",
    );
    let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let input = json!({ "vendor_id": vendor, "hold_days": 14, "amount": 250_000 });
    let id = begin(stack, "WF-HOLD-LARGE-PAYMENTS", &input).await?;
    decide(&cfo, &id, "approve", "agreed in the morning call").await?;
    decide(&admin, &id, "retry", "the vendor system is mended").await?;
    say("");
    let evidence = follow(stack, &id).await?;
    ended(&evidence.receipt, "EXECUTED", &[])?;
    committed(stack, &vendor, &["hold_placed"]).await?;
    Ok(evidence)
}

/// Waits for the execution's next question and answers it.
async fn decide(api: &Api, id: &str, decision: &str, reason: &str) -> Result<(), String> {
    let question = question(api, id).await?;
    let incident = text(&question["incident"]);
    say(&format!(
        "  asked: {} (GET {incident})",
        text(&question["message"])
    ));
    let body = json!({ "decision": decision, "reason": reason, "execution_id": id });
    let reply = api.post(&format!("{incident}/decision"), &body).await;
    say(&format!("  decided: {decision}, since {reason}"));
    if reply.status == 200 {
        Ok(())
    } else {
        Err(format!(
            "the decision was answered {}: {}",
            reply.status, reply.body
        ))
    }
}

async fn question(api: &Api, id: &str) -> Result<Value, String> {
    let until = Instant::now() + LONGEST;
    while Instant::now() < until {
        let execution = api.get(&format!("/v1/executions/{id}")).await.body;
        let mut open = execution["questions"].as_array().into_iter().flatten();
        if let Some(question) = open.find(|one| one["status"] == "OPEN") {
            return Ok(question.clone());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("execution {id} has no open question"))
}
