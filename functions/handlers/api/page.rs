//! The parameters that lists share: the length of a page, its cursor and the bounds of a time.

use holdfast_aws::PageEnd;
use holdfast_ids::{
    names::{check_tenant, is_execution_id},
    time::{TimeError, read_time},
};
use jiff::Timestamp;

use crate::api::problem::Problem;

/// Entries on a page by default, and at most.
const LIMIT: u32 = 25;
const LIMIT_MAX: u32 = 100;

/// The length of a page that the request asks for, or 400.
pub(crate) fn limit(requested: Option<u32>) -> Result<usize, Problem> {
    let limit = requested.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let why = format!("limit must be a number from 1 to {LIMIT_MAX}");
        return Err(Problem::bad_request(why));
    }
    Ok(limit as usize)
}

/// The place after which a page begins: in the list of one tenant, or in the merged list of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The place in the tenant's own list.
    pub(crate) place: PageEnd,
    /// The tenant, in a merged list.
    pub(crate) tenant: Option<String>,
}

impl Cursor {
    /// The text: milliseconds since 1970, an id, and the tenant of a merged list.
    pub(crate) fn text(&self) -> String {
        let (at, id) = &self.place;
        let tenant = self.tenant.as_ref();
        let tenant = tenant.map_or_else(String::new, |tenant| format!("@{tenant}"));
        format!("{:013}-{id}{tenant}", at.as_millisecond())
    }

    /// Reads the cursor of a request. It is looked up only in lists that the caller may read, so
    /// that a cursor of another tenant reveals nothing.
    pub(crate) fn read(text: &str, ids: Ids) -> Result<Self, Problem> {
        let read = || {
            let (place, tenant) = match text.split_once('@') {
                Some((place, tenant)) => (place, Some(tenant)),
                None => (text, None),
            };
            if tenant.is_some_and(|tenant| check_tenant(tenant).is_err()) {
                return None;
            }
            let (at, id) = place.split_once('-')?;
            let digits = at.len() == 13 && at.bytes().all(|digit| digit.is_ascii_digit());
            let at = Timestamp::from_millisecond(at.parse().ok().filter(|_| digits)?).ok()?;
            ids.has(id).then(|| Self {
                place: (at, id.to_owned()),
                tenant: tenant.map(str::to_owned),
            })
        };
        read().ok_or_else(|| Problem::bad_request("cursor must be `next` of the page before"))
    }
}

/// The cursor that a request has, if it has one.
pub(crate) fn cursor(given: Option<&str>, ids: Ids) -> Result<Option<Cursor>, Problem> {
    given.map(|text| Cursor::read(text, ids)).transpose()
}

/// The kind of the ids in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// Ids of executions or incidents: 40 hex digits.
    Hex,
    /// An execution's id and a step.
    Steps,
}

/// The form of a cursor with [`Ids::Hex`].
pub(crate) const CURSOR: &str = "^[0-9]{13}-[0-9a-f]{40}(@[a-z0-9][a-z0-9-]{0,62})?$";
/// The form of a cursor with [`Ids::Steps`].
pub(crate) const STEP_CURSOR: &str =
    r"^[0-9]{13}-[0-9a-f]{40}\.[a-z][a-z0-9_]{0,59}(@[a-z0-9][a-z0-9-]{0,62})?$";

impl Ids {
    fn has(self, id: &str) -> bool {
        match self {
            Self::Hex => is_execution_id(id),
            Self::Steps => id.split_once('.').is_some_and(|(execution, step)| {
                let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
                is_execution_id(execution)
                    && (1..=60).contains(&step.len())
                    && step.starts_with(|c: char| c.is_ascii_lowercase())
                    && step.chars().all(plain)
            }),
        }
    }
}

/// The time `given` for the parameter `name`, or 400.
pub(crate) fn time(name: &str, given: &str) -> Result<Timestamp, Problem> {
    read_time(given).map_err(|error| {
        let hint = match error {
            TimeError::Syntax => " (in a query a + is written %2B)",
            TimeError::OffsetTooLarge | TimeError::OutOfRange => "",
        };
        Problem::bad_request(format!("{name} {error}{hint}"))
    })
}

/// The first and the last time of a request, if it names them. Both ends belong to the range.
pub(crate) fn times(
    from: Option<&str>,
    until: Option<&str>,
) -> Result<(Option<Timestamp>, Option<Timestamp>), Problem> {
    let from = from.map(|at| time("from", at)).transpose()?;
    let until = until.map(|at| time("until", at)).transpose()?;
    match (from, until) {
        (Some(from), Some(until)) if until < from => {
            Err(Problem::bad_request("from must not be later than until"))
        }
        times => Ok(times),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_begins_no_later_than_it_ends() {
        let (early, late) = ("2026-11-24T09:00:00Z", "2026-11-24T10:00:00+01:00");
        assert!(times(Some(early), Some(late)).is_ok(), "equal times");
        assert!(times(Some(early), None).is_ok() && times(None, None).is_ok());
        let earlier = "2026-11-24T09:59:59+01:00";
        let Err(refused) = times(Some(early), Some(earlier)) else {
            panic!("a range of no time is refused");
        };
        assert_eq!(refused.into_detail(), "from must not be later than until");
    }

    #[test]
    fn a_refused_time_is_reported_with_its_name_and_bound() {
        let why = |given: &str| time("until", given).expect_err(given).into_detail();
        assert_eq!(
            why("2026-01-01T00:00:00 01:00"),
            "until must be a time such as 2026-11-24T09:00:00Z (in a query a + is written %2B)"
        );
        assert_eq!(
            why("2026-01-01T00:00:00+25:00"),
            "until must have an offset of at most 23:59"
        );
        assert_eq!(
            why("-000001-12-31T23:59:59Z"),
            "until must be a time from 0000-01-01T00:00:00Z to 9999-12-30T22:00:00.999999999Z"
        );
    }

    #[test]
    fn a_cursor_is_read_back_from_its_text_and_any_other_text_is_refused() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        for (ids, tail) in [(Ids::Hex, ""), (Ids::Steps, ".ask_cfo")] {
            for tenant in [None, Some("acme-2".to_owned())] {
                let at = Timestamp::constant(1_759_150_800, 120_000_000);
                let cursor = Cursor {
                    place: (at, format!("{id}{tail}")),
                    tenant,
                };
                assert_eq!(Cursor::read(&cursor.text(), ids).ok(), Some(cursor));
            }
        }
        for (ids, text) in [
            (Ids::Hex, format!("1759150800120-{id}.ask")),
            (Ids::Steps, format!("1759150800120-{id}")),
            (Ids::Steps, format!("1759150800120-{id}.ask#x")),
            (Ids::Steps, format!("1759150800120-{id}.")),
            (Ids::Hex, format!("1759150800120-{id}@")),
            (Ids::Hex, format!("1759150800120-{id}@acme#EXEC")),
            (Ids::Hex, format!("175915080012-{id}")),
            (Ids::Hex, String::new()),
        ] {
            assert!(Cursor::read(&text, ids).is_err(), "{text}");
        }
    }
}
