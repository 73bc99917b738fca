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

/// Stops processes by SIGSTOP, so that none of them answers until it is killed.
///
/// # Panics
///
/// Panics if one of them has ended, or if there is none.
pub fn stop(processes: &[String]) {
    assert!(signal("-STOP", processes), "{processes:?} do not all stop");
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
    signal("-KILL", processes);
    let until = Instant::now() + PATIENCE;
    while let Some(alive) = processes.iter().find(|process| is_alive(process)) {
        assert!(Instant::now() < until, "process {alive} does not end");
        sleep(Duration::from_millis(5));
    }
}

/// Sends a signal to processes. Returns whether each of them got it.
fn signal(signal: &str, processes: &[String]) -> bool {
    let mut kill = Command::new("kill");
    let sent = kill.arg(signal).args(processes).output();
    sent.expect("kill runs").status.success()
}

/// True if the process has not ended for its parent. One that has is a zombie (`Z`) until its
/// parent asks for it: proc_pid_stat(5). A killed process is a zombie while its other threads still
/// end, and its parent, the emulator, learns of the end after the last of them: waitpid(2).
fn is_alive(process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The state follows the name in parentheses, which may itself contain parentheses.
    let state = status.rsplit_once(") ").map(|(_, rest)| rest);
    let threads = fs::read_dir(format!("/proc/{process}/task")).map_or(0, Iterator::count);
    threads > 1 || state.is_some_and(|state| !state.starts_with(['Z', 'X']))
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

    #[test]
    fn a_process_whose_first_thread_alone_has_ended_is_alive() {
        let script = "import ctypes, threading, time\n\
                      threading.Thread(target=time.sleep, args=(600,)).start()\n\
                      ctypes.CDLL(None).pthread_exit(None)";
        let child = Command::new("python3").args(["-c", script]).spawn();
        let mut child = child.expect("python3 runs");
        let process = child.id().to_string();
        let status = || fs::read_to_string(format!("/proc/{process}/stat")).expect("a process");
        let until = Instant::now() + PATIENCE;
        while !status().contains(") Z ") {
            assert!(Instant::now() < until, "the first thread does not end");
            sleep(Duration::from_millis(5));
        }
        assert!(is_alive(&process));
        assert!(child.try_wait().expect("a child").is_none());
        kill(std::slice::from_ref(&process));
        assert!(child.try_wait().expect("a child").is_some());
    }
}
