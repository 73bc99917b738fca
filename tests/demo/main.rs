//! The demo: runs a story on the running stack and shows it to a person; exits 0 only if it went as it should.

mod follow;
mod scenarios;

use std::{env, process::ExitCode};

use holdfast_tests::Stack;

#[tokio::main]
async fn main() -> ExitCode {
    let asked = env::args()
        .nth(1)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "executed".to_owned());
    let result = match asked.as_str() {
        "executed" => scenarios::executed(&Stack::from_env().await).await,
        "duplicate" => scenarios::duplicate(&Stack::from_env().await).await,
        "help" => {
            say(HELP);
            return ExitCode::SUCCESS;
        }
        unknown => {
            eprintln!("there is no scenario {unknown:?}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => {
            say("\nIt went as it should.");
            ExitCode::SUCCESS
        }
        Err(differed) => {
            eprintln!("\nIt did not go as it should: {differed}");
            ExitCode::FAILURE
        }
    }
}

const HELP: &str = "\
make demo SCENARIO=…
  executed   a vendor hold whose target fails twice, and a notification, to their receipt (the default)
  duplicate  the same start three times: one execution, two replays, one hold
  help       this list";

/// A line for the person who watches.
#[expect(clippy::print_stdout, reason = "a demo shows things")]
fn say(line: &str) {
    println!("{line}");
}
