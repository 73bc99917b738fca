//! The `finish` function: the end of an execution and its signed receipt.

use holdfast_aws::{Deployment, log_finish, serve};
use holdfast_core::{
    action::Check,
    engine::TaskError,
    task::{FinishTask, error_name},
};
use tokio::sync::OnceCell;

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let engine = &deployment.engine()?;
    // At the first task, and again at the next if KMS does not answer: a process that dies of that at its start is
    // started again at once, by every execution that waits.
    let (deployment, signer) = (&deployment, &OnceCell::new());
    // Boxed, since the SDK's futures nest deeply.
    let signer = || signer.get_or_try_init(|| Box::pin(deployment.signer()));
    let finish = |task: FinishTask| async move {
        let result = match signer().await {
            Ok(signer) => engine.finish(&task, signer).await,
            Err(why) => Err(TaskError::new(error_name::TRANSIENT, why)),
        };
        (task, result)
    };
    let checks = async || {
        let signs = match signer().await {
            Ok(signer) => signer.check().await,
            Err(why) => Check::of::<()>("the signing key answers", Err(why)),
        };
        vec![engine.ledger.check().await, signs]
    };
    serve(finish, log_finish, checks).await
}
