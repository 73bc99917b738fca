//! The `finish` function: the end of an execution and its signed receipt.

use holdfast_action::Check;
use holdfast_aws::{DEPLOYMENT, Deployment, log_finish, serve};
use holdfast_engine::TaskError;
use holdfast_task::{ErrorName, FinishTask};
use tokio::sync::OnceCell;

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let engine = &deployment.engine()?;
    // A receipt without its deployment could be shown as one of another.
    deployment.variable(DEPLOYMENT)?;
    // The sealer is loaded at the first task, and at the next one if KMS does not answer. If the
    // process died at its start instead, every waiting execution would start it again at once.
    let (deployment, sealer) = (&deployment, &OnceCell::new());
    // Boxed, since the SDK's futures nest deeply.
    let sealer = || sealer.get_or_try_init(|| Box::pin(deployment.sealer()));
    let finish = |task: FinishTask| async move {
        let result = match sealer().await {
            Ok(sealer) => engine.finish(&task, sealer).await,
            Err(why) => Err(TaskError::new(ErrorName::Transient, why)),
        };
        (task, result)
    };
    let checks = async || {
        let signs = match sealer().await {
            Ok(sealer) => sealer.signer().check().await,
            Err(why) => Check::of::<()>("the signing key answers", Err(why)),
        };
        vec![engine.ledger.check().await, signs]
    };
    serve(finish, log_finish, checks).await
}
