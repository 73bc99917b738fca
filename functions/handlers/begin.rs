//! The `begin` function: the admission check and the claim on an execution.

use holdfast_audit::{About, Metric};
use holdfast_aws::{Deployment, SystemHost, log_begin, report, serve, trace};
use holdfast_engine::{Host, requested_execution};
use holdfast_task::{BeginTask, ErrorName};

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let engine = &deployment.engine()?;
    let stack = deployment.variable("HOLDFAST_STACK")?;
    let begin = |mut task: BeginTask| async move {
        task.trace = trace();
        let result = engine.begin(&task).await;
        if let Err(error) = &result
            && [ErrorName::Malformed, ErrorName::KeyReused].contains(&error.name)
        {
            count_malformed(stack, &task, error.unregistered);
        }
        (task, result)
    };
    serve(begin, log_begin, async || vec![engine.ledger.check().await]).await
}

/// Counts malformed starts and reused keys. A trigger has no caller who would see the error.
/// One of an unregistered tenant is counted under no tenant's name, and once more by its reason.
fn count_malformed(stack: &str, task: &BeginTask, unregistered: bool) {
    let requested = (!unregistered).then(|| requested_execution(task)).flatten();
    let about = About {
        tenant: requested.map_or_else(String::new, |(at, _)| at.tenant),
        workflow: task.gate.workflow.clone(),
        version: Some(task.gate.version),
        subject: None,
    };
    let mut counted = vec![(Metric::MalformedStarts, 1)];
    counted.extend(unregistered.then_some((Metric::UnregisteredStarts, 1)));
    report(stack, &counted, Some(&about), false, SystemHost.now());
}
