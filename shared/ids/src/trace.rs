//! Trace ids: one per execution, taken from its start and sent with every request to a target. Span
//! ids: one per attempt, and per other part of a trace.
//!
//! Ids are those of W3C Trace Context; AWS X-Ray writes the same 32 digits as `1-<8>-<24>`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{digest::sha256_hex, keys::event_id};

/// The id of a trace: 32 lower-case hex digits, not all of them zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct TraceId(String);

impl TraceId {
    /// Derives the trace id of an execution that was started outside a trace. It is the first
    /// digits of the execution id, so that a repeated start has the same.
    pub fn of_execution(id: &str) -> Self {
        Self::try_from(id.get(..32).unwrap_or_default().to_owned())
            .unwrap_or_else(|_| Self(sha256_hex(id.as_bytes())[..32].to_owned()))
    }

    /// Parses the header `traceparent` (W3C Trace Context, section 3.2); `None` if it does not
    /// conform.
    pub fn from_traceparent(header: &str) -> Option<Self> {
        let mut parts = header.split('-');
        let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
        let flags = parts.next()?;
        let known = version != "ff" && (version != "00" || parts.next().is_none());
        let formed = is_hex(version, 2) && is_hex(parent, 16) && is_hex(flags, 2);
        (known && formed && !zero(parent)).then_some(())?;
        Self::try_from(trace.to_owned()).ok()
    }

    /// Parses a header of AWS X-Ray, `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…;Sampled=1`.
    pub fn from_xray(header: &str) -> Option<Self> {
        let root = header.split(';').find_map(|part| {
            let (name, value) = part.split_once('=')?;
            (name.trim() == "Root").then_some(value.trim())
        })?;
        let (time, rest) = root.strip_prefix("1-")?.split_once('-')?;
        (time.len() == 8).then_some(())?;
        Self::try_from(format!("{time}{rest}")).ok()
    }

    /// The header of AWS X-Ray that continues the trace.
    pub fn xray(&self) -> String {
        let (time, rest) = self.0.split_at(8);
        format!("Root=1-{time}-{rest}")
    }

    /// The header `traceparent` of one attempt at the effect with this effect key.
    pub fn traceparent(&self, key: &str, attempt: u32) -> String {
        format!("00-{}-{}-01", self.0, SpanId::of_attempt(key, attempt))
    }
}

/// The id of a span: 16 lower-case hex digits. It is derived from what the span is about, so that
/// the same span has the same id, however often it is exported.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SpanId(String);

impl SpanId {
    /// The span of an attempt at the effect with this effect key. A target receives it in
    /// `traceparent`, so that spans of the target are its children.
    pub fn of_attempt(key: &str, attempt: u32) -> Self {
        Self::of_text(&format!("{key}#{attempt}"))
    }

    /// The span of this kind about these parts.
    pub fn of(kind: &str, parts: &[&str]) -> Self {
        Self::of_text(&event_id(kind, parts))
    }

    fn of_text(text: &str) -> Self {
        Self(sha256_hex(text.as_bytes())[..16].to_owned())
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for TraceId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_hex(&text, 32) && !zero(&text) {
            Ok(Self(text))
        } else {
            Err("a trace id has 32 hex digits in small letters, not all of them zero")
        }
    }
}

impl From<TraceId> for String {
    fn from(id: TraceId) -> Self {
        id.0
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

fn zero(text: &str) -> bool {
    text.bytes().all(|c| c == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const W3C: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn both_headers_are_parsed_and_written() {
        let id = TraceId::from_traceparent(W3C).expect("the example of the standard");
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(id.xray(), "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736");
        assert_eq!(TraceId::from_xray(&id.xray()).as_ref(), Some(&id));
        let full = format!("Self=1-0-0;{};Parent=53995c3f42cd8ad8;Sampled=1", id.xray());
        assert_eq!(TraceId::from_xray(&full).as_ref(), Some(&id));
        let again = TraceId::from_traceparent(&id.traceparent("key", 2));
        assert_eq!(again, Some(id));
    }

    #[test]
    fn a_malformed_header_yields_no_trace_id() {
        let later = format!("01{}-more", &W3C[2..]);
        assert!(
            TraceId::from_traceparent(&later).is_some(),
            "a later version"
        );
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceId::from_traceparent(wrong), None, "{wrong}");
        }
        for wrong in [
            "",
            "Root=1",
            "Root=1-x-y",
            "Root=1-4bf92f3577-b34da6a3ce929d0e0e4736",
        ] {
            assert_eq!(TraceId::from_xray(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn each_attempt_has_its_own_span() {
        let id = TraceId::of_execution("0123456789abcdef0123456789abcdef01234567");
        assert_eq!(id.to_string(), "0123456789abcdef0123456789abcdef");
        assert_ne!(id.traceparent("key", 1), id.traceparent("key", 2));
        assert_ne!(id.traceparent("key", 1), id.traceparent("other", 1));
    }
}
