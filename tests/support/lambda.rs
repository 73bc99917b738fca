//! The stack's functions as the AWS CLI reaches them.

use std::process::Command;

use serde_json::Value;

use crate::variable;

/// Runs `aws lambda …` and gives what it printed.
///
/// # Panics
///
/// Panics with what it said if it failed.
pub(crate) fn lambda(arguments: &[&str]) -> String {
    let ran = Command::new("aws").arg("lambda").args(arguments).output();
    let ran = ran.expect("the AWS CLI, which make up installs");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    String::from_utf8_lossy(&ran.stdout).into_owned()
}

/// Calls one of the stack's functions, by its short name such as `recover`, and waits for its answer.
///
/// # Panics
///
/// Panics if it raised an error.
pub fn invoke(function: &str, event: &Value) {
    let name = format!("{}-{function}", variable("HOLDFAST_STACK"));
    let payload = event.to_string();
    let answer = lambda(&[
        "invoke",
        "--function-name",
        &name,
        "--payload",
        &payload,
        "--output",
        "json",
        "/dev/null",
    ]);
    assert!(!answer.contains("FunctionError"), "{function}: {answer}");
}
