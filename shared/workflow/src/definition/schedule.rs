//! Checks schedules by the grammar of EventBridge Scheduler: `rate(1 hour)`, `cron(0 2 * * ? *)`.
//!
//! Sources: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html, and the lengths in
//! the API's model. What the user guide does not document is refused, because only a deployment
//! would tell whether AWS accepts it.

use std::time::{SystemTime, UNIX_EPOCH};

use holdfast_admission::is_zone;

use super::cron::{check_cron, whole};

/// Longest schedule, in characters.
const MAX_SCHEDULE: usize = 256;
/// Longest name of a time zone, in characters.
const MAX_ZONE: usize = 50;

/// Checks that `text` is a schedule that can still start something. The error is the fix.
pub(super) fn check_schedule(text: &str) -> Result<(), String> {
    check_from(text, this_year())
}

/// Returns a year that has begun and is over in no time zone.
fn this_year() -> u32 {
    const DAY_S: u64 = 86_400;
    const YEAR_S: f64 = 365.2425 * DAY_S as f64;
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = since.map_or(0, |since| since.as_secs().saturating_sub(2 * DAY_S));
    1970 + (seconds as f64 / YEAR_S) as u32
}

fn check_from(text: &str, this_year: u32) -> Result<(), String> {
    let inside = |name: &str| {
        text.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('('))
            .and_then(|rest| rest.strip_suffix(')'))
    };
    if text.chars().count() > MAX_SCHEDULE {
        return Err(format!("at most {MAX_SCHEDULE} characters"));
    }
    if let Some(rate) = inside("rate") {
        return check_rate(rate);
    }
    if let Some(cron) = inside("cron") {
        return check_cron(cron, this_year);
    }
    if inside("at").is_some() {
        return Err("a schedule recurs; what happens once is started by the API".to_owned());
    }
    Err("rate(1 hour), or cron(0 2 * * ? *) for two o'clock every night".to_owned())
}

fn check_rate(rate: &str) -> Result<(), String> {
    let help = "rate(N unit): a whole number from 1, and minute, hour or day (minutes, hours, days from 2)";
    let (number, unit) = rate.split_once(' ').ok_or(help)?;
    let right = match whole(number) {
        None | Some(0) => false,
        Some(_) if number.starts_with('0') => false,
        Some(1) => ["minute", "hour", "day"].contains(&unit),
        Some(_) => ["minutes", "hours", "days"].contains(&unit),
    };
    if right { Ok(()) } else { Err(help.to_owned()) }
}

/// Returns true if `name` is an IANA time zone, in the Scheduler's spelling.
pub(super) fn check_timezone(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_uppercase())
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_+-".contains(c))
    };
    let written = name == "UTC" || (name.contains('/') && name.split('/').all(part));
    written && name.len() <= MAX_ZONE && is_zone(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIGHT: [&str; 44] = [
        "rate(1 minute)",
        "rate(1 hour)",
        "rate(1 day)",
        "rate(5 minutes)",
        "rate(36 hours)",
        "rate(10 days)",
        "cron(0 2 * * ? *)",
        "cron(59 23 31 12 ? 2199)",
        "cron(0 0 1 1 ? 1970)",
        "cron(* * * * ? *)",
        "cron(* * ? * * *)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(*/10 * * * ? *)",
        "cron(0-30/5 * * * ? *)",
        "cron(0/59 0/23 1/31 1/12 ? 2026/2)",
        "cron(0,15,30,45 * * * ? *)",
        "cron(0 9,17 * * ? *)",
        "cron(0 9 L * ? 2027)",
        "cron(0 9 15W * ? *)",
        "cron(0 9 1W * ? *)",
        "cron(0 9 31W * ? *)",
        "cron(0 9 1,15 * ? *)",
        "cron(0 9 1-7 * ? *)",
        "cron(0 9 ? * L *)",
        "cron(0 9 ? * 6L *)",
        "cron(0 9 ? * 7L *)",
        "cron(0 2 ? JAN-MAR 6#3 *)",
        "cron(0 2 ? * 1#1 *)",
        "cron(0 2 ? * 7#5 *)",
        "cron(0 2 ? * MON *)",
        "cron(0 2 ? * SUN,SAT *)",
        "cron(0 2 ? * 2-6 *)",
        "cron(0 2 ? * MON-WED,FRI *)",
        "cron(0 2 ? JAN,APR,JUL,OCT MON *)",
        "cron(0 2 1 JAN ? *)",
        "cron(0 2 1 1/3 ? *)",
        "cron(0 2 1 FEB-NOV ? *)",
        "cron(0 2 29 2 ? *)",
        "cron(0 2 31 2,3 ? *)",
        "cron(0 2 1 * ? 2026-2030)",
        "cron(0 2 1 * ? 2026,2028)",
        "cron(00 02 01 01 ? 2026)",
        "cron(15 10 ? * 6L 2022-2023)",
        "cron(0 18 ? * MON-FRI *)",
    ];
    const WRONG: [&str; 76] = [
        "",
        "every hour",
        "hourly",
        "rate",
        "rate()",
        "rate( 1 hour)",
        "rate(1  hour)",
        "rate(1 hour )",
        "rate(1 hours)",
        "rate(2 hour)",
        "rate(0 days)",
        "rate(01 day)",
        "rate(+1 day)",
        "rate(-1 days)",
        "rate(1.5 hours)",
        "rate(1h)",
        "rate(5 seconds)",
        "rate(2 weeks)",
        "rate(5 Minutes)",
        "rate(99999999999 days)",
        "rate(1 hour",
        "Rate(1 hour)",
        "at(2026-12-24T00:00:00)",
        "cron()",
        "cron(0 2 * * *)",
        "cron(0 0 2 * * ? *)",
        "cron(0  2 * * ? *)",
        "cron( 0 2 * * ? *)",
        "cron(0 2 * * ? * )",
        "cron(0\t2 * * ? *)",
        "cron(0 2 * * * *)",
        "cron(0 2 ? * ? *)",
        "cron(0 2 1 * MON *)",
        "cron(? 2 * * ? *)",
        "cron(0 ? * * ? *)",
        "cron(0 2 * ? ? *)",
        "cron(0 2 * * ? ?)",
        "cron(60 2 * * ? *)",
        "cron(-1 2 * * ? *)",
        "cron(0 24 * * ? *)",
        "cron(0 2 32 * ? *)",
        "cron(0 2 0 * ? *)",
        "cron(0 2 1 13 ? *)",
        "cron(0 2 1 0 ? *)",
        "cron(0 2 ? * 8 *)",
        "cron(0 2 ? * 0 *)",
        "cron(0 2 * * ? 1969)",
        "cron(0 2 * * ? 2200)",
        "cron(0 2 ? * MONDAY *)",
        "cron(0 2 ? * mon *)",
        "cron(0 2 ? * JAN *)",
        "cron(0 2 1 JANUARY ? *)",
        "cron(0 2 1 MON ? *)",
        "cron(0 2,60/5 * * ? *)",
        "cron(0/75 2 * * ? *)",
        "cron(0/0 2 * * ? *)",
        "cron(0/ 2 * * ? *)",
        "cron(/5 2 * * ? *)",
        "cron(0/5/5 2 * * ? *)",
        "cron(0 2 * * ? $)",
        "cron(0, 2 * * ? *)",
        "cron(,0 2 * * ? *)",
        "cron(0 22-2 * * ? *)",
        "cron(0 2 ? * FRI-MON *)",
        "cron(1-2-3 2 * * ? *)",
        "cron(*,5 2 * * ? *)",
        "cron(0 2 LW * ? *)",
        "cron(0 2 L-3 * ? *)",
        "cron(0 2 32W * ? *)",
        "cron(0 2 1W,15W * ? *)",
        "cron(0 2 ? * 3#6 *)",
        "cron(0 2 ? * 3#1,6#3 *)",
        "cron(0 2 ? * 8#1 *)",
        "cron(0 2 ? * MON/2 *)",
        "cron(0 2 ? * FRIL *)",
        "cron(0 2 31 2,4,6 ? *)",
    ];

    #[test]
    fn a_schedule_of_the_schedulers_grammar_is_accepted_and_any_other_is_refused_with_a_fix() {
        for right in RIGHT {
            assert_eq!(check_from(right, 1970), Ok(()), "{right}");
        }
        for wrong in WRONG {
            let help = check_schedule(wrong).expect_err(wrong);
            assert!(!help.is_empty(), "{wrong}");
        }
        let long = format!("cron({} * * * ? *)", vec!["59"; 90].join(","));
        check_schedule(&long).expect_err("longer than the API takes");
    }

    #[test]
    fn a_cron_whose_years_are_over_is_refused() {
        for over in ["2020", "1970", "2020-2025", "2019,2022", "2001-2020/3"] {
            let why = check_schedule(&format!("cron(0 0 1 1 ? {over})")).expect_err(over);
            assert!(why.contains("is over"), "{why}");
        }
        for years in ["*", "2199", "2020,2199", "2020-2199", "2020/2", "*/2"] {
            assert_eq!(check_schedule(&format!("cron(0 0 1 1 ? {years})")), Ok(()));
        }
        let last = |this_year| check_from("cron(0 0 1 1 ? 2026)", this_year);
        assert_eq!(last(2026), Ok(()));
        last(2027).expect_err("it is over");
    }

    #[test]
    fn a_time_zone_has_an_area_and_a_place() {
        assert!(
            [
                "UTC",
                "Europe/Berlin",
                "America/Argentina/Buenos_Aires",
                "Etc/GMT+1"
            ]
            .into_iter()
            .all(check_timezone)
        );
        assert!(
            [
                "",
                "CET+1",
                "europe/berlin",
                "Europe/",
                "Berlin",
                "Europe/Berlni"
            ]
            .into_iter()
            .all(|name| !check_timezone(name))
        );
    }
}
