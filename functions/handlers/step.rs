//! The `step` function: one action, named by `HOLDFAST_ACTION`; every action is the same program under another name.

use holdfast_aws::{Deployment, StepAnswer, log_step, serve};
use holdfast_core::task::StepCall;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let deployment = Deployment::load().await;
    let engine = &deployment.engine()?;
    let name = deployment.variable("HOLDFAST_ACTION")?;
    let action = &*holdfast_steps::registry().make(name, &deployment.settings())?;
    let step = |call: StepCall| async move {
        let result = match &call {
            StepCall::Step(task) => engine.step(task, action).await.map(StepAnswer::Step),
            StepCall::Undo(task) => engine.undo(task, action).await.map(StepAnswer::Undo),
        };
        (call, result)
    };
    let checks = async || {
        let mut checks = vec![engine.ledger.check().await];
        checks.extend(action.check().await);
        checks
    };
    serve(step, log_step, checks).await
}
