//! The confirmation before a command that changes something.

use std::io::{IsTerminal, Write, stderr, stdin};

use clap::Args;

use crate::{output::say, report::Trouble};

/// The option that replaces the confirmation.
#[derive(Args)]
pub(crate) struct Confirmation {
    /// Do it without asking
    #[arg(long, short)]
    yes: bool,
}

impl Confirmation {
    /// Like `ask`, with words that are looked up only if no option has confirmed beforehand.
    pub(crate) fn ask_about(
        &self,
        effect: impl FnOnce() -> Result<String, Trouble>,
    ) -> Result<(), Trouble> {
        match self.yes {
            true => Ok(()),
            false => self.ask(&effect()?),
        }
    }

    /// Says what will happen, and waits for a yes. Without a terminal there is no one to ask, so
    /// that only `--yes` confirms.
    pub(crate) fn ask(&self, effect: &str) -> Result<(), Trouble> {
        if self.yes {
            return Ok(());
        }
        if !stdin().is_terminal() || !stderr().is_terminal() {
            return Err(Trouble::Unconfirmed(format!(
                "nothing was done, since only --yes confirms without a terminal:\n{effect}"
            )));
        }
        say(effect);
        let asked = write!(stderr().lock(), "Do it? [y/N] ").and_then(|()| stderr().flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| stdin().read_line(&mut answer));
        match (read, answer.trim().to_ascii_lowercase().as_str()) {
            (Ok(_), "y" | "yes") => Ok(()),
            _ => Err(Trouble::Unconfirmed("nothing was done".to_owned())),
        }
    }
}
