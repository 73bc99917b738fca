//! Parses and formats durations: `30s`, `15m`, `2h`, `7d`.

use std::ops::RangeInclusive;

/// Returns the seconds in `text`: a whole number and one of the units s, m, h, d.
pub(super) fn parse_seconds(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    if !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(factor)
}

/// Formats `seconds` in the largest unit that is exact.
pub(crate) fn show_seconds(seconds: u64) -> String {
    let (factor, unit) = [(24 * 60 * 60, 'd'), (60 * 60, 'h'), (60, 'm')]
        .into_iter()
        .find(|(factor, _)| seconds > 0 && seconds.is_multiple_of(*factor))
        .unwrap_or((1, 's'));
    format!("{}{unit}", seconds / factor)
}

/// Names durations within `range`, for the help of a problem.
pub(super) fn examples(range: &RangeInclusive<u64>) -> String {
    let fitting = ["30s", "15m", "2h", "7d"].into_iter();
    let fitting = fitting.filter(|text| parse_seconds(text).is_some_and(|is| range.contains(&is)));
    let fitting: Vec<_> = fitting.collect();
    match fitting.split_last() {
        None => show_seconds(*range.start()),
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_durations_lie_within_their_range() {
        for (range, words) in [
            (1..=604_800, "30s, 15m, 2h or 7d"),
            (1..=840, "30s"),
            (300..=86_400, "15m or 2h"),
            (180..=270, "3m"),
        ] {
            assert_eq!(examples(&range), words, "{range:?}");
        }
    }

    #[test]
    fn a_duration_is_a_whole_number_and_a_unit() {
        for (text, seconds) in [
            ("30s", 30),
            ("15m", 900),
            ("2h", 7200),
            ("7d", 604_800),
            ("0s", 0),
        ] {
            assert_eq!(parse_seconds(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "s",
            "30",
            "1.5s",
            "-1s",
            "+1s",
            " 1s",
            "1w",
            "1é",
            "99999999999999999999d",
        ] {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_reads_as_it_was_written() {
        for text in ["30s", "15m", "2h", "7d", "90s", "0s"] {
            assert_eq!(parse_seconds(text).map(show_seconds).as_deref(), Some(text));
        }
    }
}
