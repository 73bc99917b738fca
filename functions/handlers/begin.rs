//! The `begin` function: the gate and the claim on an execution.

use holdfast_aws::{Deployment, log_begin, serve, trace};
use holdfast_core::task::BeginTask;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let engine = &Deployment::load().await.engine()?;
    let begin = |mut task: BeginTask| async move {
        task.trace = trace();
        let result = engine.begin(&task).await;
        (task, result)
    };
    serve(begin, log_begin).await
}
