//! The processes that run this stack's functions: found by their environment, and killed.

use std::{fs, process::Command};

use crate::variable;

/// The processes that run one of these functions, by their short names such as `begin` or `step-http`.
pub fn workers(functions: &[&str]) -> Vec<String> {
    let stack = variable("HOLDFAST_STACK");
    let endpoint = format!("AWS_ENDPOINT_URL={}", variable("AWS_ENDPOINT_URL"));
    let names: Vec<_> = functions
        .iter()
        .map(|function| format!("AWS_LAMBDA_FUNCTION_NAME={stack}-{function}"))
        .collect();
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter(|process| {
            let environment = fs::read(process.path().join("environ")).unwrap_or_default();
            let variables: Vec<_> = environment.split(|byte| *byte == 0).collect();
            let has = |text: &String| variables.contains(&text.as_bytes());
            has(&endpoint) && names.iter().any(has)
        })
        .map(|process| process.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Kills processes without a word of warning; one that is gone already is fine.
pub fn kill(processes: &[String]) {
    if processes.is_empty() {
        return;
    }
    let mut kill = Command::new("kill");
    let kill = kill.arg("-KILL").args(processes).output();
    kill.expect("kill runs");
}
