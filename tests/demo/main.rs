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
        say(HELP.trim_end());
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
            eprint!("there is no scenario {unknown:?}\n{HELP}");
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

/// The list of scenarios, which infra/local/demo.sh prints too.
const HELP: &str = include_str!("scenarios.txt");

/// Prints a line for the person who watches.
#[expect(clippy::print_stdout, reason = "a demo shows things")]
fn say(line: &str) {
    println!("{line}");
}
