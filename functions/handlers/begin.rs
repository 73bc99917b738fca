//! The `begin` function: the gate and the claim on an execution.

use holdfast_aws::{Deployment, SystemHost, log_begin, report, serve, trace};
use holdfast_core::{
    audit::{About, Metric},
    engine::{Host, asked_for},
    task::{BeginTask, error_name},
};

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let engine = &deployment.engine()?;
    let stack = deployment.variable("HOLDFAST_STACK")?;
    let begin = |mut task: BeginTask| async move {
        task.trace = trace();
        let result = engine.begin(&task).await;
        if let Err(error) = &result
            && [error_name::MALFORMED, error_name::KEY_REUSED].contains(&error.name)
        {
            lost(stack, &task);
        }
        (task, result)
    };
    serve(begin, log_begin, async || vec![engine.ledger.check().await]).await
}

/// Counts what somebody sent and nothing came of: a trigger has nobody who reads the answer.
fn lost(stack: &str, task: &BeginTask) {
    let about = About {
        tenant: asked_for(task).map_or_else(String::new, |(at, _)| at.tenant),
        workflow: task.gate.workflow.clone(),
        version: Some(task.gate.version),
    };
    let one = [(Metric::MalformedStarts, 1)];
    report(stack, &one, Some(&about), false, SystemHost.now());
}
