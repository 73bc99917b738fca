//! Errors as the command prints them: a problem with its source line, its message and its fix.

use std::io::IsTerminal;

use holdfast_workflow::definition::{Problem, render, render_warnings};

use crate::output::{draw, say};

/// The reason for which the command failed.
pub(crate) enum Trouble {
    /// Problems in files.
    Problems(Vec<InFile>),
    /// A wrong option, variable or argument.
    Usage(String),
    /// The API refused the request.
    Refused(String),
    /// The API does not answer now, and the same command can be repeated.
    Unavailable(String),
    /// The person did not confirm, so that nothing was done.
    Unconfirmed(String),
    /// Anything else, in one message.
    Other(String),
}

/// The problems in one file.
pub(crate) struct InFile {
    /// The path, as messages show it.
    pub(crate) file: String,
    /// The text of the file.
    pub(crate) source: String,
    /// The problems, in the order of their places.
    pub(crate) problems: Vec<Problem>,
}

impl InFile {
    /// Prints the problems as warnings. Returns their number.
    pub(crate) fn warn(&self) -> usize {
        if !self.problems.is_empty() {
            let colour = std::io::stderr().is_terminal();
            draw(&render_warnings(
                &self.file,
                &self.source,
                &self.problems,
                colour,
            ));
        }
        self.problems.len()
    }
}

impl Trouble {
    /// The exit code, which docs/commands.md describes.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Problems(_) | Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::Refused(_) => 3,
            Self::Unavailable(_) => 4,
            Self::Unconfirmed(_) => 5,
        }
    }

    /// Prints the reason to the person at the terminal. If the command `writes`, "nothing was
    /// written" follows the count of problems.
    pub(crate) fn print(&self, writes: bool) {
        match self {
            Self::Usage(message)
            | Self::Refused(message)
            | Self::Unavailable(message)
            | Self::Other(message) => say(&format!("error: {message}")),
            Self::Unconfirmed(message) => say(message),
            Self::Problems(files) => {
                let colour = std::io::stderr().is_terminal();
                for file in files {
                    draw(&render(&file.file, &file.source, &file.problems, colour));
                }
                let count: usize = files.iter().map(|file| file.problems.len()).sum();
                say(&format!(
                    "{count} {}{}",
                    if count == 1 { "problem" } else { "problems" },
                    if writes { "; nothing was written" } else { "" }
                ));
            }
        }
    }
}
