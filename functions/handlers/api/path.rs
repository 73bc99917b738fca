//! Encodes the path and the query of an event again. API Gateway passes a decoded path, in which a
//! decoded `?`, `#`, `\` or tab would end or shorten the path. A raw character that no query allows
//! would make the address invalid.

use lambda_http::{LambdaEvent, request::LambdaRequest};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// Characters that a path must encode (RFC 3986 §3.3). `%` is not among them: reports differ on
/// whether the gateway decodes `%25`, and no name of ours has a `%`.
const NEVER_IN_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Characters that a query must encode (RFC 3986 §3.4).
const NEVER_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The event with its path and its query encoded, before an address is made of them.
pub(crate) fn encoded(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        for (text, encoded) in [
            (&mut request.raw_path, NEVER_IN_A_PATH),
            (&mut request.raw_query_string, NEVER_IN_A_QUERY),
        ] {
            if let Some(text) = text {
                *text = utf8_percent_encode(text, encoded).to_string();
            }
        }
    }
    event
}

#[cfg(test)]
mod tests {
    use lambda_http::{Context, Request};
    use serde_json::json;

    use super::*;

    /// The address of a request whose decoded path is `raw`.
    fn address_of(raw: &str) -> String {
        address(raw, "tenant=acme")
    }

    fn address(raw: &str, query: &str) -> String {
        let event = json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": raw,
            "rawQueryString": query,
            "headers": { "host": "api" },
            "requestContext": { "http": { "method": "GET", "path": raw }, "stage": "$default" },
            "isBase64Encoded": false,
        });
        let event = serde_json::from_value(event).expect("an event of the gateway");
        let event = encoded(LambdaEvent::new(event, Context::default()));
        Request::from(event.payload).uri().to_string()
    }

    #[test]
    fn a_decoded_delimiter_neither_ends_the_path_nor_removes_the_query() {
        for (raw, escape) in [
            ("?", "%3F"),
            ("#", "%23"),
            ("\\", "%5C"),
            ("\t", "%09"),
            ("\n", "%0A"),
            ("é", "%C3%A9"),
        ] {
            let raw = format!("/v1/executions/a{raw}b/redrive");
            let whole = format!("https://api/v1/executions/a{escape}b/redrive?tenant=acme");
            assert_eq!(address_of(&raw), whole);
        }
    }

    #[test]
    fn a_query_with_forbidden_characters_still_makes_an_address() {
        let whole = address("/v1/executions", "a=<\"é b\">#&c=%3C%25");
        assert_eq!(
            whole,
            "https://api/v1/executions?a=%3C%22%C3%A9%20b%22%3E%23&c=%3C%25"
        );
    }

    #[test]
    fn a_plain_path_and_an_escape_that_the_gateway_left_stay_unchanged() {
        for raw in ["/v1/executions/wf:acme-1_2.3~4", "/v1/executions/a%252Eb"] {
            assert_eq!(address_of(raw), format!("https://api{raw}?tenant=acme"));
        }
    }
}
