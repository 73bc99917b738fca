//! Checks the fields of a cron by the grammar of EventBridge Scheduler.
//!
//! Source: docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html.

use std::ops::RangeInclusive;

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];
/// The first is day 1.
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// The most days of each month.
const MONTH_DAYS: [u32; 12] = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/// One of the six fields of a cron.
struct CronField {
    name: &'static str,
    within: RangeInclusive<u32>,
    /// Names of the numbers, from the first of `within`.
    names: &'static [&'static str],
    kind: FieldKind,
}

/// Values that a field can hold besides `*`, numbers, ranges and steps.
#[derive(PartialEq)]
enum FieldKind {
    Plain,
    /// Also `?`, `L` for the month's last day, and `15W` for the weekday nearest to a day.
    DayOfMonth,
    /// Also `?`, `L` for Saturday, `6L` for the month's last Friday, and `6#3` for its third. It
    /// has no steps.
    DayOfWeek,
}

const FIELDS: [CronField; 6] = [
    CronField {
        name: "minute",
        within: 0..=59,
        names: &[],
        kind: FieldKind::Plain,
    },
    CronField {
        name: "hour",
        within: 0..=23,
        names: &[],
        kind: FieldKind::Plain,
    },
    CronField {
        name: "day of month",
        within: 1..=31,
        names: &[],
        kind: FieldKind::DayOfMonth,
    },
    CronField {
        name: "month",
        within: 1..=12,
        names: &MONTHS,
        kind: FieldKind::Plain,
    },
    CronField {
        name: "day of week",
        within: 1..=7,
        names: &WEEKDAYS,
        kind: FieldKind::DayOfWeek,
    },
    CronField {
        name: "year",
        within: 1970..=2199,
        names: &[],
        kind: FieldKind::Plain,
    },
];

/// Checks the six fields of a cron. A schedule whose last year lies before `this_year` never starts
/// anything. The error is the fix.
pub(super) fn check_cron(cron: &str, this_year: u32) -> Result<(), String> {
    let fields: Vec<&str> = cron.split(' ').collect();
    let [_, _, day, month, weekday, years] = fields.as_slice() else {
        return Err(format!(
            "cron has six fields (minute, hour, day of month, month, day of week, year), one space \
             between them, and this has {}: cron(0 2 * * ? *)",
            fields.len()
        ));
    };
    for (field, text) in FIELDS.iter().zip(&fields) {
        field
            .check(text)
            .map_err(|why| format!("the {} `{text}` {why}", field.name))?;
    }
    if (*day == "?") == (*weekday == "?") {
        return Err(
            "one of day of month and day of week must be ?, and only one: cron(0 2 * * ? *)"
                .to_owned(),
        );
    }
    if last_year(years) < this_year {
        return Err(format!(
            "the year `{years}` is over, so that it would never start: write * or a later year"
        ));
    }
    match occurs(day, month) {
        true => Ok(()),
        false => Err(format!("no month among `{month}` has a day `{day}`")),
    }
}

/// Returns the last year of a field that is checked. Steps without an end last to the last year.
fn last_year(years: &str) -> u32 {
    let last = |part: &str| {
        let (place, step) = part.split_once('/').unwrap_or((part, ""));
        match place.split_once('-') {
            Some((_, to)) => whole(to),
            None if step.is_empty() => whole(place),
            None => None,
        }
        .unwrap_or(*FIELDS[5].within.end())
    };
    years.split(',').map(last).max().unwrap_or_default()
}

impl CronField {
    /// The error is what follows the field's name in a sentence.
    fn check(&self, text: &str) -> Result<(), String> {
        let alone = self.is_alone(text);
        if text == "*" || alone {
            return Ok(());
        }
        text.split(',').try_for_each(|part| match part {
            "*" => Err("has * beside other values: * alone means every one".to_owned()),
            _ if self.is_alone(part) => Err(format!("has `{part}` beside other values")),
            _ => self.check_part(part),
        })
    }

    /// Returns true for what a field holds as its only value.
    fn is_alone(&self, text: &str) -> bool {
        let number = |text: &str| whole(text).is_some_and(|number| self.within.contains(&number));
        match self.kind {
            FieldKind::Plain => false,
            FieldKind::DayOfMonth => {
                ["?", "L"].contains(&text) || text.strip_suffix('W').is_some_and(number)
            }
            FieldKind::DayOfWeek => {
                let nth = |(day, nth): (&str, &str)| {
                    number(day) && whole(nth).is_some_and(|nth| (1..=5).contains(&nth))
                };
                ["?", "L"].contains(&text)
                    || text.strip_suffix('L').is_some_and(number)
                    || text.split_once('#').is_some_and(nth)
            }
        }
    }

    /// Checks a value, a range or either with a step.
    fn check_part(&self, part: &str) -> Result<(), String> {
        let (place, step) = match part.split_once('/') {
            Some((place, step)) => (place, Some(step)),
            None => (part, None),
        };
        if let Some(step) = step {
            let most = self.within.end() - self.within.start().min(&1) + 1;
            if self.kind == FieldKind::DayOfWeek {
                return Err("has steps, which days of the week lack: MON,WED,FRI".to_owned());
            }
            if !whole(step).is_some_and(|step| (1..=most).contains(&step)) {
                return Err(format!(
                    "has steps of `{step}`, which must lie between 1 and {most}"
                ));
            }
        }
        if place == "*" && step.is_some() {
            return Ok(());
        }
        let Some((from, to)) = place.split_once('-') else {
            return self.value(place).map(drop);
        };
        let (from, to) = (self.value(from)?, self.value(to)?);
        match from <= to {
            true => Ok(()),
            false => Err(format!(
                "has the range `{place}` from the later to the earlier: split it at the end, such as {}-{},{}-{to}",
                from,
                self.within.end(),
                self.within.start()
            )),
        }
    }

    /// Returns the number of a value.
    fn value(&self, text: &str) -> Result<u32, String> {
        let (first, last) = (self.within.start(), self.within.end());
        let named = self.names.iter().position(|name| *name == text);
        if let Some(index) = named {
            return Ok(first + u32::try_from(index).unwrap_or_default());
        }
        match whole(text) {
            Some(number) if self.within.contains(&number) => Ok(number),
            _ if self.names.is_empty() => Err(format!("must lie between {first} and {last}")),
            _ => Err(format!(
                "must lie between {first} and {last}, or {} and {}",
                self.names[0],
                self.names[self.names.len() - 1]
            )),
        }
    }
}

/// Returns a number that is written as digits alone.
pub(super) fn whole(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Returns false if no listed day lies in any listed month. Other forms than lists are not judged.
fn occurs(day: &str, month: &str) -> bool {
    let days: Option<Vec<u32>> = day.split(',').map(whole).collect();
    let months: Option<Vec<u32>> = month
        .split(',')
        .map(|text| FIELDS[3].value(text).ok())
        .collect();
    let (Some(days), Some(months)) = (days, months) else {
        return true;
    };
    let last = |month: u32| MONTH_DAYS[(month as usize - 1).min(11)];
    days.iter()
        .any(|day| months.iter().any(|month| *day <= last(*month)))
}
