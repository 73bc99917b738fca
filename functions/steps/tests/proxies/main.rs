//! The action `http` behind real proxies, whose upstream dies, stalls and resets before and after
//! it has committed: no answer that they make is judged clean unless nothing was committed.
//!
//! The proxies are Debian's, installed by `infra/local/setup.sh checks`. Without root they run on
//! free ports, with their files in a folder of the test.

mod proxy;
mod upstream;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use holdfast_action::{AnyAction, Call, Settings, StepErrorKind};
use holdfast_steps::registry;
use serde_json::json;

use proxy::{PROXIES, Proxy};
use upstream::{Fault, Upstream};

/// Methods with an effect: first those that no proxy may send again by itself.
const METHODS: [&str; 4] = ["POST", "PATCH", "PUT", "DELETE"];

fn call(reads: bool) -> Call {
    Call {
        tenant: "acme".into(),
        execution: "ex-1".into(),
        step: "note".into(),
        attempt: 1,
        key: "key-forward".into(),
        forward_key: "key-forward".into(),
        reads,
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into(),
        time_left: Duration::from_secs(5),
    }
}

fn http(origin: &str) -> Arc<dyn AnyAction> {
    let allow = [("HOLDFAST_HTTP_ALLOW".to_owned(), origin.to_owned())];
    registry()
        .make("http", &Settings::new(allow))
        .expect("an action")
}

/// The outcome of one request through one proxy: what the step reports, and how often the upstream
/// committed.
struct Observation {
    report: String,
    clean: bool,
    commits: usize,
}

async fn send(proxy: &Proxy, upstream: &Upstream, fault: Fault, method: &str) -> Observation {
    upstream.arm(fault);
    let url = format!("{}/notes/7", proxy.origin);
    let input = json!({ "method": method, "url": url, "body": { "text": "held" } });
    let answer = http(&proxy.origin).run(&call(method == "GET"), input).await;
    let (report, clean) = match answer {
        Ok(output) => (output["status"].to_string(), false),
        Err(error) => {
            let clean = matches!(
                error.kind,
                StepErrorKind::Transient { .. } | StepErrorKind::Permanent | StepErrorKind::Missing
            );
            let what = error
                .message
                .rsplit(" answered ")
                .next()
                .unwrap_or_default();
            let status: String = what.chars().take_while(char::is_ascii_digit).collect();
            let status = if status.is_empty() { "lost" } else { &status };
            let kind = match error.kind {
                StepErrorKind::Transient { .. } => "transient",
                StepErrorKind::Unknown { .. } => "unknown",
                StepErrorKind::Permanent => "permanent",
                StepErrorKind::Missing => "missing",
            };
            (format!("{status} {kind}"), clean)
        }
    };
    Observation {
        report,
        clean,
        commits: upstream.disarm(),
    }
}

#[tokio::test]
async fn no_answer_of_a_proxy_is_judged_clean_unless_nothing_was_committed() {
    let upstream = Upstream::start();
    let mut wrong = Vec::new();
    let mut reports = BTreeMap::new();
    for make in PROXIES {
        let proxy = make(&upstream);
        for fault in Fault::ALL {
            for method in METHODS {
                let seen = send(&proxy, &upstream, fault, method).await;
                let what = format!("{} {method} {fault:?}: {}", proxy.name, seen.report);
                if seen.clean && seen.commits > 0 {
                    wrong.push(what.clone());
                }
                assert!(seen.commits <= 1, "{what}: the target commits once");
                assert!(!fault.commits() || seen.commits == 1, "{what}: it came up");
                reports.insert((proxy.name, method, fault), seen.report);
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    // Rows of docs/steps.md.
    for (proxy, method, fault, report) in [
        ("nginx", "POST", Fault::CloseAfterCommit, "502 unknown"),
        ("nginx", "POST", Fault::StallAfterCommit, "504 unknown"),
        ("nginx", "PUT", Fault::ResetAfterCommit, "409 unknown"),
        ("nginx", "DELETE", Fault::CutHeaders, "404 unknown"),
        ("nginx", "POST", Fault::CutBody, "lost unknown"),
        ("haproxy", "DELETE", Fault::CloseAfterCommit, "502 unknown"),
        (
            "haproxy, retry-on",
            "DELETE",
            Fault::StallAfterCommit,
            "404 unknown",
        ),
        ("varnish", "POST", Fault::ResetAfterCommit, "503 unknown"),
    ] {
        assert_eq!(
            reports[&(proxy, method, fault)],
            report,
            "{proxy} {method} {fault:?}"
        );
    }
}

#[tokio::test]
async fn a_read_behind_a_proxy_is_never_left_in_doubt() {
    let upstream = Upstream::start();
    for make in PROXIES {
        let proxy = make(&upstream);
        for fault in Fault::ALL {
            let seen = send(&proxy, &upstream, fault, "GET").await;
            let doubt = seen.report.ends_with("unknown");
            assert!(!doubt, "{} {fault:?}: {}", proxy.name, seen.report);
        }
    }
}
