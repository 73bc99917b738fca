//! The form of the reasons that people give for requests and decisions.

use crate::names::is_hidden;

/// Longest reason of a request or a decision, in characters.
pub const REASON_MAX: usize = 500;

/// Reads the reason that a person gives for a request or a decision: the text without surrounding
/// space.
pub fn reason(text: &str) -> Result<String, String> {
    reason_within(text, REASON_MAX)
}

/// Like [`reason`], for a request whose reason has `most` characters at most.
pub fn reason_within(text: &str, most: usize) -> Result<String, String> {
    let reason = text.trim();
    let length = reason.chars().count();
    if !(1..=most).contains(&length) || reason.chars().any(char::is_control) {
        return Err(format!(
            "reason must be a text of 1 to {most} characters without control characters"
        ));
    }
    // Invisible characters belong to some scripts and emoji, so that a reason may have them.
    if reason.chars().all(|c| c.is_whitespace() || is_hidden(c)) {
        return Err("reason must have a visible character".to_owned());
    }
    Ok(reason.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_a_visible_character() {
        for invisible in [
            "\u{200b}",
            "\u{feff}",
            "\u{202e}",
            "\u{3164} \u{200b}",
            "\u{2028}",
            "\u{fffa}",
            "\u{e0041}",
        ] {
            let why = reason(invisible).expect_err("nothing is visible");
            assert!(why.starts_with("reason must"), "{invisible:?}: {why}");
        }
        let family = "\u{1f468}\u{200d}\u{1f469}";
        for visible in ["a", "a\u{200b}", family] {
            assert_eq!(reason(visible).as_deref(), Ok(visible));
        }
    }

    #[test]
    fn a_reason_that_is_empty_or_too_long_or_has_controls_is_told_its_own_limit() {
        assert_eq!(reason(" agreed "), Ok("agreed".to_owned()));
        assert!(reason_within(&"é".repeat(452), 452).is_ok());
        for wrong in ["", "  ", "a\nb", &"é".repeat(453)] {
            let why = reason_within(wrong, 452).expect_err(wrong);
            assert!(why.contains("1 to 452 characters"), "{why}");
        }
    }
}
