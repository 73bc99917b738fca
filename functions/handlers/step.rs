//! The `step` function: one action, named by `HOLDFAST_ACTION`; every action is the same program under another name.

use holdfast_aws::{Deployment, StepAnswer, log_step, serve};
use holdfast_core::{
    action::Check,
    engine::TaskError,
    task::{StepCall, error_name},
};

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let engine = &deployment.engine()?;
    let name = deployment.variable("HOLDFAST_ACTION")?;
    let action = holdfast_steps::registry().make(name, &deployment.settings());
    // A process that dies of a wrong setting could not say which.
    let action = action.as_deref();
    let step = |call: StepCall| async move {
        let result = match (&call, action) {
            (StepCall::Step(task), Ok(action)) => {
                engine.step(task, action).await.map(StepAnswer::Step)
            }
            (StepCall::Undo(task), Ok(action)) => {
                engine.undo(task, action).await.map(StepAnswer::Undo)
            }
            (_, Err(why)) => Err(TaskError::new(error_name::TRANSIENT, why)),
        };
        (call, result)
    };
    let checks = async || {
        let mut checks = vec![engine.ledger.check().await];
        match action {
            Ok(action) => checks.extend(action.check().await),
            Err(why) => checks.push(Check::of::<()>("its settings are right", Err(why))),
        }
        checks
    };
    serve(step, log_step, checks).await
}
