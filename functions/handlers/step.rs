//! The `step` function: one action, named by `HOLDFAST_ACTION`; every action is the same program under another name.

use holdfast_aws::{Deployment, log_step, serve};
use holdfast_core::task::StepTask;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let deployment = Deployment::load().await;
    let engine = &deployment.engine()?;
    let name = deployment.variable("HOLDFAST_ACTION")?;
    let action = &*holdfast_steps::registry().make(name, &deployment.settings())?;
    let step = |task: StepTask| async move {
        let result = engine.step(&task, action).await;
        (task, result)
    };
    serve(step, log_step).await
}
