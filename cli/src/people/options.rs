//! Options that several commands take, and the output that `--json` selects.

use clap::Args;
use holdfast_ids::{
    names::{check_text, quoted},
    reason::reason,
    time::{TimeError, read_time},
};
use holdfast_ledger::STATUSES;
use jiff::{SignedDuration, Span, Timestamp};
use serde_json::Value;

use crate::{api::Api, confirm::Confirmation, output, report::Trouble};

/// The options of a command that reads.
#[derive(Args)]
pub(super) struct ReadOptions {
    #[command(flatten)]
    pub(super) api: Api,
    /// Print the API's answer as JSON, for programs
    #[arg(long)]
    json: bool,
}

impl ReadOptions {
    /// Returns whether the output is for programs.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints an answer: as JSON, or as a text for people.
    pub(super) fn print(
        &self,
        answer: &Value,
        text: impl FnOnce() -> Result<String, Trouble>,
    ) -> Result<(), Trouble> {
        match self.json {
            true => output::text(&format!("{answer:#}\n")),
            false => output::text(&text()?),
        }
    }
}

/// The options of a list.
#[derive(Args)]
pub(super) struct ListOptions {
    /// The most rows; the pages of the API are followed until then
    #[arg(long, value_name = "N", default_value = "25",
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    #[command(flatten)]
    pub(super) read: ReadOptions,
}

impl ListOptions {
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }
}

/// The options of a command that changes something.
#[derive(Args)]
pub(super) struct ChangeOptions {
    #[command(flatten)]
    pub(super) confirmation: Confirmation,
    #[command(flatten)]
    pub(super) read: ReadOptions,
}

/// The reason for a change.
#[derive(Args)]
pub(super) struct Reason {
    /// The reason in your own words, for receipts and audit events
    #[arg(long, short, value_name = "TEXT", value_parser = reason)]
    pub(super) reason: String,
}

/// The bounds of a start's time.
#[derive(Args)]
pub(super) struct Times {
    /// Started at this time or later: RFC 3339, or an age such as 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Started at this time or earlier
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
}

impl Times {
    /// The time from the first to the last one, which is now if left out; zero without a first.
    pub(super) fn length(&self) -> SignedDuration {
        let until = self.until.unwrap_or_else(Timestamp::now);
        self.from
            .map_or(SignedDuration::ZERO, |from| until.duration_since(from))
    }

    /// The members of a query. A range that ends before it begins is wrong usage.
    pub(super) fn query(
        &self,
    ) -> Result<impl Iterator<Item = (&'static str, String)> + use<>, Trouble> {
        if let (Some(from), Some(until)) = (self.from, self.until)
            && until < from
        {
            return Err(Trouble::Usage(format!(
                "--until {until} is earlier than --from {from}: nothing is between them"
            )));
        }
        let members = [("from", self.from), ("until", self.until)];
        let given = |(name, time): (_, Option<Timestamp>)| Some((name, time?.to_string()));
        Ok(members.into_iter().filter_map(given))
    }
}

/// Reads a short text that people read on one line.
pub(super) fn short_text(text: &str) -> Result<String, String> {
    check_text("it", text).map(|()| text.to_owned())
}

/// Reads a status of executions, in capitals or not.
pub(super) fn status(text: &str) -> Result<String, String> {
    let status = text.to_uppercase();
    match STATUSES.contains(&status.as_str()) {
        true => Ok(status),
        false => Err(format!(
            "{} is no status: write one of {}",
            quoted(text),
            STATUSES.join(", ")
        )),
    }
}

/// Reads a time, or an age before now.
fn time(text: &str) -> Result<Timestamp, String> {
    moment(text, -1)
}

/// Reads a time, or a span `sign` times after now, of which the fraction of a second is cut.
pub(super) fn moment(text: &str, sign: i64) -> Result<Timestamp, String> {
    let wrong = || {
        let span = match sign {
            ..0 => "an age",
            0.. => "a time from now",
        };
        format!("it is neither a time, such as 2026-11-24T12:00:00Z, nor {span}, such as 2h or 3d")
    };
    match read_time(text) {
        Ok(time) => return Ok(time),
        Err(TimeError::Syntax) => {}
        Err(error) => return Err(format!("it {error}")),
    }
    let span: Span = text.parse().map_err(|_| wrong())?;
    let now = Timestamp::from_second(Timestamp::now().as_second()).map_err(|_| wrong())?;
    let now = now.to_zoned(jiff::tz::TimeZone::UTC);
    let span = span.checked_mul(sign).map_err(|_| wrong())?;
    let at = now.checked_add(span).map_err(|_| wrong())?;
    Ok(at.timestamp())
}

/// The list `(name, value)` of a query, without the members that are not given.
pub(super) fn given(members: &[(&'static str, &Option<String>)]) -> Vec<(&'static str, String)> {
    let members = members.iter();
    members
        .filter_map(|(name, value)| Some((*name, value.as_ref()?.clone())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_the_api_would_refuse_is_wrong_usage() {
        assert_eq!(
            reason(" agreed \u{fc}ber Mail "),
            Ok("agreed \u{fc}ber Mail".to_owned())
        );
        for wrong in ["", "  ", "two\nlines", &"x".repeat(501)] {
            let why = reason(wrong).expect_err(wrong);
            assert!(why.contains("1 to 500 characters"), "{why}");
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_wrong_usage() {
        let times = |from: &str, until: &str| Times {
            from: Some(time(from).expect(from)),
            until: Some(time(until).expect(until)),
        };
        let Err(Trouble::Usage(why)) = times("1h", "3d").query().map(Iterator::count) else {
            panic!("three days ago is earlier than an hour ago");
        };
        assert!(why.starts_with("--until "), "{why}");
        assert!(why.contains(" is earlier than --from "), "{why}");
        let fine = times("3d", "3d").query().map(Iterator::count);
        assert!(matches!(fine, Ok(2)), "a range can be one moment");
    }

    #[test]
    fn a_status_is_one_of_the_api_in_capitals_or_not() {
        assert_eq!(status("rolled_back"), Ok("ROLLED_BACK".to_owned()));
        let why = status("NOPE").expect_err("no status");
        assert!(
            why.contains("\"NOPE\" is no status: write one of RUNNING, WAITING"),
            "{why}"
        );
    }

    #[test]
    fn a_time_is_rfc_3339_or_an_age() {
        let at = time("2026-11-24T12:00:00Z").expect("a time");
        assert_eq!(at.to_string(), "2026-11-24T12:00:00Z");
        for (age, seconds) in [("2h", 7_200), ("3d", 259_200), ("90m", 5_400)] {
            let at = time(age).expect(age);
            let away = Timestamp::now().duration_since(at).as_secs();
            assert!((seconds..seconds + 60).contains(&away), "{age}: {away}");
        }
        for wrong in ["yesterday", "", "12:00", "2026-11-24T12:00:00+25:00"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        let later = moment("3d", 1).expect("a time");
        assert_eq!(later.subsec_nanosecond(), 0);
        let away = later.duration_since(Timestamp::now()).as_secs();
        assert!((259_140..=259_200).contains(&away), "{away}");
    }
}
