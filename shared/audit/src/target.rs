//! The target of an attempt, as metrics and spans name it.

use holdfast_ledger::StepRecord;
use holdfast_task::payload::Payload;

/// The action whose input has the address of its target.
const HTTP: &str = "http";
/// Longest name of a target, in bytes, which is that of a DNS name (RFC 1035, section 2.3.4).
const TARGET_MAX: usize = 255;

/// The target of an attempt at a step: the host of the action `http`, else the action's name.
pub(crate) fn target_of(step: &StepRecord, action: &str) -> String {
    named(action, &step.input)
}

/// The target of an attempt at its undo.
pub(crate) fn undo_target_of(step: &StepRecord, action: &str) -> String {
    named(action, step.undo_input.as_ref().unwrap_or(&step.input))
}

/// A definition writes the host literally, so that an input cannot make a target of its own
/// (docs/decisions/0068-an-address-is-literal-and-its-parts-are-escaped.md). A stored input is not
/// read for it.
fn named(action: &str, input: &Payload) -> String {
    let host = match input {
        Payload::Inline { value, .. } if action == HTTP => value["url"].as_str().and_then(host_of),
        _ => None,
    };
    host.unwrap_or_else(|| action.to_owned())
}

/// The host of an address, with the port if the address has one.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    (!host.is_empty() && host.len() <= TARGET_MAX && host.chars().all(is_name))
        .then(|| host.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_the_host_of_an_address_without_path_query_or_user() {
        for (url, host) in [
            (
                "https://API.example.com/v1/x?key=secret",
                Some("api.example.com"),
            ),
            ("http://127.0.0.1:4600", Some("127.0.0.1:4600")),
            ("http://[::1]:4600/x", Some("[::1]:4600")),
            (
                "https://user:secret@api.example.com#x",
                Some("api.example.com"),
            ),
            ("https://a b/", None),
            ("https:///x", None),
            ("api.example.com", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
        assert_eq!(host_of(&format!("https://{}/", "a".repeat(256))), None);
    }
}
