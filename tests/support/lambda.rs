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

/// Calls one of the stack's functions, by its short name such as `recover`, and gives what it answered, or the error that
/// it raised.
///
/// # Panics
///
/// Panics if the answer is no JSON.
pub fn answered(function: &str, event: &Value) -> Result<Value, Value> {
    let name = format!("{}-{function}", variable("HOLDFAST_STACK"));
    let file = std::env::temp_dir().join(unique(function));
    let (payload, to) = (event.to_string(), file.to_string_lossy());
    let said = lambda(&[
        "invoke",
        "--function-name",
        &name,
        "--payload",
        &payload,
        "--output",
        "json",
        &to,
    ]);
    let answer = fs::read(&file).expect("its answer");
    fs::remove_file(&file).expect("it goes");
    let answer = serde_json::from_slice(&answer).expect("JSON");
    if said.contains("FunctionError") {
        return Err(answer);
    }
    Ok(answer)
}

/// The same for a function that must not fail.
///
/// # Panics
///
/// Panics if it raised an error.
pub fn invoked(function: &str, event: &Value) -> Value {
    answered(function, event).unwrap_or_else(|error| panic!("{function}: {error}"))
}

/// The same where the answer tells nothing.
///
/// # Panics
///
/// Panics if it raised an error.
pub fn invoke(function: &str, event: &Value) {
    invoked(function, event);
}

/// The ARN of a function's role, by the function's full name.
pub fn function_role(name: &str) -> String {
    let query = ["--query", "Role", "--output", "text"];
    let arguments = [
        &["get-function-configuration", "--function-name", name],
        &query[..],
    ]
    .concat();
    lambda(&arguments).trim().to_owned()
}

/// A function with another value of a variable, until this goes out of scope.
pub struct Changed {
    function: String,
    variable: String,
    /// The value that it had.
    pub before: String,
    stays: bool,
}

impl Changed {
    /// Sets a variable of a function, which has a short name such as `finish`.
    ///
    /// # Panics
    ///
    /// Panics with what went wrong.
    pub fn to(function: &str, variable: &str, value: &str) -> Self {
        Self {
            function: function.to_owned(),
            variable: variable.to_owned(),
            before: set(function, variable, value),
            stays: false,
        }
    }

    /// Leaves it as it is now.
    pub fn stay(mut self) {
        self.stays = true;
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        if !self.stays {
            set(&self.function, &self.variable, &self.before);
        }
    }
}

/// Sets a variable in a function's environment, and gives the value that it had.
fn set(function: &str, name: &str, value: &str) -> String {
    let full = format!("{}-{function}", variable("HOLDFAST_STACK"));
    let about = ["--function-name", &full, "--output", "json"];
    let text = lambda(&[&["get-function-configuration"], &about[..]].concat());
    let mut configuration: Value = serde_json::from_str(&text).expect("JSON");
    let mut variables = configuration["Environment"]["Variables"].take();
    let before = variables[name].as_str().unwrap_or_default().to_owned();
    variables[name] = value.into();
    let environment = serde_json::json!({ "Variables": variables }).to_string();
    let change = [
        "update-function-configuration",
        "--environment",
        &environment,
    ];
    lambda(&[&change[..], &about[..]].concat());
    before
}
