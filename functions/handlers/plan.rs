//! The `plan` function: takes over an execution that cannot continue, and lists its undos.

use holdfast_aws::{Deployment, PlanAnswer, log_plan, serve};
use holdfast_task::PlanCall;

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let engine = &Deployment::load().engine()?;
    let plan = |call: PlanCall| async move {
        let result = match &call {
            PlanCall::Plan(task) => engine.plan(task).await.map(PlanAnswer::Plan),
            PlanCall::GiveUp(task) => engine.give_up(task).await.map(PlanAnswer::GiveUp),
        };
        (call, result)
    };
    serve(plan, log_plan, async || vec![engine.ledger.check().await]).await
}
