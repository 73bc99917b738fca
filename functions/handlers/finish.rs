//! The `finish` function: the end of an execution and its receipt.

use holdfast_aws::{Deployment, log_finish, serve};
use holdfast_core::task::FinishTask;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let engine = &Deployment::load().await.engine()?;
    let finish = |task: FinishTask| async move {
        let result = engine.finish(&task).await;
        (task, result)
    };
    serve(finish, log_finish).await
}
