//! The `step` function: it performs the action that `HOLDFAST_ACTION` names, and its undo. Every
//! action's function is this program.

use holdfast_action::Check;
use holdfast_aws::{Deployment, StepAnswer, log_step, serve};
use holdfast_engine::TaskError;
use holdfast_task::{ErrorName, StepCall};

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let engine = &deployment.engine()?;
    let name = deployment.variable("HOLDFAST_ACTION")?;
    let action = holdfast_steps::registry().make(name, &deployment.settings());
    // A wrong setting becomes a task error that names it. A process that ended here could not name
    // it.
    let action = action.as_deref();
    let step = |call: StepCall| async move {
        let result = match (&call, action) {
            (StepCall::Step(task), Ok(action)) => {
                engine.step(task, action).await.map(StepAnswer::Step)
            }
            (StepCall::Undo(task), Ok(action)) => {
                engine.undo(task, action).await.map(StepAnswer::Undo)
            }
            (_, Err(why)) => Err(TaskError::new(ErrorName::Transient, why)),
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
