//! The served OpenAPI document, which schemathesis compares with the behaviour of the running
//! stack.

use std::{path::Path, process::Command};

use holdfast_access::Role;
use holdfast_tests::{Stack, texts, tokens::token, unique, variable};
use serde_json::{Value, json};

/// Sends allowed and forbidden requests and checks every answer. The error is the report of
/// schemathesis.
///
/// `set` holds the variables that the configuration of this name needs. Every run sends the same
/// requests, unless `HOLDFAST_OPENAPI_EXAMPLES` says how many random requests it makes of each
/// operation.
fn hold(configuration: &str, set: &[(&str, &str)]) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let api = variable("HOLDFAST_API");
    let examples = std::env::var("HOLDFAST_OPENAPI_EXAMPLES");
    let choice = match &examples {
        Ok(number) => vec!["--max-examples", number],
        Err(_) => vec!["--generation-deterministic"],
    };
    let ran = Command::new(root.join(".venv-schemathesis/bin/schemathesis"))
        .current_dir(std::env::temp_dir())
        .envs(set.iter().copied())
        .arg("--config-file")
        .arg(root.join("tests/openapi").join(configuration))
        .args(["run", &format!("{api}/v1/openapi.json")])
        .args(["--url", &api, "--no-color"])
        .args(choice)
        .output();
    let ran = ran.expect("infra/local/setup.sh checks installs schemathesis");
    match ran.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&ran.stdout).into_owned()),
    }
}

fn assert_holds(configuration: &str, set: &[(&str, &str)]) {
    if let Err(found) = hold(configuration, set) {
        panic!("{configuration}: {found}");
    }
}

#[tokio::test]
async fn the_api_conforms_to_its_document_for_random_requests() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("tenant");
    let who = token(Role::PlatformAdmin, Some(&tenant), "schemathesis");
    assert_holds("schemathesis.toml", &[("HOLDFAST_TOKEN", &who)]);
}

#[tokio::test]
async fn the_api_conforms_to_its_document_for_existing_resources() {
    let stack = Stack::from_env().await;
    let (tenant, vendor) = (stack.aws.new_tenant("tenant"), unique("vendor"));
    let api = stack.api.as_tenant(&tenant);
    let refuses = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": vendor });
    stack.vendor.plan(refuses).await;
    let input = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": vendor }] });
    let id = api
        .started("WF-HOLD-VENDOR-GROUP", &unique("known"), &input)
        .await;
    api.finished(&id).await;
    let incidents = api.get("/v1/incidents").await.body;
    let incident = texts(&incidents["incidents"], "incident_id")[0];
    let who = token(Role::PlatformAdmin, Some(&tenant), "schemathesis");
    assert_holds(
        "known.toml",
        &[
            ("HOLDFAST_TOKEN", &who),
            ("HOLDFAST_TENANT", &tenant),
            ("HOLDFAST_EXECUTION", &id),
            ("HOLDFAST_INCIDENT", incident),
        ],
    );
}

/// The names of the entries whose `state` is not this one.
fn in_another_state<'a>(entries: &'a Value, state: &str, name: &str) -> Vec<&'a str> {
    let entries = entries.as_array().expect("a list").iter();
    let others = entries.filter(|entry| entry["state"] != state);
    others
        .map(|entry| entry[name].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn the_routes_of_controls_and_tenants_conform_to_their_document() {
    let stack = Stack::alone().await;
    let who = token(Role::PlatformAdmin, Some(&unique("tenant")), "schemathesis");
    let held = hold("controls.toml", &[("HOLDFAST_TOKEN", &who)]);
    // Everything that the requests paused is resumed before another test uses the stack.
    let controls = stack.api.get("/v1/controls").await.body;
    for scope in in_another_state(&controls["controls"], "running", "scope") {
        let body = json!({ "state": "running", "reason": "it was a test" });
        let reply = stack.api.put(&format!("/v1/controls/{scope}"), &body).await;
        assert_eq!(reply.status, 200, "{scope}: {}", reply.body);
    }
    // The requests may have found a registered tenant in the list and closed it.
    let tenants = stack.api.get("/v1/tenants").await.body;
    for tenant in in_another_state(&tenants["tenants"], "open", "tenant") {
        let path = format!("/v1/tenants/{tenant}");
        let reply = stack.api.put(&path, &json!({})).await;
        assert_eq!(reply.status, 200, "{tenant}: {}", reply.body);
    }
    assert_eq!(held, Ok(()));
}
