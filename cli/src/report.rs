//! How problems are shown: each with the source line it stands in, what is wrong, and what would be right.

use std::io::IsTerminal;

use holdfast_workflow::definition::{Problem, render};

use crate::output::{draw, say};

/// Why the command failed.
pub(crate) enum Trouble {
    /// Mistakes in files.
    Problems(Vec<InFile>),
    /// Anything else, in one message.
    Other(String),
}

/// The mistakes in one file.
pub(crate) struct InFile {
    /// Its path as people read it.
    pub(crate) file: String,
    /// Its text.
    pub(crate) source: String,
    /// In order of their places.
    pub(crate) problems: Vec<Problem>,
}

impl Trouble {
    /// Tells the person at the terminal.
    pub(crate) fn print(&self) {
        match self {
            Self::Other(message) => say(&format!("error: {message}")),
            Self::Problems(files) => {
                let colour = std::io::stderr().is_terminal();
                for file in files {
                    draw(&render(&file.file, &file.source, &file.problems, colour));
                }
                let count: usize = files.iter().map(|file| file.problems.len()).sum();
                say(&format!(
                    "{count} {}; nothing was written",
                    if count == 1 { "problem" } else { "problems" }
                ));
            }
        }
    }
}
