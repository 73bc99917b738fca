//! Checks schedules of EventBridge Scheduler: `rate(1 hour)`, `cron(0 2 * * ? *)`.

use std::ops::RangeInclusive;

use holdfast_admission::is_zone;

/// Checks that `text` is a schedule. The error is the fix.
pub(super) fn check_schedule(text: &str) -> Result<(), String> {
    let inside = |name: &str| {
        text.strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('('))
            .and_then(|rest| rest.strip_suffix(')'))
    };
    if let Some(rate) = inside("rate") {
        return check_rate(rate);
    }
    if let Some(cron) = inside("cron") {
        return check_cron(cron);
    }
    Err("rate(1 hour), or cron(0 2 * * ? *) for two o'clock every night".to_owned())
}

fn check_rate(rate: &str) -> Result<(), String> {
    let help = "rate(N unit): a whole number from 1, and minute, hour or day (minutes, hours, days from 2)";
    let (number, unit) = rate.split_once(' ').ok_or(help)?;
    let number: u32 = number.parse().map_err(|_| help)?;
    let right = match number {
        0 => false,
        1 => ["minute", "hour", "day"].contains(&unit),
        _ => ["minutes", "hours", "days"].contains(&unit),
    };
    if right { Ok(()) } else { Err(help.to_owned()) }
}

fn check_cron(cron: &str) -> Result<(), String> {
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let [minute, hour, day, month, weekday, year] = fields.as_slice() else {
        return Err(format!(
            "cron has six fields (minute, hour, day of month, month, day of week, year) and this has {}: cron(0 2 * * ? *)",
            fields.len()
        ));
    };
    let named = [
        ("minute", minute),
        ("hour", hour),
        ("day of month", day),
        ("month", month),
        ("day of week", weekday),
        ("year", year),
    ];
    for (name, field) in named {
        if !field
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_ascii_uppercase() || "*?/,-#".contains(c))
        {
            return Err(format!(
                "the {name} `{field}` has characters that cron does not know: digits, capitals and * ? / , - #"
            ));
        }
    }
    for ((name, field), within) in
        named
            .into_iter()
            .zip([0..=59, 0..=23, 1..=31, 1..=12, 1..=7, 1970..=2199])
    {
        let longest = within.end() - within.start().min(&1) + 1;
        for part in field.split(',') {
            let (place, step) = part.split_once('/').unzip();
            let place = place.unwrap_or(part);
            if let Some(step) = step.filter(|step| !lies(step, &(1..=longest))) {
                return Err(format!(
                    "the {name} `{field}` goes on in steps of {step}, which must lie between 1 and {longest}"
                ));
            }
            let mut numbers = place
                .split(|c: char| !c.is_ascii_digit())
                .filter(|number| !number.is_empty());
            if numbers.any(|number| !lies(number, &within)) {
                return Err(format!(
                    "the {name} `{field}` must lie between {} and {}",
                    within.start(),
                    within.end()
                ));
            }
        }
    }
    if (*day == "?") == (*weekday == "?") {
        return Err(
            "one of day of month and day of week must be ?, and only one: cron(0 2 * * ? *)"
                .to_owned(),
        );
    }
    Ok(())
}

fn lies(number: &str, within: &RangeInclusive<u32>) -> bool {
    number.parse().is_ok_and(|number| within.contains(&number))
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
    written && is_zone(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedules_of_eventbridge_scheduler_are_accepted() {
        for right in [
            "rate(1 hour)",
            "rate(5 minutes)",
            "cron(0 2 * * ? *)",
            "cron(0/15 8-17 ? * MON-FRI *)",
            "cron(0 9 L * ? 2027)",
            "cron(0/59 0/23 1/31 1/12 ? 2026/2)",
            "cron(0 2 ? JAN-MAR 6#3 *)",
            "cron(0 2 15W * ? *)",
        ] {
            assert_eq!(check_schedule(right), Ok(()), "{right}");
        }
        for wrong in [
            "every hour",
            "rate(1 hours)",
            "rate(2 hour)",
            "rate(0 days)",
            "rate(1h)",
            "cron(0 2 * * *)",
            "cron(0 2 * * * *)",
            "cron(60 2 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 2 32 * ? *)",
            "cron(0 2 0 * ? *)",
            "cron(0 2 1 13 ? *)",
            "cron(0 2 ? * 8 *)",
            "cron(0 2 * * ? 1969)",
            "cron(0 2,60/5 * * ? *)",
            "cron(0/75 2 * * ? *)",
            "cron(0/0 2 * * ? *)",
            "cron(0/ 2 * * ? *)",
            "cron(0 2 ? * ? *)",
            "cron(0 2 * * ? $)",
            "rate(1 hour",
            "",
        ] {
            check_schedule(wrong).expect_err(wrong);
        }
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
