//! The Lambda functions, and the programs that serve them.
//!
//! The local stack runs one program, `functions`, for all of them. A deployment has the programs of
//! [`programs`], each with the functions that need the same clients, so that a package is small
//! (docs/decisions/0121-functions-of-the-same-clients-share-a-program.md).

mod api;
mod ask;
mod audit;
mod begin;
mod console;
mod digest;
mod finish;
mod gateway;
mod origins;
mod panics;
mod plan;
pub mod programs;
mod recover;
mod spans;
mod step;

use std::{env, future::Future, pin::Pin};

use mimalloc::MiMalloc;

use self::programs::Program;

/// The allocator of every function: an allocation takes fewer instructions than glibc's
/// (docs/decisions/0146-functions-allocate-by-mimalloc.md).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The variable in which Lambda passes a function's `Handler` to its program.
const HANDLER: &str = "_HANDLER";

/// The loop of a function. Boxed, since each future holds all that its function needs.
type Run = Pin<Box<dyn Future<Output = Result<(), lambda_runtime::Error>>>>;

/// A Lambda function, by the `Handler` that template.yaml names.
#[derive(Clone, Copy)]
pub struct Function {
    handler: &'static str,
    run: fn() -> Run,
}

/// Serves the function of `programs` that Lambda names in `_HANDLER`.
#[tokio::main(flavor = "local")]
pub async fn serve(programs: &[Program]) -> Result<(), lambda_runtime::Error> {
    holdfast_aws::write_log_lines();
    panics::abort_on_panic();
    let handler = env::var(HANDLER).map_err(|error| format!("{HANDLER}: {error}"))?;
    let mut functions = programs.iter().flat_map(|program| program.functions);
    match functions.find(|function| function.handler == handler) {
        // tokio looks for events before it polls a woken root future, which is one system call for
        // each answer. It polls a spawned task without that call.
        Some(function) => tokio::task::spawn_local((function.run)()).await?,
        None => {
            let names: Vec<_> = programs.iter().map(|program| program.name).collect();
            let names = names.join(", ");
            Err(format!("{HANDLER} is {handler:?}: no function of {names} has this name").into())
        }
    }
}
