//! The hours of the chain: when the digest of each is due, and where it is stored.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use holdfast_ids::keys::{digest_object, digest_prefix};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The time from the end of an hour until its digest is due. Every write that began within the hour
/// has ended by then.
const LATENESS: SignedDuration = SignedDuration::from_mins(15);

/// The most hours before the end of an hour at which its digest can be requested. A receipt that is
/// written afterwards joins a later digest, which looks back further than that.
pub const EARLY_HOURS: i64 = 12;

/// The most hours that one digest covers. Only the chain of a quiet tenant has digests of more than
/// one hour.
pub const SPAN_MAX: i64 = 24;

/// The most receipts that a digest lists; the others join the next one.
pub const MAX_RECEIPTS: usize = 100_000;

/// A whole hour (UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(i64);

impl Hour {
    /// The hour that contains `at`.
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_second().div_euclid(HOUR.as_secs()))
    }

    /// The hour that begins exactly at `at`.
    pub fn from_start(at: Timestamp) -> Option<Self> {
        let hour = Self::of(at);
        (hour.from() == at).then_some(hour)
    }

    /// The number of the hour since 1970, as 7 digits: the cursor of a list of digests.
    pub fn number(self) -> String {
        format!("{:07}", self.0)
    }

    /// The hour that a [`number`](Self::number) names.
    pub fn from_number(text: &str) -> Option<Self> {
        let digits = text.len() == 7 && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Self)
    }

    /// The newest hour whose digest may be written.
    pub fn newest_due(now: Timestamp) -> Self {
        Self::of(now - LATENESS).before(1)
    }

    /// The newest hour whose digest may be requested early.
    pub fn newest_early(now: Timestamp) -> Self {
        Self(Self::of(now).0 + EARLY_HOURS)
    }

    /// The start of the hour.
    pub fn from(self) -> Timestamp {
        Timestamp::from_second(self.0 * HOUR.as_secs()).unwrap_or(Timestamp::MAX)
    }

    /// The end of the hour.
    pub fn until(self) -> Timestamp {
        self.next().from()
    }

    /// The time at which the digest of the hour is due.
    pub fn due_at(self) -> Timestamp {
        self.until() + LATENESS
    }

    /// The hour after.
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The first hour that begins at `at` or later.
    pub fn not_before(at: Timestamp) -> Self {
        let hour = Self::of(at);
        if hour.from() < at { hour.next() } else { hour }
    }

    /// The hour that is `hours` hours earlier.
    pub fn before(self, hours: i64) -> Self {
        Self(self.0 - hours)
    }

    /// The object key of a tenant's digest of this hour.
    pub fn object(self, tenant: &str) -> String {
        digest_object(tenant, self.from())
    }

    /// The hour whose digest has this object key; `None` if no digest of the tenant has it.
    pub fn of_object(tenant: &str, object: &str) -> Option<Self> {
        let name = object.strip_prefix(&digest_prefix(tenant))?;
        let (day, hour) = name.strip_suffix(".json")?.rsplit_once('/')?;
        let from: Timestamp = format!("{}T{hour}:00:00Z", day.replace('/', "-"))
            .parse()
            .ok()?;
        let hour = Self::from_start(from)?;
        (hour.object(tenant) == object).then_some(hour)
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.from().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("RFC 3339")
    }

    #[test]
    fn a_digest_is_due_a_quarter_of_an_hour_after_its_hour() {
        let thirteen = Hour::of(at("2026-11-26T13:59:59Z"));
        assert_eq!(thirteen.from(), at("2026-11-26T13:00:00Z"));
        assert_eq!(thirteen.due_at(), at("2026-11-26T14:15:00Z"));
        let newest = |now| Hour::newest_due(at(now));
        assert_eq!(newest("2026-11-26T14:14:59Z"), thirteen.before(1));
        assert_eq!(newest("2026-11-26T14:15:00Z"), thirteen);
        assert_eq!(newest("2026-11-26T15:14:59Z"), thirteen);
    }

    #[test]
    fn a_number_names_the_hour_that_made_it() {
        let hour = Hour::of(at("2026-11-26T13:00:00Z"));
        assert_eq!(hour.number(), "0498805");
        assert_eq!(Hour::from_number(&hour.number()), Some(hour));
        for bad in ["", "49", "+498829", "49882\u{661}", "12345678"] {
            assert_eq!(Hour::from_number(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_object_key_of_a_digest_yields_its_hour() {
        let midnight = Hour::of(at("2026-11-26T00:00:00Z"));
        let object = midnight.object("acme");
        assert_eq!(object, "digests/acme/2026/11/26/00.json");
        assert_eq!(Hour::of_object("acme", &object), Some(midnight));
        for other in [
            "digests/globex/2026/11/26/00.json",
            "digests/acme/2026/11/26/24.json",
            "digests/acme/2026/11/26/0.json",
            "digests/acme/2026-11-26/00.json",
            "digests/acme/2026/11/26/00.txt",
            "digests/acme/00.json",
        ] {
            assert_eq!(Hour::of_object("acme", other), None, "{other}");
        }
    }

    #[test]
    fn an_hour_begins_at_full_hours_only() {
        assert!(Hour::from_start(at("2026-11-26T13:00:00Z")).is_some());
        assert!(Hour::from_start(at("2026-11-26T13:00:00.001Z")).is_none());
        assert!(Hour::from_start(at("2026-11-26T13:30:00Z")).is_none());
        let thirteen = Hour::of(at("2026-11-26T13:00:00Z"));
        assert_eq!(Hour::not_before(at("2026-11-26T13:00:00Z")), thirteen);
        assert_eq!(Hour::not_before(at("2026-11-26T12:00:01Z")), thirteen);
    }
}
