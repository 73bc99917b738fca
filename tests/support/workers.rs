//! The processes that run the stack's functions, which tests find by their environment and kill.

use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{PATIENCE, variable};

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

/// Kills processes by SIGKILL, and waits until they have ended, so that the emulator sends none of
/// them another request. A process that has already ended is no error.
///
/// # Panics
///
/// Panics if a process outlives [`PATIENCE`].
pub fn kill(processes: &[String]) {
    if processes.is_empty() {
        return;
    }
    let mut kill = Command::new("kill");
    let kill = kill.arg("-KILL").args(processes).output();
    kill.expect("kill runs");
    let until = Instant::now() + PATIENCE;
    while let Some(alive) = processes.iter().find(|process| is_alive(process)) {
        assert!(Instant::now() < until, "process {alive} does not end");
        sleep(Duration::from_millis(5));
    }
}

/// True if the process can still run. One that has ended is a zombie (`Z`) until its parent asks
/// for it: proc_pid_stat(5).
fn is_alive(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state follows the name in parentheses, which may itself contain parentheses.
    let state = status.rsplit_once(") ").map(|(_, rest)| rest);
    state.is_some_and(|state| !state.starts_with(['Z', 'X']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_process_has_ended_before_its_parent_asks_for_it() {
        let child = Command::new("sleep").arg("600").spawn();
        let mut child = child.expect("sleep runs");
        let process = child.id().to_string();
        assert!(is_alive(&process));
        kill(std::slice::from_ref(&process));
        assert!(!is_alive(&process));
        child.wait().expect("it was killed");
        assert!(!is_alive(&process));
    }
}
