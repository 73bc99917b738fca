//! The reason that a person gives for a request or a decision: its form, and the record of it.

use holdfast_ids::reason::{REASON_MAX, reason_within};
use holdfast_ledger::Request;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    extract::{JsonBody, TenantQuery},
    principal::AuthorizedCaller,
    problem::Problem,
    route::AuthorizedRequest,
};

/// The pattern of a reason: at least one visible character, and no control characters. The hidden
/// ones are those of [`is_hidden`](holdfast_ids::names::is_hidden) that have four hex digits.
pub(crate) const REASON: &str = r"^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb][^\u0000-\u001f\u007f-\u009f]*$";

/// The body of a request that needs only a reason.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reason {
    /// The reason in your own words, without control characters.
    #[schemars(length(min = 1, max = REASON_MAX), extend("pattern" = REASON))]
    pub(crate) reason: String,
}

/// An authorized request whose body is a reason.
pub(crate) type ReasonRequest = AuthorizedRequest<TenantQuery, JsonBody<Reason>>;

/// The caller and the checked reason, as the ledger records them.
pub(crate) fn request_of(caller: &AuthorizedCaller, reason: &str) -> Result<Request, Problem> {
    Ok(Request {
        reason: reason_of(reason)?,
        by: caller.actor.clone(),
    })
}

/// The reason without surrounding space, or 400 if its form is wrong.
pub(crate) fn reason_of(reason: &str) -> Result<String, Problem> {
    short_reason_of(reason, REASON_MAX)
}

/// Like [`reason_of`], for a request whose reason has `most` characters at most.
pub(crate) fn short_reason_of(reason: &str, most: usize) -> Result<String, Problem> {
    reason_within(reason, most).map_err(Problem::bad_request)
}
