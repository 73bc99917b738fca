//! Hours and freezes by the clocks of a time zone, which skip an hour and repeat one.

use jiff::{
    Timestamp,
    civil::{DateTime, Weekday},
    tz::{TimeZone, TimeZoneDatabase},
};

use holdfast_task::{Day, Freeze, Hours};

/// Returns the time zone with this IANA name. It comes from the database in the program, so that
/// every computer decides alike.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZoneDatabase::bundled()
        .get(name)
        .map_err(|_| format!("there is no time zone {name}"))
}

/// Returns whether there is a time zone with this name.
pub fn is_zone(name: &str) -> bool {
    zone(name).is_ok()
}

/// Checks that an instant is within one of these hours. The error names the hours and the local
/// time.
pub fn check_hours(hours: &[Hours], now: Timestamp) -> Result<(), String> {
    let mut allowed = Vec::new();
    for span in hours {
        let there = now.to_zoned(zone(&span.zone)?);
        let today = day(there.weekday());
        let minute = there.hour() as u16 * 60 + there.minute() as u16;
        let begins = |day| span.days.contains(&day);
        let inside = if span.from < span.to {
            begins(today) && (span.from..span.to).contains(&minute)
        } else {
            (begins(today) && span.from <= minute) || (begins(today.before()) && minute < span.to)
        };
        if inside {
            return Ok(());
        }
        let days: Vec<_> = span.days.iter().map(|day| day.name()).collect();
        allowed.push(format!(
            "{} {} to {} ({}; there it is {} {})",
            days.join(" "),
            clock(span.from),
            clock(span.to),
            span.zone,
            today.name(),
            clock(minute)
        ));
    }
    Err(format!("it starts only {}", allowed.join(", or ")))
}

/// Formats minutes after midnight as `hh:mm`.
pub(super) fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn day(weekday: Weekday) -> Day {
    Day::ALL[weekday.to_monday_zero_offset() as usize]
}

/// Checks that an instant is within no freeze. The error lists the reason of each freeze.
pub fn check_freezes(freezes: &[Freeze], now: Timestamp) -> Result<(), String> {
    let mut reasons = Vec::new();
    for freeze in freezes {
        let (from, to) = freeze_span(freeze)?;
        if from <= now && now < to {
            reasons.push(format!(
                "frozen until {} ({}): {}",
                freeze.to, freeze.zone, freeze.reason
            ));
        }
    }
    match reasons.is_empty() {
        true => Ok(()),
        false => Err(reasons.join("; ")),
    }
}

/// Returns the first instant of a freeze and the first instant after it. If clocks repeat an hour,
/// the freeze begins in the first and ends in the second. If they skip an hour, it begins before
/// the gap and ends after it. So a freeze is never shorter than its author wrote.
pub fn freeze_span(freeze: &Freeze) -> Result<(Timestamp, Timestamp), String> {
    let zone = zone(&freeze.zone)?;
    let read = |text: &str| {
        let time: DateTime = text
            .parse()
            .map_err(|_| format!("{text} is not a date and time"))?;
        Ok::<_, String>(zone.to_ambiguous_timestamp(time))
    };
    let from = read(&freeze.from)?.earlier();
    let to = read(&freeze.to)?.later();
    match (from, to) {
        (Ok(from), Ok(to)) => Ok((from, to)),
        _ => Err("it is out of range".to_owned()),
    }
}
