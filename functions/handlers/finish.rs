//! The `finish` function: the end of an execution and its signed receipt.

use holdfast_aws::{Deployment, log_finish, serve};
use holdfast_core::task::FinishTask;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    lambda_runtime::tracing::init_default_subscriber();
    let deployment = Deployment::load().await;
    let engine = &deployment.engine()?;
    // Boxed, since the SDK's futures nest deeply.
    let signer = &Box::pin(deployment.signer()).await?;
    let finish = |task: FinishTask| async move {
        let result = engine.finish(&task, signer).await;
        (task, result)
    };
    let checks = async || vec![engine.ledger.check().await, signer.check().await];
    serve(finish, log_finish, checks).await
}
