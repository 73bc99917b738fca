//! The action `http` behind real proxies, whose upstream dies, stalls and resets before and after
//! it has committed: no answer that they make is judged clean unless nothing was committed.
//!
//! The proxies are Debian's, installed by `infra/local/setup.sh checks`. Without root they run on
//! free ports, with their files in a folder of the test.

mod proxy;
mod upstream;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use holdfast_action::{AnyAction, Call, Settings, StepErrorKind};
use holdfast_steps::registry;
use serde_json::json;

use proxy::{PROXIES, Proxy};
use upstream::{Fault, STALL, Upstream};

/// Read timeout of the proxies. Only a stall or a slow machine exceeds it.
const PROXY_TIMEOUT: Duration = Duration::from_secs(2);

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
        time_left: 3 * PROXY_TIMEOUT,
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

/// Sends a request to the target through a proxy. Retries up to four times if the machine was too
/// slow: the answer took longer than the fault, or a target that commits had no time to.
async fn send(proxy: &Proxy, upstream: &Upstream, fault: Fault, method: &str) -> Observation {
    let case = format!("{} {method} {fault:?}", proxy.name);
    let longest = if fault.stalls() { STALL } else { PROXY_TIMEOUT };
    for _ in 0..5 {
        let began = Instant::now();
        let observation = send_once(proxy, upstream, fault, method).await;
        let Observation {
            report,
            clean,
            commits,
        } = &observation;
        assert!(*commits <= 1, "{case}: {report}: the target commits once");
        assert!(
            !clean || *commits == 0,
            "{case}: {report} is judged clean although the target committed"
        );
        let commits_in_time = *commits == 1 || method == "GET" || !fault.commits();
        if began.elapsed() < longest && commits_in_time {
            return observation;
        }
    }
    panic!("{case}: the machine was too slow in all five tries");
}

async fn send_once(proxy: &Proxy, upstream: &Upstream, fault: Fault, method: &str) -> Observation {
    let url = format!("{}{}", proxy.origin, upstream.arm(fault));
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

/// The outcome of each fault for each method behind each proxy, all proxies at once.
async fn observations(
    methods: &[&'static str],
) -> Vec<(&'static str, &'static str, Fault, Observation)> {
    let runs = PROXIES.map(|make| {
        let upstream = Upstream::start();
        let proxy = make(&upstream);
        async move {
            let mut observations = Vec::new();
            for fault in Fault::ALL {
                for &method in methods {
                    let observation = send(&proxy, &upstream, fault, method).await;
                    observations.push((proxy.name, method, fault, observation));
                }
            }
            observations
        }
    });
    join_all(runs).await.into_iter().flatten().collect()
}

#[tokio::test]
async fn no_answer_of_a_proxy_is_judged_clean_unless_nothing_was_committed() {
    let observations = observations(&METHODS).await.into_iter();
    let reports: BTreeMap<_, _> = observations
        .map(|(proxy, method, fault, observation)| ((proxy, method, fault), observation.report))
        .collect();
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
    for (proxy, _, fault, observation) in observations(&["GET"]).await {
        let report = observation.report;
        assert!(!report.ends_with("unknown"), "{proxy} {fault:?}: {report}");
    }
}
