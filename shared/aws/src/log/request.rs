//! The log line of a request to the API.

use holdfast_ids::trace::TraceId;
use tracing::info;

/// The fields of the log line of a request: never a body, a key or a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RequestLine<'a> {
    /// The method.
    pub method: &'a str,
    /// The route's pattern.
    pub route: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// The tenant that the request is about.
    pub tenant: Option<&'a str>,
    /// The execution that the path names.
    pub execution: Option<&'a str>,
    /// The incident that the path names.
    pub incident: Option<&'a str>,
    /// The bulk that the path names.
    pub bulk: Option<&'a str>,
    /// The trace that the caller sent.
    pub trace: Option<TraceId>,
    /// The milliseconds from the request to its answer.
    pub milliseconds: u64,
}

/// Logs an answered request. A field without a value is left out.
pub fn log_request(line: &RequestLine<'_>) {
    info!(
        method = line.method,
        route = line.route,
        status = line.status,
        tenant = line.tenant,
        execution = line.execution,
        incident = line.incident,
        bulk = line.bulk,
        trace = line.trace.as_ref().map(tracing::field::display),
        milliseconds = line.milliseconds,
        "request answered"
    );
}
