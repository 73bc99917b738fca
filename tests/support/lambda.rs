//! The stack's functions as the AWS CLI reaches them.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{unique, variable};

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
    invoked(function, event);
}

/// The same, and gives its answer.
///
/// # Panics
///
/// Panics if it raised an error, or answered no JSON.
pub fn invoked(function: &str, event: &Value) -> Value {
    let file = std::env::temp_dir().join(unique(function));
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
        file.to_str().expect("a path"),
    ]);
    assert!(!answer.contains("FunctionError"), "{function}: {answer}");
    let answer = fs::read(&file).expect("its answer");
    fs::remove_file(&file).expect("it goes");
    serde_json::from_slice(&answer).expect("JSON")
}
