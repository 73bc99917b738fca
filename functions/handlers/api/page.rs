//! Pages of a list: how long they are, and the cursor that says where the next one begins.

use holdfast_aws::Place;
use holdfast_core::names::is_execution_id;
use jiff::Timestamp;

use crate::api::problem::Problem;

/// Things on a page where the request does not say, and at most.
const LIMIT: u32 = 25;
const LIMIT_MAX: u32 = 100;

/// How many things a page may hold.
pub(crate) fn limit(asked: Option<u32>) -> Result<usize, Problem> {
    let limit = asked.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let why = format!("limit is a number from 1 to {LIMIT_MAX}");
        return Err(Problem::bad_request(why));
    }
    Ok(limit as usize)
}

/// A place in a list, as clients hand it back: milliseconds since 1970, and an id.
pub(crate) fn cursor((at, id): &Place) -> String {
    format!("{:013}-{id}", at.as_millisecond())
}

/// The place that a cursor names. It is looked for in the caller's own list, whoever made it.
pub(crate) fn place(cursor: &str) -> Result<Place, Problem> {
    let read = || {
        let (at, id) = cursor.split_once('-')?;
        let digits = at.len() == 13 && at.bytes().all(|digit| digit.is_ascii_digit());
        let at = Timestamp::from_millisecond(at.parse().ok().filter(|_| digits)?).ok()?;
        is_execution_id(id).then(|| (at, id.to_owned()))
    };
    read().ok_or_else(|| Problem::bad_request("cursor is what `next` of the page before said"))
}
