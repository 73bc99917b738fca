//! The `ask` function: puts a question to people for a machine that waits, and says what rules once its time is over.

use holdfast_aws::{AskAnswer, Deployment, log_ask, serve};
use holdfast_core::{
    engine::{TaskError, answer},
    task::{AskCall, AskTask, error_name},
};

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let (engine, machines) = (&deployment.engine()?, &deployment.machines()?);
    let ask = |task: &AskTask| {
        let task = task.clone();
        async move {
            let Some(ruling) = engine.ask(&task).await? else {
                return Ok(AskAnswer::Asked);
            };
            // Somebody decided while the machine tried this state again: its new token must hear of it.
            let answer = answer(&task.ask.step, &ruling);
            let told = machines.tell(&task.token, &answer).await;
            told.map_err(|error| {
                TaskError::new(error_name::TRANSIENT, format!("Step Functions: {error:?}"))
            })?;
            Ok(AskAnswer::Asked)
        }
    };
    let handle = |call: AskCall| async move {
        let result = match &call {
            AskCall::Ask(task) => ask(task).await,
            AskCall::Expire(task) => engine.expire(task).await.map(AskAnswer::Ruled),
        };
        (call, result)
    };
    serve(handle, log_ask, async || vec![engine.ledger.check().await]).await
}
