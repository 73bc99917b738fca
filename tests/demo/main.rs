//! The demo: `demo STORY FOLDER` runs a story on the running stack, shows it to a person, and puts
//! the receipt and its page into the folder. It exits 0 only if the story went as it should.

mod failures;
mod follow;
mod people;
mod scenarios;

use std::{env, process::ExitCode};

use holdfast_tests::Stack;

#[tokio::main]
async fn main() -> ExitCode {
    let story = env::args()
        .nth(1)
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "executed".to_owned());
    if story == "help" {
        say(HELP);
        return ExitCode::SUCCESS;
    }
    let stack = &Stack::from_env().await;
    let result = match story.as_str() {
        "executed" => scenarios::executed(stack).await,
        "duplicate" => scenarios::duplicate(stack).await,
        "rollback" => failures::rollback(stack).await,
        "unknown" => failures::unknown(stack).await,
        "stopped" => failures::stopped(stack).await,
        "escalate" => people::escalate(stack).await,
        unknown => {
            eprintln!("there is no scenario {unknown:?}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(evidence) => {
            say("\nIt went as it should:");
            for line in evidence.summary() {
                say(&line);
            }
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
  executed   a vendor hold that is twice answered 503, and a notification, to their receipt (the default)
  duplicate  the same start three times: one execution, two replays, one hold
  rollback   a notification is refused for good: the hold before it is released
  unknown    the answers to a hold and to its release are lost: one hold, one release
  stopped    an operator stops the state machine in the middle of a step: recovery ends the execution
  escalate   a person approves, the vendor system refuses, and a person decides on a retry
  help       this list";

/// Prints a line for the person who watches.
#[expect(clippy::print_stdout, reason = "a demo shows things")]
fn say(line: &str) {
    println!("{line}");
}
