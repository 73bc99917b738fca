//! The panic hook of a function: it ends the process, or only the admission check that panicked.

use std::{panic, process};

use holdfast_admission::end_panicked_work;

/// Sets the hook that logs the source location of a panic and aborts the process. A panic in an
/// admission check ends only the check, which has a thread of its own.
///
/// The log line leaves out the panic's message, since it may quote a payload. Lambda answers the
/// invocation with an error and resets the environment, as after a timeout of the function
/// ([AWS](https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html)).
pub(crate) fn abort_on_panic() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string);
        tracing::error!(place, "the function panicked, which is a defect");
        end_panicked_work();
        process::abort();
    }));
}

#[cfg(test)]
mod tests {
    use std::{
        env,
        os::unix::process::ExitStatusExt,
        process::{Command, Output},
    };

    use holdfast_admission::{CheckError, bounded};

    use super::*;

    /// The variable in a process of a test that panics.
    const PANICS: &str = "HOLDFAST_TEST_PANICS";
    /// The signal of an abort.
    const SIGABRT: i32 = 6;

    /// Runs a test again in a child process that aborts at a panic. Returns nothing in the child.
    fn in_a_process(test: &str) -> Option<Output> {
        if env::var(PANICS).is_ok() {
            holdfast_aws::write_log_lines();
            abort_on_panic();
            return None;
        }
        let this = env::current_exe().expect("this program");
        let ended = Command::new(this)
            .args(["--exact", "--nocapture", &format!("panics::tests::{test}")])
            .env(PANICS, "1")
            .env_remove("RUST_LOG")
            .env_remove("AWS_LAMBDA_LOG_LEVEL")
            .output();
        Some(ended.expect("it runs"))
    }

    fn names_the_place_alone(ended: &Output) {
        let written = [&*ended.stdout, &*ended.stderr].concat();
        let written = String::from_utf8_lossy(&written);
        assert!(
            written.contains("functions/handlers/panics.rs:"),
            "{written}"
        );
        assert!(!written.contains("hunter2"), "{written}");
    }

    #[test]
    fn a_panic_ends_the_process_and_its_log_line_names_the_place_alone() {
        let this = "a_panic_ends_the_process_and_its_log_line_names_the_place_alone";
        let Some(ended) = in_a_process(this) else {
            let _ = panic::catch_unwind(|| panic!("hunter2"));
            return;
        };
        assert_eq!(ended.status.signal(), Some(SIGABRT));
        names_the_place_alone(&ended);
    }

    #[test]
    fn a_panic_in_a_check_ends_the_check_and_the_next_one_runs() {
        let this = "a_panic_in_a_check_ends_the_check_and_the_next_one_runs";
        let Some(ended) = in_a_process(this) else {
            for _ in 0..3 {
                let broken = bounded(|| -> u8 { panic!("hunter2") });
                assert!(
                    matches!(broken, Err(CheckError::Unfinished(_))),
                    "{broken:?}"
                );
                assert!(matches!(bounded(|| 3), Ok(3)));
            }
            // The test harness replaces the hook at its end, and the parked threads are inside it.
            process::exit(0);
        };
        assert!(ended.status.success(), "{:?}", ended.status);
        names_the_place_alone(&ended);
    }
}
