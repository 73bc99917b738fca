//! Output of the command: results on standard output, everything else on standard error.

use std::io::{ErrorKind, Write, stderr, stdout};

use holdfast_ids::names::{sanitize, sanitize_lines};

use crate::report::Trouble;

/// Prints one line of a result, sanitized.
pub(crate) fn line(text: &str) -> Result<(), Trouble> {
    self::text(&format!("{}\n", sanitize(text)))
}

/// Prints a result unchanged. A reader that stops early, such as `head`, is no error.
pub(crate) fn text(text: &str) -> Result<(), Trouble> {
    match stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Trouble::Other(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Prints a message for the person at the terminal, sanitized.
pub(crate) fn say(text: &str) {
    draw(&sanitize_lines(text));
}

/// Like `say`, but keeps ANSI colours. The text must be sanitized already.
pub(crate) fn draw(text: &str) {
    // A closed standard error leaves no place to report to.
    let _ = writeln!(stderr().lock(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::sanitize;

    #[test]
    fn control_characters_are_shown_as_replacement_characters() {
        let hostile = "receipts/\u{1b}]0;owned\u{7}\u{202e}\u{200b}a\r\u{9b}31m\nb";
        assert_eq!(
            sanitize(hostile),
            "receipts/\u{fffd}]0;owned\u{fffd}\u{fffd}\u{fffd}a\u{fffd}\u{fffd}31m\u{fffd}b"
        );
    }
}
