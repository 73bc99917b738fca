//! The path and the query of a request as their caller meant them: the gateway hands a path over decoded, and a decoded
//! `?`, `#`, `\` or tab must not be read as the end of it, or as less of it; what no query has as it is would be no address.

use lambda_http::{LambdaEvent, request::LambdaRequest};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

/// What no path has as it is (RFC 3986 §3.3). `%` is not among them: by some accounts the gateway leaves `%25` as it came,
/// by others it does not, and no name of ours has one.
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

/// What no query has as it is (RFC 3986 §3.4).
const NEVER_IN_A_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');

/// The event with its path encoded again, and whatever was not in its query, before an address is made of them.
pub(crate) fn encoded(mut event: LambdaEvent<LambdaRequest>) -> LambdaEvent<LambdaRequest> {
    if let LambdaRequest::ApiGatewayV2(request) = &mut event.payload {
        for (text, never) in [
            (&mut request.raw_path, NEVER_IN_A_PATH),
            (&mut request.raw_query_string, NEVER_IN_A_QUERY),
        ] {
            if let Some(text) = text {
                *text = utf8_percent_encode(text, never).to_string();
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
    fn asked(raw: &str) -> String {
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
    fn a_decoded_delimiter_ends_no_path_and_takes_no_query_away() {
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
            assert_eq!(asked(&raw), whole);
        }
    }

    #[test]
    fn a_query_with_what_no_query_has_is_an_address_all_the_same() {
        let whole = address("/v1/executions", "a=<\"é b\">#&c=%3C%25");
        assert_eq!(
            whole,
            "https://api/v1/executions?a=%3C%22%C3%A9%20b%22%3E%23&c=%3C%25"
        );
    }

    #[test]
    fn a_path_in_no_need_of_it_and_an_escape_that_the_gateway_left_are_as_they_came() {
        for raw in ["/v1/executions/wf:acme-1_2.3~4", "/v1/executions/a%252Eb"] {
            assert_eq!(asked(raw), format!("https://api{raw}?tenant=acme"));
        }
    }
}
