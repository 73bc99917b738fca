//! Times as people and clients write them.

use std::fmt;

use jiff::{Timestamp, fmt::temporal::Pieces};

/// Start of the year 0, in seconds since 1970. Texts of times between it and [`Timestamp::MAX`]
/// sort like the times.
const EARLIEST: i64 = -62_167_219_200;
/// Largest offset, 23:59 ([RFC 3339 §5.6](https://www.rfc-editor.org/rfc/rfc3339#section-5.6)).
/// `jiff` accepts offsets of up to 25:59:59.
const OFFSET_MAX_S: i32 = (23 * 60 + 59) * 60;

/// Reason why a text is not an accepted time. `Display` completes a sentence that starts with the
/// name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeError {
    /// The text is not a time with an offset.
    Syntax,
    /// The offset is a day or more.
    OffsetTooLarge,
    /// The time is before the year 0 or after [`Timestamp::MAX`].
    OutOfRange,
}

impl fmt::Display for TimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => write!(f, "must be a time such as 2026-11-24T09:00:00Z"),
            Self::OffsetTooLarge => write!(f, "must have an offset of at most 23:59"),
            Self::OutOfRange => write!(
                f,
                "must be a time from 0000-01-01T00:00:00Z to {}",
                Timestamp::MAX
            ),
        }
    }
}

/// Reads a time with an offset, such as `2026-11-24T10:00:00+01:00`.
pub fn read_time(text: &str) -> Result<Timestamp, TimeError> {
    let pieces = Pieces::parse(text).ok();
    let offset = pieces.and_then(|read| read.to_numeric_offset());
    match (text.parse::<Timestamp>(), offset) {
        (_, Some(offset)) if offset.seconds().abs() > OFFSET_MAX_S => {
            Err(TimeError::OffsetTooLarge)
        }
        (Ok(at), _) if at.as_second() >= EARLIEST => Ok(at),
        (Ok(_), _) | (Err(_), Some(_)) => Err(TimeError::OutOfRange),
        (Err(_), None) => Err(TimeError::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_bound_that_a_time_exceeds() {
        for good in [
            "9999-12-30T22:00:00.999999999Z",
            "0000-01-01T00:00:00Z",
            "2026-01-01T00:00:00+23:59",
            "2026-01-01T00:00:00-23:59",
        ] {
            assert!(read_time(good).is_ok(), "{good}");
        }
        for (text, error) in [
            ("9999-12-31T23:59:59.999999999Z", TimeError::OutOfRange),
            ("-000001-12-31T23:59:59Z", TimeError::OutOfRange),
            ("2026-01-01T00:00:00+25:00", TimeError::OffsetTooLarge),
            ("2026-01-01T00:00:00-24:00", TimeError::OffsetTooLarge),
            ("2026-01-01T00:00:00", TimeError::Syntax),
            ("yesterday", TimeError::Syntax),
        ] {
            assert_eq!(read_time(text), Err(error), "{text}");
        }
    }
}
