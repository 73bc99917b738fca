//! The Lambda functions: one program, which serves the function that its `Handler` names.

mod api;
mod ask;
mod audit;
mod begin;
mod console;
mod digest;
mod finish;
mod origins;
mod plan;
mod recover;
mod spans;
mod step;

use std::env;

/// The variable in which Lambda passes a function's `Handler` to its program.
const HANDLER: &str = "_HANDLER";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    holdfast_aws::write_log_lines();
    let handler = env::var(HANDLER).map_err(|error| format!("{HANDLER}: {error}"))?;
    // Boxed, since each future holds all that its function needs.
    match handler.as_str() {
        "begin" => Box::pin(begin::run()).await,
        "step" => Box::pin(step::run()).await,
        "plan" => Box::pin(plan::run()).await,
        "finish" => Box::pin(finish::run()).await,
        "recover" => Box::pin(recover::run()).await,
        "ask" => Box::pin(ask::run()).await,
        "bulk" => Box::pin(api::work()).await,
        "api" => Box::pin(api::run()).await,
        "audit" => Box::pin(audit::run()).await,
        "console" => Box::pin(console::run()).await,
        "digest" => Box::pin(digest::run()).await,
        "spans" => Box::pin(spans::run()).await,
        unknown => Err(format!("{HANDLER} is {unknown:?}: no function has this name").into()),
    }
}
