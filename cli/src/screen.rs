//! The screen that people read: its width, its colours, and times relative to now.

use std::{
    env,
    io::{IsTerminal, stdout},
};

use jiff::{SignedDuration, Timestamp};

/// The properties of standard output that tables depend on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    /// The number of columns; `None` if no terminal limits it.
    pub(crate) width: Option<usize>,
    /// True if colours may be used.
    pub(crate) colour: bool,
    /// The time to which other times are relative.
    pub(crate) now: Timestamp,
}

/// The meaning of a coloured text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Bad,
    Waits,
    Quiet,
}

impl Screen {
    /// Standard output as it is. Colours are used on a terminal, unless `NO_COLOR` is set
    /// (<https://no-color.org>) or the terminal is `dumb`.
    pub(crate) fn stdout() -> Self {
        let terminal = stdout().is_terminal();
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width = terminal_size::terminal_size_of(stdout());
        Self {
            width: width
                .filter(|_| terminal)
                .map(|(width, _)| width.0.into())
                .filter(|width| *width > 0),
            colour: terminal && !dumb && !is_set("NO_COLOR"),
            now: Timestamp::now(),
        }
    }

    /// `text` in the colour of its meaning. The text must be sanitized already.
    pub(crate) fn paint(&self, text: &str, tone: Option<Tone>) -> String {
        let code = match tone {
            Some(Tone::Good) => 32,
            Some(Tone::Bad) => 31,
            Some(Tone::Waits) => 33,
            Some(Tone::Quiet) => 2,
            None => return text.to_owned(),
        };
        match self.colour {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    /// A time in words, such as `3 min ago` or `in 1 h 59 min`; the date if it is more than 30 days
    /// away. Of two units, since a limit in 1 h is not one in nearly 2.
    pub(crate) fn relative(&self, at: Timestamp) -> String {
        let away = at.duration_since(self.now);
        let size = away.abs();
        let amount = match size.as_secs() {
            0..60 => "1 min".to_owned(),
            60..2_592_000 => amount(size),
            _ => return at.strftime("%Y-%m-%d").to_string(),
        };
        match (size.as_secs() < 60, away.is_negative()) {
            (true, true) => "just now".to_owned(),
            (true, false) if away == SignedDuration::ZERO => "just now".to_owned(),
            (_, true) => format!("{amount} ago"),
            (true, false) => format!("in under {amount}"),
            (false, false) => format!("in {amount}"),
        }
    }
}

/// A length of time in words, such as `4.2 s`, `17 min` or `3 days 4 h`.
pub(crate) fn length(time: SignedDuration) -> String {
    match time.as_secs() {
        ..120 => format!("{:.1} s", time.as_secs_f64()),
        _ => amount(time),
    }
}

/// Whole minutes, hours and minutes, or days and hours.
fn amount(time: SignedDuration) -> String {
    match time.as_secs() {
        ..3_600 => format!("{} min", time.as_mins()),
        3_600..172_800 => both((time.as_hours(), "h"), (time.as_mins() % 60, "min")),
        _ => both((time.as_hours() / 24, "days"), (time.as_hours() % 24, "h")),
    }
}

/// An amount in two units, or in one if nothing of the other is left.
fn both((large, unit): (i64, &str), (small, smaller): (i64, &str)) -> String {
    match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {smaller}"),
    }
}

/// The meaning of a status.
pub(crate) fn tone_of(status: &str) -> Option<Tone> {
    match status {
        "EXECUTED" | "SUCCESS" | "RESOLVED" => Some(Tone::Good),
        "FAILED" | "PARTIALLY_ROLLED_BACK" | "UNDO_FAILED" | "UNKNOWN" | "REJECTED" | "OPEN" => {
            Some(Tone::Bad)
        }
        "WAITING" | "PAUSED" | "ROLLING_BACK" | "UNDOING" | "ACKNOWLEDGED" => Some(Tone::Waits),
        "NOT_RUN" => Some(Tone::Quiet),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_has_the_unit_that_people_would_say() {
        for (ms, words) in [
            (0, "0.0 s"),
            (4_240, "4.2 s"),
            (119_900, "119.9 s"),
            (120_000, "2 min"),
            (3_600_000, "1 h"),
            (172_800_000, "2 days"),
            (31_536_000_000, "365 days"),
        ] {
            assert_eq!(length(SignedDuration::from_millis(ms)), words, "{ms}");
        }
    }

    #[test]
    fn a_time_is_relative_to_now_and_a_far_one_is_a_date() {
        let now: Timestamp = "2026-11-24T12:00:00Z".parse().expect("a time");
        let screen = Screen {
            width: None,
            colour: false,
            now,
        };
        for (at, words) in [
            ("2026-11-24T12:00:00Z", "just now"),
            ("2026-11-24T11:59:01Z", "just now"),
            ("2026-11-24T12:00:59Z", "in under 1 min"),
            ("2026-11-24T11:57:00Z", "3 min ago"),
            ("2026-11-24T13:59:59Z", "in 1 h 59 min"),
            ("2026-11-24T14:00:00Z", "in 2 h"),
            ("2026-11-23T11:00:00Z", "25 h ago"),
            ("2026-11-20T09:00:00Z", "4 days 3 h ago"),
            ("2026-10-01T12:00:00Z", "2026-10-01"),
        ] {
            assert_eq!(screen.relative(at.parse().expect("a time")), words, "{at}");
        }
    }
}
