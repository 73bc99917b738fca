//! What the command says: results on standard output, everything else on standard error.

use std::io::{ErrorKind, Write, stderr, stdout};

use holdfast_ids::names::sanitize;

use crate::report::Trouble;

/// One line of a result.
pub(crate) fn line(text: &str) -> Result<(), Trouble> {
    self::text(&format!("{}\n", sanitize(text)))
}

/// A result, as it is. A reader that has heard enough, such as `head`, is no trouble.
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
    let lines: Vec<_> = text.split('\n').map(sanitize).collect();
    draw(&lines.join("\n"));
}

/// The same of what may colour the terminal.
pub(crate) fn draw(text: &str) {
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn what_would_steer_a_terminal_is_shown_and_not_sent() {
        let hostile = "receipts/\u{1b}]0;owned\u{7}\u{202e}\u{200b}a\r\u{9b}31m\nb";
        assert_eq!(
            sanitize(hostile),
            "receipts/\u{fffd}]0;owned\u{fffd}\u{fffd}\u{fffd}a\u{fffd}\u{fffd}31m\u{fffd}b"
        );
    }
}
