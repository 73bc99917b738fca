//! A person's or program's request, as the rules record it.

/// The requester and the reason of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The person or program, as its token names it.
    pub by: String,
    /// The reason, in the requester's own words.
    pub reason: String,
}
