//! The console in real Chromium on the deployed stack, and what its actions left in ledger and
//! target.

use std::{fs, path::Path, process::Command};

use holdfast_access::Role;
use holdfast_ids::keys::{execution_id, idempotency_key};
use holdfast_receipt::chain::Hour;
use holdfast_tests::{Stack, eventually, tokens, unique};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::decisions::{asked, refused};

const STRATEGIC: &str = "WF-HOLD-STRATEGIC-VENDOR";
/// A text with the most hostile content that the API accepts.
const HOSTILE: &str =
    "\"'></textarea><script>alert(1)</script><img src=x onerror=alert(1)> {{7*7}} &amp;";

/// Executions that wait, failed or ended, for the browser.
struct Scene {
    tenant: String,
    paused: String,
    approval: String,
    vendor: String,
    receipt: String,
    hostile: String,
    hostile_vendor: String,
    failed: [String; 2],
    incident: String,
    repeated: RepeatedQuestion,
    started: Start,
    cancelled: Start,
}

/// An execution of a tenant of its own, whose step asks again after a retry.
struct RepeatedQuestion {
    tenant: String,
    execution: String,
    step: String,
    incident: String,
}

impl RepeatedQuestion {
    async fn prepared(stack: &mut Stack) -> Self {
        let tenant = stack.aws.new_tenant("console");
        stack.api = stack.api.as_tenant(&tenant);
        let vendor = unique("vendor");
        // `refused` plans the failure of one call; this one is for the retry.
        let kind = json!({ "status": 400 });
        let fault =
            json!({ "route": "POST /holds", "count": 1, "kind": kind, "vendor_id": vendor });
        stack.vendor.plan(fault).await;
        let (execution, question) = refused(stack, &vendor).await;
        let step = question["step"].as_str().expect("a step").to_owned();
        Self {
            tenant,
            execution,
            step,
            incident: incident_of(&question),
        }
    }

    fn described(&self) -> Value {
        let Self {
            tenant,
            execution,
            step,
            incident,
        } = self;
        json!({ "tenant": tenant, "execution": execution, "step": step, "incident": incident })
    }

    /// The decision on the first question did not decide the second one.
    async fn still_asks(&self, stack: &Stack) {
        let api = stack.api.as_tenant(&self.tenant);
        let question = asked(&api, &self.execution).await;
        assert_eq!(question["decision"], Value::Null, "{question}");
    }
}

/// The id of the incident that a question names by its path.
fn incident_of(question: &Value) -> String {
    let path = question["incident"].as_str().expect("a path");
    path.rsplit('/').next().expect("an id").to_owned()
}

/// A start that the browser makes, of `STRATEGIC` for acme.
struct Start {
    vendor: String,
    key: String,
}

impl Start {
    fn new() -> Self {
        let (vendor, key) = (unique("vendor"), unique("console"));
        Self { vendor, key }
    }

    fn described(&self) -> Value {
        json!({ "vendor": self.vendor, "key": self.key })
    }

    fn execution(&self) -> String {
        let key = idempotency_key(&self.key).expect("not blank");
        execution_id("acme", STRATEGIC, &key)
    }
}

impl Scene {
    async fn prepared(stack: &mut Stack) -> Self {
        let api = stack.api.clone();
        let repeated = RepeatedQuestion::prepared(stack).await;
        let (vendor, hostile) = (unique("vendor"), unique("<img src=x onerror=alert(1)>"));
        let input = |vendor: &str, amount: u32| json!({ "vendor_id": vendor, "amount": amount });
        let approval = input(&vendor, 60_000);
        let approval = api.started(STRATEGIC, &unique("console"), &approval).await;
        let small = input(&hostile, 10);
        let small = api.started(STRATEGIC, &unique("console"), &small).await;
        let (tenant, paused) = (
            stack.aws.new_tenant("console"),
            stack.aws.new_tenant("console"),
        );
        stack.api = api.as_tenant(&tenant);
        let group =
            json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
        let receipt = stack
            .api
            .started("WF-HOLD-VENDOR-GROUP", &unique("console"), &group)
            .await;
        let (one, question) = refused(stack, &unique("vendor")).await;
        let (two, _) = refused(stack, &unique("vendor")).await;
        stack.api.finished(&receipt).await;
        let until = Hour::of(Timestamp::now()).next().next();
        stack.aws.invoke(
            "digest",
            &json!({ "tenant": tenant, "until": until.from() }),
        );
        api.finished(&small).await;
        asked(&api, &approval).await;
        Self {
            paused,
            approval,
            vendor,
            receipt,
            hostile: small,
            hostile_vendor: hostile,
            failed: [one, two],
            incident: incident_of(&question),
            repeated,
            tenant,
            started: Start::new(),
            cancelled: Start::new(),
        }
    }

    /// The scene as tests/console/check.mjs reads it.
    fn described(&self) -> Value {
        let Self {
            tenant,
            approval,
            receipt,
            incident,
            hostile,
            ..
        } = self;
        let mut expired = tokens::claims(Role::PlatformAdmin, None, "platform-admin");
        expired["exp"] = (Timestamp::now().as_second() - 60).into();
        let token = |role: Role| tokens::token(role, Some(tenant), role.name());
        json!({
            "tenant": tenant,
            "paused": self.paused,
            "approval": {
                "subject": format!("payments to {}", self.vendor),
                "execution": approval,
            },
            "incident": { "id": incident },
            "repeated": self.repeated.described(),
            "receipt": receipt,
            "started": self.started.described(),
            "cancelled": self.cancelled.described(),
            "expired": tokens::signed(&expired),
            "tokens": {
                "tenant-admin": token(Role::TenantAdmin),
                "observer": token(Role::Observer),
            },
            "hostile": HOSTILE,
            "hostile_subject": format!("payments to {}", self.hostile_vendor),
            "hostile_places": [
                format!("#/executions/{hostile}"),
                format!("#/receipts/{hostile}"),
            ],
            "places": [
                format!("#/inbox/{approval}/finance_agrees?tenant=acme"),
                format!("#/incidents/{incident}?tenant={tenant}"),
                format!("#/receipts/{receipt}?tenant={tenant}"),
                format!("#/receipts/chain?tenant={tenant}"),
                format!("#/executions/{receipt}?tenant={tenant}"),
                format!("#/workflows/WF-HOLD-VENDOR-GROUP?tenant={tenant}"),
            ],
        })
    }
}

/// Drives the browser through a script of tests/console, and returns what the script printed.
pub(crate) fn driven(script: &str, scene: &Value) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("scene.json");
    fs::write(&file, scene.to_string()).expect("written");
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("console")
        .join(script);
    let ran = Command::new("node").arg(script).arg(&file).output();
    let ran = ran.expect("infra/local/setup.sh checks installs node");
    let said = [ran.stdout, ran.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(ran.status.success(), "{said}");
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_serves_its_roles_and_every_action_takes_effect() {
    // Executions of other tests would move the rows through which the keyboard walks.
    let mut stack = Stack::alone().await;
    let scene = Scene::prepared(&mut stack).await;
    driven("check.mjs", &scene.described());

    requests_took_effect(&stack, &scene).await;
    scene.repeated.still_asks(&stack).await;
    let acme = stack.api.as_tenant("acme");
    let (execution, receipt) = acme.finished(&scene.approval).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    let votes = &receipt["approvals"][0]["votes"];
    for (vote, group) in [(0, "cfo"), (1, "treasury")] {
        assert_eq!(votes[vote]["by"], group, "{votes}");
        assert_eq!(votes[vote]["group"], group, "{votes}");
        assert_eq!(votes[vote]["reason"], HOSTILE, "{votes}");
    }
    assert_eq!(
        stack.vendor.effects_on(&scene.vendor).await,
        ["hold_placed"]
    );
    for id in &scene.failed {
        let decision = eventually("the bulk's decision is recorded", || async {
            let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
            let decision = execution["questions"][0]["decision"].clone();
            (!decision.is_null())
                .then_some(decision)
                .ok_or_else(|| execution.to_string())
        })
        .await;
        assert_eq!(decision["decision"], "skip", "{decision}");
        assert_eq!(decision["by"], "platform-admin", "{decision}");
    }
    let incident = stack
        .api
        .get(&format!("/v1/incidents/{}", scene.incident))
        .await
        .body;
    assert_eq!(incident["handled"][0]["by"], "platform-admin", "{incident}");
    let scope = format!("tenant/{}", scene.paused);
    let controls = stack.api.get("/v1/controls").await.body;
    let controls = controls["controls"].as_array().expect("controls");
    let control = controls.iter().find(|control| control["scope"] == *scope);
    let control = control.unwrap_or_else(|| panic!("{controls:?}"));
    assert_eq!(
        (&control["state"], &control["reason"]),
        (&json!("running"), &json!("over"))
    );
}

/// The execution of the form was rolled back at the target, and the other one cancelled.
async fn requests_took_effect(stack: &Stack, scene: &Scene) {
    let acme = stack.api.as_tenant("acme");
    let (execution, _) = acme.finished(&scene.started.execution()).await;
    assert_eq!(execution["status"], "ROLLED_BACK", "{execution}");
    let effects = stack.vendor.effects_on(&scene.started.vendor).await;
    assert_eq!(effects, ["hold_placed", "hold_released"]);
    let (execution, receipt) = acme.finished(&scene.cancelled.execution()).await;
    assert_eq!(execution["status"], "FAILED", "{execution}");
    let failure = &receipt["failure"];
    assert_eq!(failure["requested_by"], "platform-admin", "{failure}");
    assert_eq!(failure["reason"], HOSTILE, "{failure}");
    let effects = stack.vendor.effects_on(&scene.cancelled.vendor).await;
    assert!(effects.is_empty(), "{effects:?}");
}

/// The issuer is oidc-provider, a certified one of another project. Only parameters of the template
/// lead to it.
#[tokio::test(flavor = "multi_thread")]
async fn people_of_an_issuer_of_another_project_sign_in_by_parameters_alone() {
    let _stack = Stack::from_env().await;
    driven("issuer.mjs", &json!({}));
}

/// The console as a stranger sees it, without a token and without a browser.
#[tokio::test]
async fn the_console_is_public_and_its_token_route_is_no_open_proxy() {
    let stack = Stack::from_env().await;
    let get = async |path: &str| stack.api.send(stack.api.anonymous("GET", path)).await;
    for (path, place) in [
        ("/console", "console/index.html"),
        ("/console/", "index.html"),
    ] {
        let first = get(path).await;
        assert_eq!(
            (first.status, first.header("location")),
            (302, place),
            "{path}"
        );
    }
    let page = get("/console/index.html").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.header("content-security-policy")
            .starts_with("default-src 'none'")
    );
    let config = get("/console/config.json").await;
    assert_eq!(config.body["client_id"], "console", "{}", config.body);
    for missing in ["/console/none.js", "/console/app.js/x"] {
        assert_eq!(get(missing).await.status, 404, "{missing}");
    }
    let exchange = async |body: Value| {
        let request = stack.api.anonymous("POST", "/console/token");
        let request = request.header("content-type", "application/json");
        stack.api.send(request.body(body.to_string())).await
    };
    let forged = json!({ "grant_type": "refresh_token", "refresh_token": "forged" });
    let refused = exchange(forged).await;
    assert_eq!(refused.status, 401, "{}", refused.body);
    assert!(!refused.text.contains("forged"), "{}", refused.text);
    let elsewhere = json!({ "grant_type": "authorization_code", "code": "c", "code_verifier": "v",
        "redirect_uri": "https://evil.example/console/index.html" });
    assert_eq!(exchange(elsewhere).await.status, 400);
}
