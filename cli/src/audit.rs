//! `holdfast receipt audit`: audits a mirror of the receipt bucket by a folder and a key set alone.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use clap::Args;
use holdfast_ids::{
    names::{check_tenant, quoted},
    time::{TimeError, read_time},
};
use holdfast_receipt::chain::{Audit, Files, Hour, audit};
use jiff::{
    SignedDuration, Timestamp,
    civil::Date,
    tz::{Offset, TimeZone},
};

use crate::{
    output,
    receipt::{PART, key_set, read},
    report::Trouble,
};

/// The number of findings that are shown.
const SHOWN: usize = 20;

/// A range of hours.
#[derive(Args)]
pub(crate) struct Hours {
    /// The start of the range: a day (2026-11-01) or a full hour (2026-11-01T13:00:00Z)
    #[arg(long, value_name = "WHEN")]
    from: String,
    /// The end of the range: a day, which is included, or the end of an hour
    #[arg(long, value_name = "WHEN")]
    to: String,
}

impl Hours {
    pub(crate) fn range(&self) -> Result<Range<Hour>, Trouble> {
        let from = when("--from", &self.from, false).map_err(Trouble::Usage)?;
        let until = when("--to", &self.to, true).map_err(Trouble::Usage)?;
        if from >= until {
            return Err(Trouble::Usage(format!(
                "--from {} is not before --to {}",
                self.from, self.to
            )));
        }
        Ok(from..until)
    }
}

/// The mirror, the tenant and the hours to audit.
#[derive(Args)]
pub(crate) struct AuditArgs {
    /// The tenant
    #[arg(long)]
    tenant: String,
    #[command(flatten)]
    hours: Hours,
    /// The folder that `holdfast receipt mirror` or `aws s3 sync s3://BUCKET DIR` wrote
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A file with the trusted key set, which GET /v1/keys serves
    #[arg(long, value_name = "FILE")]
    jwks: PathBuf,
}

/// Audits the mirror and prints the result. Any finding is an error.
pub(crate) fn run(args: &AuditArgs) -> Result<(), Trouble> {
    check_tenant(&args.tenant).map_err(Trouble::Usage)?;
    let hours = args.hours.range()?;
    let until = hours.end;
    let due = Hour::newest_due(Timestamp::now()).next();
    let keys = key_set(&args.jwks)?;
    let mirror = Mirror::open(&args.dir).map_err(Trouble::Other)?;
    let found = audit(&mirror, &args.tenant, hours, due, &keys).map_err(|why| {
        Trouble::Other(format!(
            "{}: {why}; is it a mirror? `holdfast receipt mirror --dir {}` makes one",
            args.dir.display(),
            args.dir.display()
        ))
    })?;
    let rest = (found.hours.end < until).then(|| {
        let from = found.hours.end;
        format!("not covered: hours from {from}, whose digests are not due")
    });
    if found.findings.is_empty() {
        let text = fine(&args.tenant, &found);
        return output::text(&rest.map_or(text.clone(), |rest| format!("{text}{rest}\n")));
    }
    let mut lines = first_of(&found.findings);
    lines.extend(rest);
    Err(Trouble::Other(lines.join("\n")))
}

/// The first findings as lines, and the number of the others.
pub(crate) fn first_of<T: ToString>(all: &[T]) -> Vec<String> {
    let mut lines: Vec<_> = all.iter().take(SHOWN).map(ToString::to_string).collect();
    if all.len() > SHOWN {
        lines.push(format!("and {} more", all.len() - SHOWN));
    }
    lines
}

fn fine(tenant: &str, found: &Audit) -> String {
    let hours = &found.hours;
    let (from, until) = (hours.start.from(), hours.end.from());
    let count = until.duration_since(from).as_hours();
    let mut text = format!(
        "tenant {tenant}, {from} to {until}: {}, {}, all as they were written\n",
        counted(count as usize, "digest"),
        counted(found.receipts, "receipt"),
    );
    for kid in &found.kids {
        text.push_str(&format!("signed by {kid}\n"));
    }
    for (count, why) in [
        (found.older, "older than this range, in no digest here"),
        (found.newer, "newer than the last digest here"),
    ] {
        if count > 0 {
            text.push_str(&format!(
                "not covered: {}, {why}\n",
                counted(count, "receipt")
            ));
        }
    }
    text
}

pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The hour that starts with the day or hour in `text`. For the end of a range, a day counts as
/// included.
fn when(option: &str, text: &str, end: bool) -> Result<Hour, String> {
    let day = text
        .parse::<Date>()
        .ok()
        .filter(|_| !text.contains(['T', 't', ' ']));
    let at = match (day, read_time(text)) {
        (Some(day), _) => {
            let begins = day.to_zoned(TimeZone::fixed(Offset::UTC)).ok();
            let days = SignedDuration::from_hours(if end { 24 } else { 0 });
            begins.and_then(|begins| begins.timestamp().checked_add(days).ok())
        }
        (None, Ok(at)) => Some(at),
        (None, Err(error @ TimeError::OffsetTooLarge)) => {
            return Err(format!("{option} {} {error}", quoted(text)));
        }
        (None, Err(_)) => None,
    };
    at.and_then(Hour::from_start).ok_or_else(|| {
        format!(
            "{option} {} must be a day, such as 2026-11-01, or a full hour, such as 2026-11-01T13:00:00Z",
            quoted(text)
        )
    })
}

/// A folder whose paths are the keys of the bucket.
struct Mirror {
    root: PathBuf,
}

impl Mirror {
    fn open(root: &Path) -> Result<Self, String> {
        match fs::metadata(root) {
            Ok(found) if found.is_dir() => Ok(Self {
                root: root.to_owned(),
            }),
            Ok(_) => Err(format!("{}: not a folder", root.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!(
                "{}: no such folder; holdfast receipt mirror --dir {} makes it",
                root.display(),
                root.display()
            )),
            Err(error) => Err(format!("{}: {error}", root.display())),
        }
    }

    fn walk(&self, key: &str, found: &mut Vec<String>) -> Result<(), String> {
        let folder = self.root.join(key);
        let wrong = |error: io::Error| format!("{}: {error}", folder.display());
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(wrong)?,
        };
        for entry in entries {
            let entry = entry.map_err(wrong)?;
            let name = entry.file_name();
            let name = name
                .to_str()
                .ok_or_else(|| format!("{}: the name is not UTF-8", entry.path().display()))?;
            if entry.file_type().map_err(wrong)?.is_dir() {
                self.walk(&format!("{key}{name}/"), found)?;
            } else if !name.ends_with(PART) {
                found.push(format!("{key}{name}"));
            }
        }
        Ok(())
    }
}

impl Files for Mirror {
    fn list(&self, prefix: &str) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        self.walk(prefix, &mut found)?;
        found.sort();
        Ok(found)
    }

    fn read(&self, key: &str) -> Result<Option<Vec<u8>>, String> {
        let path = self.root.join(key);
        match fs::metadata(&path) {
            Ok(found) if found.is_file() => read(&path).map(Some),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::when;

    #[test]
    fn a_day_is_included_and_an_hour_is_whole() {
        let at = |text, end| when("--to", text, end).map(|hour| hour.to_string());
        let right = |text: &str| Ok(text.to_owned());
        assert_eq!(at("2026-11-30", false), right("2026-11-30T00:00:00Z"));
        assert_eq!(at("2026-11-30", true), right("2026-12-01T00:00:00Z"));
        for hour in ["2026-11-30T13:00:00Z", "2026-11-30T14:00:00+01:00"] {
            assert_eq!(at(hour, true), right("2026-11-30T13:00:00Z"));
        }
    }

    #[test]
    fn an_error_for_another_text_names_both_forms() {
        for bad in [
            "",
            "yesterday",
            "2026-13-01",
            "2026-11-30T13:30:00Z",
            "2026-11-30T13:00:00",
        ] {
            let error = when("--from", bad, false).expect_err(bad);
            assert!(error.contains("2026-11-01T13:00:00Z"), "{error}");
        }
    }
}
