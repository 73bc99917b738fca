//! Attacks by the text that an input puts into an address: dot segments, queries, fragments,
//! encodings, other hosts.

use holdfast_tests::{Stack, unique, variable};
use serde_json::json;

use crate::none_succeeded;

const REACHES: &str = "WF-TEST-REACHES";

#[tokio::test]
async fn no_text_of_an_input_leads_a_request_elsewhere_on_the_origin() {
    let stack = Stack::from_env().await;
    stack
        .aws
        .deploy(include_str!("../workflows/reaches.yaml"))
        .await;
    let vendor = unique("vendor");
    let url = format!("{}/vendors/{vendor}", variable("HOLDFAST_VENDOR_SYSTEM"));
    stack.api.fetch_as("PUT", &url).await;
    let start = async |text: &str| {
        let input = json!({ "vendor": text });
        stack.api.started(REACHES, &unique("url"), &input).await
    };
    let honest = start(&vendor).await;
    let mut started = Vec::new();
    // Each of them answers 200 where the text is not escaped or refused.
    for text in [
        format!("../vendors/{vendor}"),
        format!("./{vendor}"),
        format!("x/../{vendor}"),
        format!("%2e%2e/vendors/{vendor}"),
        format!("..%2fvendors%2f{vendor}"),
        format!("..\\vendors\\{vendor}"),
        format!("{vendor}#fragment"),
        format!("{vendor}?"),
        format!("../holds?vendor_id={vendor}"),
        format!("\t{vendor}"),
        format!("{vendor}\n"),
        "../healthz".to_owned(),
        "../admin/effects".to_owned(),
        "/../healthz".to_owned(),
        "..;/healthz".to_owned(),
    ] {
        started.push((start(&text).await, text));
    }
    let (execution, _) = stack.api.finished(&honest).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let mut succeeded = Vec::new();
    for (id, text) in started {
        let (execution, _) = stack.api.finished(&id).await;
        if execution["status"] == "EXECUTED" {
            succeeded.push(format!("{text:?}: {execution}"));
        }
    }
    none_succeeded(&succeeded);
}
