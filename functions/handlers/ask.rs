//! The `ask` function: puts a question to people while a Step Functions execution waits, and
//! decides what applies once the question has expired.

use holdfast_aws::{AskAnswer, Deployment, log_ask, serve};
use holdfast_engine::TaskError;
use holdfast_task::{AskCall, AskTask, ErrorName};

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let (engine, machines) = (&deployment.engine()?, &deployment.machines()?);
    let ask = |task: &AskTask| {
        let task = task.clone();
        async move {
            let Some(answer) = engine.ask(&task).await? else {
                return Ok(AskAnswer::Waiting);
            };
            // A person decided while Step Functions retried this state, so its new task token needs
            // the answer; or the rule asks no person.
            let sent = machines.answer_task(&task.token, &answer).await;
            sent.map_err(|error| {
                TaskError::new(ErrorName::Transient, format!("Step Functions: {error:?}"))
            })?;
            Ok(AskAnswer::Waiting)
        }
    };
    let handle = |call: AskCall| async move {
        let result = match &call {
            AskCall::Ask(task) => ask(task).await,
            AskCall::Expire(task) => engine.expire(task).await.map(AskAnswer::Decided),
        };
        (call, result)
    };
    serve(handle, log_ask, async || vec![engine.ledger.check().await]).await
}
