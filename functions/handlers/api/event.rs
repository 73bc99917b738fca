//! Reads the event of an invocation as a request. API Gateway does not document which characters of
//! a header it passes on, and some are none that HTTP allows.

use std::collections::BTreeMap;

use axum::{body::to_bytes, response::IntoResponse};
use lambda_http::{
    LambdaEvent,
    request::LambdaRequest,
    tower::{Service, ServiceExt},
};
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};

use crate::api::{BODY_MAX, problem::Problem};

/// The answer to an event.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum EventAnswer<R> {
    Served(R),
    Refused(Value),
}

/// Serves an event. One that is no request of HTTP is answered with 400: an error of the function
/// would be any stranger's to cause, since some routes need no token.
pub(crate) async fn serve<S>(
    service: S,
    event: LambdaEvent<Box<RawValue>>,
) -> Result<EventAnswer<S::Response>, S::Error>
where
    S: Service<LambdaEvent<LambdaRequest>>,
{
    let LambdaEvent { payload, context } = event;
    match serde_json::from_str(payload.get()) {
        Ok(request) => {
            let served = service.oneshot(LambdaEvent::new(request, context)).await;
            served.map(EventAnswer::Served)
        }
        Err(_) => {
            tracing::error!("the event is no request of HTTP");
            Ok(EventAnswer::Refused(refusal().await))
        }
    }
}

/// The answer as API Gateway reads it.
async fn refusal() -> Value {
    let why = "a header, the method or the path has a character that HTTP does not allow";
    let (parts, body) = Problem::bad_request(why).into_response().into_parts();
    let body = to_bytes(body, BODY_MAX).await.unwrap_or_default();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = parts.headers.iter();
    let mut headers: BTreeMap<_, _> = headers
        .map(|(name, value)| (name.as_str(), text(value.as_bytes())))
        .collect();
    headers.insert("cache-control", "no-store".to_owned());
    json!({ "statusCode": parts.status.as_u16(), "headers": headers, "body": text(&body) })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use lambda_http::{Context, tower::service_fn};

    use super::*;

    /// The answer to a request with this header, as API Gateway reads it.
    async fn answer(header: &str) -> Value {
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": "/v1/keys", "rawQueryString": "",
            "headers": { "host": "api", "x-a": header },
            "requestContext": { "http": { "method": "GET", "path": "/v1/keys" } },
            "isBase64Encoded": false,
        });
        let raw = serde_json::value::to_raw_value(&event).expect("JSON");
        let served = service_fn(async |_| Ok::<_, Infallible>("served"));
        let answer = serve(served, LambdaEvent::new(raw, Context::default())).await;
        serde_json::to_value(answer.expect("an answer")).expect("JSON")
    }

    #[tokio::test]
    async fn a_header_that_http_does_not_allow_is_refused_and_is_no_error_of_the_function() {
        for honest in ["a", "", "a\tb", "é"] {
            assert_eq!(answer(honest).await, json!("served"), "{honest:?}");
        }
        for hostile in ["a\u{7f}b", "a\u{1}b", "a\r\nb", "\0"] {
            let answer = answer(hostile).await;
            assert_eq!(answer["statusCode"], 400, "{hostile:?}");
            assert_eq!(answer["headers"]["cache-control"], "no-store");
            let body = answer["body"].as_str().expect("a text");
            let body: Value = serde_json::from_str(body).expect("a problem document");
            assert_eq!(body["title"], "Bad request");
        }
    }
}
