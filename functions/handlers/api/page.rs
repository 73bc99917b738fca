//! The parameters that lists share: the length of a page, its cursor and the bounds of a time.

use holdfast_aws::PageEnd;
use holdfast_ids::names::is_execution_id;
use jiff::Timestamp;

use crate::api::problem::Problem;

/// Entries on a page by default, and at most.
const LIMIT: u32 = 25;
const LIMIT_MAX: u32 = 100;

/// The years 0 to 9999, in seconds since 1970. Times in this range sort like their texts.
const EARLIEST: i64 = -62_167_219_200;
const LATEST: i64 = 253_402_300_800;

/// The length of a page that the request asks for, or 400.
pub(crate) fn limit(requested: Option<u32>) -> Result<usize, Problem> {
    let limit = requested.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let why = format!("limit must be a number from 1 to {LIMIT_MAX}");
        return Err(Problem::bad_request(why));
    }
    Ok(limit as usize)
}

/// The cursor of a place in a list: milliseconds since 1970, and an id.
pub(crate) fn cursor((at, id): &PageEnd) -> String {
    format!("{:013}-{id}", at.as_millisecond())
}

/// The place that a cursor names. It is looked up in the caller's own list only, so that a cursor
/// of another tenant reveals nothing.
pub(crate) fn place(cursor: &str) -> Result<PageEnd, Problem> {
    let read = || {
        let (at, id) = cursor.split_once('-')?;
        let digits = at.len() == 13 && at.bytes().all(|digit| digit.is_ascii_digit());
        let at = Timestamp::from_millisecond(at.parse().ok().filter(|_| digits)?).ok()?;
        is_execution_id(id).then(|| (at, id.to_owned()))
    };
    read().ok_or_else(|| Problem::bad_request("cursor must be `next` of the page before"))
}

/// The time `given` for the parameter `name`, or 400.
pub(crate) fn time(name: &str, given: &str) -> Result<Timestamp, Problem> {
    let read: Option<Timestamp> = given.parse().ok();
    let sane = read.filter(|at| (EARLIEST..LATEST).contains(&at.as_second()));
    sane.ok_or_else(|| {
        Problem::bad_request(format!(
            "{name} must be a time such as 2026-11-24T09:00:00Z (in a query a + is written %2B)"
        ))
    })
}
