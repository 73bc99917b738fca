//! The `spans` function: it exports spans of OpenTelemetry for the changes in the ledger's stream.
//!
//! It is a consumer of the stream beside `audit`, so that a collector that fails delays no audit
//! event. If the collector refuses a batch, the stream delivers it again for ten minutes. Then its
//! spans are dropped and counted.

use std::{sync::Arc, time::Duration};

use holdfast_action::Secrets;
use holdfast_audit::{Metric, Span, SpanResource, export_request, spans};
use holdfast_aws::{Change, Deployment, DynamoLedger, SystemHost, change, report};
use holdfast_engine::Host;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{LambdaEvent, service_fn};
use percent_encoding::percent_decode_str;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde_json::{Value, json};
use tracing::{info, warn};

use crate::origins::Origins;

/// The age at which a batch that the collector does not take is dropped.
const GIVE_UP: SignedDuration = SignedDuration::from_mins(10);
/// Longest time for one export.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// The statuses after which the collector may take the same request later
/// (opentelemetry.io/docs/specs/otlp, section *Retryable Response Codes*).
const RETRYABLE: [StatusCode; 4] = [
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::BAD_GATEWAY,
    StatusCode::SERVICE_UNAVAILABLE,
    StatusCode::GATEWAY_TIMEOUT,
];

struct Exporter {
    ledger: DynamoLedger,
    client: reqwest::Client,
    url: String,
    secrets: Option<Arc<dyn Secrets>>,
    headers_secret: String,
    resource: SpanResource,
}

/// The error of an export.
enum ExportError {
    /// The collector may take the same spans later.
    Later(String),
    /// The collector does not take them.
    Never(String),
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let endpoint = deployment.variable("HOLDFAST_OTLP_ENDPOINT")?;
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(EXPORT_TIMEOUT);
    let client = match endpoint.starts_with("https:") {
        true => client,
        // Without TLS, the system's certificates need not be read.
        false => client.tls_certs_only([]),
    };
    let exporter = &Exporter {
        ledger: deployment.ledger()?,
        client: client.build()?,
        url: format!("{}/v1/traces", endpoint.trim_end_matches('/')),
        secrets: deployment.settings().secrets(),
        headers_secret: deployment
            .optional("HOLDFAST_OTLP_HEADERS_SECRET")
            .to_owned(),
        resource: SpanResource {
            stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
            region: deployment.variable("AWS_REGION")?.to_owned(),
        },
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Boxed, since the SDK's futures nest deeply.
        Box::pin(exporter.batch(&event.payload)).await
    }))
    .await
}

impl Exporter {
    /// Exports the spans of a batch. Fails if the stream must deliver the batch again.
    async fn batch(&self, batch: &Value) -> Result<Value, lambda_runtime::Error> {
        let none = Vec::new();
        let records = batch["Records"].as_array().unwrap_or(&none);
        let mut origins = Origins::new(&self.ledger);
        let (mut all, mut oldest, mut unread) = (Vec::<Span>::new(), Timestamp::MAX, 0);
        for record in records {
            // `audit` sets aside what cannot be read.
            let Ok(Some(Change {
                old,
                new,
                committed,
            })) = change(&record["dynamodb"])
            else {
                continue;
            };
            oldest = oldest.min(committed);
            // A second read that times out would outlast the function.
            if unread > 0 {
                unread += 1;
                continue;
            }
            let origin = match origins.of(&new).await {
                Ok(origin) => origin,
                Err(error) if is_young(oldest) => return Err(error.into()),
                Err(error) => {
                    warn!(reason = %error, "the execution of a change cannot be read: its spans are dropped");
                    unread += 1;
                    continue;
                }
            };
            let derived = origin.map(|origin| spans(old.as_ref(), &new, &origin));
            all.extend(derived.into_iter().flatten());
        }
        let dropped = unread
            + match self.export(&all).await {
                Ok(rejected) => rejected,
                Err(ExportError::Later(why)) if is_young(oldest) => {
                    warn!(reason = %why, "spans were not exported: the stream delivers them again");
                    return Err(why.into());
                }
                Err(ExportError::Later(why) | ExportError::Never(why)) => {
                    warn!(reason = %why, "spans are dropped");
                    all.len()
                }
            };
        if dropped > 0 {
            let counted = [(Metric::SpansDropped, dropped as i64)];
            report(
                &self.resource.stack,
                &counted,
                None,
                false,
                SystemHost.now(),
            );
        }
        info!(
            changes = records.len(),
            spans = all.len(),
            dropped,
            "spans exported"
        );
        Ok(json!({}))
    }

    /// Sends spans to the collector, and returns how many it rejected.
    async fn export(&self, spans: &[Span]) -> Result<usize, ExportError> {
        if spans.is_empty() {
            return Ok(0);
        }
        let request = self
            .client
            .post(&self.url)
            .headers(self.headers().await?)
            .header(CONTENT_TYPE, "application/json")
            .body(export_request(&self.resource, spans).to_string());
        // The address is the operator's, yet it may carry a key.
        let lost = |error: reqwest::Error| {
            ExportError::Later(format!("no answer: {}", error.without_url()))
        };
        let answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        if RETRYABLE.contains(&status) {
            return Err(ExportError::Later(format!(
                "the collector answered {status}"
            )));
        }
        if !status.is_success() {
            return Err(ExportError::Never(format!(
                "the collector answered {status}"
            )));
        }
        // A partial success must not be sent again (section *Partial Success*). A body that is not
        // JSON counts as a full success.
        let body: Value =
            serde_json::from_slice(&answer.bytes().await.map_err(lost)?).unwrap_or_default();
        Ok(rejected(&body).min(spans.len()))
    }

    /// The headers of the secret, such as `api-key=…,x-team=…`.
    async fn headers(&self) -> Result<HeaderMap, ExportError> {
        let name = &self.headers_secret;
        let Some(secrets) = self.secrets.as_ref().filter(|_| !name.is_empty()) else {
            return Ok(HeaderMap::new());
        };
        let text = secrets.get(name).await;
        let text = text.map_err(|error| ExportError::Later(error.message))?;
        headers(&text).map_err(|why| ExportError::Never(format!("secret {name}: {why}")))
    }
}

/// True while the stream shall deliver a batch again whose oldest change was committed then.
fn is_young(oldest: Timestamp) -> bool {
    SystemHost.now().duration_since(oldest) < GIVE_UP
}

/// The number of spans that the collector's answer rejects. Protobuf's JSON writes a 64-bit number
/// as a text.
fn rejected(answer: &Value) -> usize {
    let rejected = &answer["partialSuccess"]["rejectedSpans"];
    let text = rejected.as_str().and_then(|text| text.parse().ok());
    let number = text.or_else(|| rejected.as_u64()).unwrap_or_default();
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Parses headers as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value`, comma separated, values
/// escaped by percent (opentelemetry.io/docs/specs/otel/protocol/exporter).
fn headers(text: &str) -> Result<HeaderMap, &'static str> {
    let mut headers = HeaderMap::new();
    let entries = text.split(',').map(str::trim);
    for entry in entries.filter(|entry| !entry.is_empty()) {
        let (name, value) = entry
            .split_once('=')
            .ok_or("write headers as name=value, comma separated")?;
        let name = HeaderName::from_bytes(name.trim().as_bytes());
        let name = name.map_err(|_| "a name is no valid header name")?;
        let value: Vec<u8> = percent_decode_str(value.trim()).collect();
        let value = HeaderValue::from_bytes(&value);
        let mut value = value.map_err(|_| "a value is no valid header value")?;
        value.set_sensitive(true);
        headers.append(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_open_telemetry_writes_them() {
        let read = headers("api-key=abc%3D%2C1, x-team = pay ,").expect("two headers");
        assert_eq!(read["api-key"], "abc=,1");
        assert_eq!(read["x-team"], "pay");
        assert!(!format!("{read:?}").contains("abc"), "no log shows a value");
        for wrong in ["Bearer abc", "a b=c", "a=%0A"] {
            let why = headers(wrong).expect_err(wrong);
            assert!(!why.contains("abc"), "{why}");
        }
    }

    #[test]
    fn a_collector_says_how_many_spans_it_rejected_as_text_or_number() {
        for (answer, expected) in [
            (json!({}), 0),
            (json!({ "partialSuccess": {} }), 0),
            (json!({ "partialSuccess": { "rejectedSpans": "3" } }), 3),
            (json!({ "partialSuccess": { "rejectedSpans": 3 } }), 3),
            (json!("ok"), 0),
        ] {
            assert_eq!(rejected(&answer), expected, "{answer}");
        }
    }
}
