//! What the command says: results on standard output, everything else on standard error.

use std::io::{ErrorKind, Write, stderr, stdout};

use crate::report::Trouble;

/// One line of a result.
pub(crate) fn line(text: &str) -> Result<(), Trouble> {
    self::text(&format!("{text}\n"))
}

/// A result. A reader that has heard enough, such as `head`, is no trouble.
pub(crate) fn text(text: &str) -> Result<(), Trouble> {
    match stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Trouble::Other(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// A word to the person at the terminal.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(stderr().lock(), "{text}");
}
