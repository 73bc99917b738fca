//! Spans reach an OpenTelemetry collector on this machine: one trace per execution, each span once,
//! and a collector that fails costs no audit event. `opentelemetry-proto` decodes what arrives.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use holdfast_ids::{keys::ExecutionKey, trace::TraceId};
use holdfast_ledger::{Key, StepKey};
use holdfast_tests::{Queue, Stack, StreamConsumer, eventually, unique, variable};
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, any_value},
    trace::v1::{Span, span::SpanKind, status::StatusCode},
};
use serde_json::{Value, json};

use crate::decisions::{asked, decide};

/// A collector on this machine, which refuses every export until the test lets it accept.
#[derive(Clone, Default)]
struct Collector {
    accepts: Arc<AtomicBool>,
    exports: Arc<Mutex<Vec<Export>>>,
}

/// A request of OTLP/HTTP that arrived.
#[derive(Clone)]
struct Export {
    head: String,
    accepted: bool,
    spans: Vec<Span>,
}

impl Collector {
    /// Listens, and gives its address.
    fn listen(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let collector = self.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                collector.receive(stream);
            }
        });
        format!("http://{address}")
    }

    fn receive(&self, mut stream: TcpStream) {
        let Some((head, body)) = request(&mut stream) else {
            return;
        };
        let request: ExportTraceServiceRequest =
            serde_json::from_slice(&body).expect("a request of OTLP/HTTP in JSON");
        let resources = request.resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        let spans = scopes.flat_map(|scope| scope.spans).collect();
        let accepted = self.accepts.load(Ordering::SeqCst);
        let export = Export {
            head,
            accepted,
            spans,
        };
        self.exports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(export);
        let answer = match accepted {
            true => "200 OK",
            false => "503 Service Unavailable",
        };
        let _ = write!(
            stream,
            "HTTP/1.1 {answer}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\
             Connection: close\r\n\r\n{{}}"
        );
    }

    fn exports(&self) -> Vec<Export> {
        self.exports
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The spans of a trace in the exports that were accepted, or in those that were refused.
    fn spans_of(&self, trace: &str, accepted: bool) -> Vec<Span> {
        let exports = self.exports().into_iter();
        let exports = exports.filter(|export| export.accepted == accepted);
        let spans = exports.flat_map(|export| export.spans);
        spans.filter(|span| hex(&span.trace_id) == trace).collect()
    }
}

/// The head and the body of a request.
fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut request, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut buffer).unwrap_or_default();
        request.extend(&buffer[..read]);
        if let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let mut headers = head.lines().filter_map(|line| line.split_once(": "));
            let length = headers.find(|(name, _)| *name == "content-length");
            let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
            if request.len() - end - 4 >= length {
                return Some((head, request.split_off(end + 4)));
            }
        }
        if read == 0 {
            return None;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The texts and numbers among the attributes of a span.
fn attributes(span: &Span) -> BTreeMap<&str, String> {
    let text = |value: &AnyValue| match value.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        any_value::Value::IntValue(number) => Some(number.to_string()),
        _ => None,
    };
    let attributes = span.attributes.iter();
    attributes
        .filter_map(|one| Some((one.key.as_str(), text(one.value.as_ref()?)?)))
        .collect()
}

/// The sorted names of spans, with the attempt where there is one.
fn names(spans: &[Span]) -> Vec<String> {
    let name = |span: &Span| {
        let attempt = attributes(span).remove("holdfast.attempt");
        format!("{} {}", span.name, attempt.unwrap_or_default())
    };
    let mut names: Vec<_> = spans
        .iter()
        .map(|span| name(span).trim().to_owned())
        .collect();
    names.sort();
    names
}

/// Waits until the audit events of an execution have its receipt, although no collector accepts.
fn audited(queue: &Queue, id: &str) -> bool {
    let has_receipt = |events: &[Value]| {
        events
            .iter()
            .any(|one| one["subject"] == id && one["type"] == "workflow.receipt.generated")
    };
    has_receipt(&queue.drain_until(has_receipt))
}

/// Checks that the spans have one root, an ended execution, and none of the hidden texts.
fn is_a_tree_without_payloads(spans: &[Span], hidden: &[&str]) {
    let ids: BTreeSet<_> = spans.iter().map(|span| &span.span_id).collect();
    let root = spans.iter().find(|span| span.parent_span_id.is_empty());
    let root = root.expect("a first span");
    assert_eq!(root.name, "execution WF-TEST-ASKS");
    let status = root.status.as_ref().expect("it did not succeed");
    assert_eq!(status.code, StatusCode::Error as i32);
    assert_eq!(attributes(root)["holdfast.status"], "ROLLED_BACK");
    for span in spans {
        assert!(
            span.start_time_unix_nano <= span.end_time_unix_nano,
            "{span:?}"
        );
        let is_root = std::ptr::eq(span, root);
        assert!(is_root || ids.contains(&span.parent_span_id), "{span:?}");
        let text = format!("{span:?}");
        for hidden in hidden {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}

/// Checks that a target received the ids of these spans, so that its own are their children.
fn reached_targets(requests: &[Value], trace: &str, spans: &BTreeMap<String, &Span>) {
    for request in requests {
        let header = request["traceparent"].as_str().expect("a header");
        let of_trace = TraceId::from_traceparent(header).map(String::from);
        assert_eq!(of_trace.as_deref(), Some(trace));
        let id = header.split('-').nth(2).expect("a span");
        let span = spans.get(id).unwrap_or_else(|| panic!("{header}"));
        assert_eq!(span.kind, SpanKind::Client as i32);
    }
}

#[tokio::test]
async fn a_retry_a_question_and_an_undo_are_one_trace_without_a_doubled_span() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/asks.yaml"))
        .await;
    let collector = Collector::default();
    let endpoint = collector.listen();
    let variables = [("HOLDFAST_OTLP_ENDPOINT", endpoint.as_str())];
    let queue = Queue::of_audit_events(&stack.aws);
    let _consumer = StreamConsumer::begin(&stack.aws, "spans", &variables).await;

    let vendor = unique("vendor");
    for (count, status) in [(1, 503), (1, 400)] {
        let fault = json!({ "route": "POST /holds", "count": count, "kind": { "status": status }, "vendor_id": vendor });
        stack.vendor.plan(fault).await;
    }
    let input = json!({ "vendor_id": vendor });
    let id = stack
        .api
        .started("WF-TEST-ASKS", &unique("spans"), &input)
        .await;
    let question = asked(&stack.api, &id).await;
    let decided = decide(&stack.api, &question, "rollback", &id).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{receipt}");
    let waited = id.clone();
    let audited = tokio::task::spawn_blocking(move || audited(&queue, &waited));
    assert!(
        audited.await.expect("it is drained"),
        "the collector delayed audit events"
    );

    let trace = execution["trace_id"].as_str().expect("a trace").to_owned();
    let refused = eventually("an export is refused", || async {
        let refused = collector.spans_of(&trace, false);
        (!refused.is_empty())
            .then_some(refused)
            .ok_or_else(String::new)
    })
    .await;
    collector.accepts.store(true, Ordering::SeqCst);
    let spans = eventually("the trace is whole", || async {
        let spans = collector.spans_of(&trace, true);
        let root = spans
            .iter()
            .any(|span| span.name == "execution WF-TEST-ASKS");
        root.then_some(spans).ok_or_else(String::new)
    })
    .await;
    let expected = [
        "decide hold",
        "execution WF-TEST-ASKS",
        "step hold 1",
        "step hold 2",
        "step told_first 1",
        "undo hold 1",
        "undo told_first 1",
        "wait hold",
    ];
    assert_eq!(names(&spans), expected);
    let by_id: BTreeMap<_, _> = spans
        .iter()
        .map(|span| (hex(&span.span_id), span))
        .collect();
    assert_eq!(by_id.len(), spans.len(), "a span is doubled");
    for again in &refused {
        let span = by_id.get(&hex(&again.span_id));
        assert_eq!(span, Some(&again), "delivered again, it is the same span");
    }

    is_a_tree_without_payloads(&spans, &[&vendor, "seen to", "tenant-admin"]);
    let requests = stack.vendor.requests(&format!("vendor_id={vendor}")).await;
    assert!(requests.len() >= 2, "{requests:?}");
    reached_targets(&requests, &trace, &by_id);
    let heads: BTreeSet<_> = collector
        .exports()
        .into_iter()
        .map(|one| one.head)
        .collect();
    for head in heads {
        assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
        assert!(head.contains("content-type: application/json"), "{head}");
    }
}

#[tokio::test]
async fn spans_that_no_collector_takes_are_tried_again_and_dropped_when_they_are_old() {
    let stack = Stack::from_env().await;
    let collector = Collector::default();
    let endpoint = collector.listen();
    let variables = [("HOLDFAST_OTLP_ENDPOINT", endpoint.as_str())];
    let consumer = StreamConsumer::begin(&stack.aws, "spans", &variables).await;
    let vendor = unique("vendor");
    let input = crate::hold(&vendor);
    let id = stack
        .api
        .started(holdfast_tests::DELAY, &unique("spans"), &input)
        .await;
    let (execution, _) = stack.api.finished(&id).await;

    let key = Key::Step(StepKey {
        at: ExecutionKey {
            tenant: "acme".to_owned(),
            execution: id,
        },
        step: "apply_vendor_hold".to_owned(),
        item: None,
    });
    let keys = json!({ "pk": { "S": key.pk() }, "sk": { "S": key.sk() } });
    let read = json!({ "TableName": variable("HOLDFAST_LEDGER_TABLE"), "Key": keys });
    let read = stack
        .aws
        .json("dynamodb", "DynamoDB_20120810.GetItem", &read);
    let batch = |age: Duration| {
        let committed = jiff::Timestamp::now().as_second() - age.as_secs() as i64;
        json!({ "Records": [{ "dynamodb": {
            "Keys": keys, "NewImage": read["Item"], "ApproximateCreationDateTime": committed,
        } }] })
    };
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let young = stack.aws.call(&consumer.name, &batch(minutes(9)));
    assert!(young.failed, "the stream delivers it again: {}", young.body);
    let old = stack.aws.call(&consumer.name, &batch(minutes(11)));
    assert!(!old.failed, "it is dropped: {}", old.body);
    eventually("the dropped span is counted", || async {
        let counted = stack.aws.logged(&consumer.name, "spans_dropped");
        let one = counted.len() == 1 && counted[0].contains("\"spans_dropped\":1");
        one.then_some(()).ok_or_else(|| format!("{counted:?}"))
    })
    .await;

    collector.accepts.store(true, Ordering::SeqCst);
    let trace = execution["trace_id"].as_str().expect("a trace");
    for _ in 0..2 {
        let delivered = stack.aws.call(&consumer.name, &batch(minutes(0)));
        assert!(!delivered.failed, "{}", delivered.body);
    }
    let spans = collector.spans_of(trace, true).into_iter();
    let spans = spans.filter(|span| span.name == "step apply_vendor_hold");
    let spans: Vec<_> = spans.collect();
    assert!(spans.len() >= 2, "{spans:?}");
    for span in &spans {
        assert_eq!(span, &spans[0], "a repeated delivery doubles no span");
    }
    assert_eq!(
        Value::Null,
        stack.aws.call(&consumer.name, &json!({})).body["errorMessage"]
    );
}
