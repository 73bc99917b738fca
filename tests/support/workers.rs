//! The processes that run the stack's functions, which tests find by their environment and kill.

use std::{fs, process::Command};

use crate::variable;

/// The ids of the processes that run one of these functions, which have short names such as
/// `begin` or `step-http`.
pub fn workers(functions: &[&str]) -> Vec<String> {
    let stack = variable("HOLDFAST_STACK");
    let endpoint = format!("AWS_ENDPOINT_URL={}", variable("HOLDFAST_HOP"));
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

/// Kills processes by SIGKILL. A process that has already ended is no error.
pub fn kill(processes: &[String]) {
    if processes.is_empty() {
        return;
    }
    let mut kill = Command::new("kill");
    let kill = kill.arg("-KILL").args(processes).output();
    kill.expect("kill runs");
}
