//! Every cell of the table of roles, and every kind of invalid token, at the running stack.

mod ids;

use holdfast_access::{Access, Operation, Ownership, Role, access};
use holdfast_identity::{Issuer, unsigned};
use holdfast_receipt::chain::Hour;
use holdfast_tests::{
    Api, Aws, DELAY, Reply, Stack,
    tokens::{ISSUER, claims, signed},
    unique,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::hold;

/// Resources of tenant `acme`: an execution that was rolled back, its incident, a bulk that was
/// shown, and a digest.
pub(crate) struct Resources {
    pub(crate) execution: String,
    pub(crate) incident: String,
    pub(crate) bulk: String,
    /// The end of the hours of a digest.
    pub(crate) until: String,
}

impl Resources {
    pub(crate) async fn of(stack: &Stack) -> Self {
        let vendor = unique("vendor");
        let fault = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
        stack.vendor.plan(fault).await;
        let execution = stack
            .api
            .started(DELAY, &unique("roles"), &hold(&vendor))
            .await;
        let (_, receipt) = stack.api.finished(&execution).await;
        let incident = receipt["incident"].as_str().expect("an incident");
        let body = json!({ "operation": "cancel", "filter": { "incident_id": incident }, "reason": "tried" });
        let shown = stack.api.post("/v1/bulk", &body).await;
        assert_eq!(shown.status, 200, "{}", shown.body);
        let bulk = shown.body["bulk_id"].as_str().expect("an id");
        let until = Hour::of(Timestamp::now()).next().from();
        stack
            .aws
            .invoke("digest", &json!({ "tenant": "acme", "until": until }));
        let digests = stack.api.get("/v1/digests?limit=1").await.body;
        let until = digests["digests"][0]["until"].as_str().expect("a time");
        Self {
            execution,
            incident: incident.to_owned(),
            bulk: bulk.to_owned(),
            until: until.to_owned(),
        }
    }

    /// The method and the path for an operation, and true if the operation has one resource.
    fn request(&self, operation: Operation) -> (&'static str, String, bool) {
        let of_execution = |below: &str| format!("/v1/executions/{}{below}", self.execution);
        let of_incident = |below: &str| format!("/v1/incidents/{}{below}", self.incident);
        match operation {
            Operation::Start => ("POST", format!("/v1/workflows/{DELAY}/executions"), false),
            Operation::ReadExecutions => ("GET", of_execution("/events"), true),
            Operation::ReadPayloads => ("GET", of_execution(""), true),
            Operation::Cancel => ("POST", of_execution("/cancel"), true),
            Operation::RollBack => ("POST", of_execution("/rollback"), true),
            Operation::Redrive => ("POST", of_execution("/redrive"), true),
            Operation::ReadWorkflows => ("GET", format!("/v1/workflows/{DELAY}"), false),
            Operation::ReadIncidents => ("GET", of_incident(""), true),
            Operation::HandleIncidents => ("POST", of_incident("/acknowledge"), true),
            Operation::Decide => ("POST", of_incident("/decision"), true),
            Operation::Bulk => ("GET", format!("/v1/bulk/{}", self.bulk), true),
            Operation::ReadReceipts => ("GET", of_execution("/receipt"), true),
            Operation::ReadQuestions => ("GET", "/v1/questions".to_owned(), false),
            Operation::ReadControls => ("GET", "/v1/controls".to_owned(), false),
            Operation::ForeseePause => ("GET", "/v1/controls/tenant/acme".to_owned(), false),
            Operation::Control => ("PUT", "/v1/controls/tenant/acme".to_owned(), false),
            Operation::ManageTenants => ("GET", "/v1/tenants/acme".to_owned(), false),
            Operation::Delegate => ("GET", "/v1/delegations".to_owned(), false),
        }
    }
}

/// Sends a valid request of the operation.
async fn ask(api: &Api, operation: Operation, method: &str, path: &str) -> Reply {
    let request = api.request(method, path);
    let body = match operation {
        Operation::Start => json!({ "input": hold(&unique("vendor")) }),
        Operation::Decide => json!({ "decision": "retry", "reason": "tried" }),
        // A scope that is not paused stays as it is.
        Operation::Control => json!({ "state": "running", "reason": "tried" }),
        _ => json!({ "reason": "tried" }),
    };
    api.send(match method {
        "POST" | "PUT" => request
            .header("content-type", "application/json")
            .header("idempotency-key", unique("roles"))
            .body(body.to_string()),
        _ => request,
    })
    .await
}

/// True if a reply contains data from inputs, outputs or targets.
fn shows_payloads(body: &Value) -> bool {
    let steps = body["steps"].as_array().into_iter().flatten();
    let texts = ["input", "output", "item"];
    let attempts = |step: &Value| [step["attempts"].clone(), step["undo_attempts"].clone()];
    // The name of an effect has the item, which comes from the input.
    body.get("input").is_some()
        || body.get("residual_effects").is_some()
        || steps
            .clone()
            .any(|step| texts.iter().any(|text| step.get(text).is_some()))
        || steps.flat_map(attempts).any(|list| {
            list.as_array()
                .into_iter()
                .flatten()
                .any(|one| one.get("error").is_some())
        })
}

#[track_caller]
fn check(seen: &str, reply: &Reply, operation: Operation, expected: Access) {
    let kind = reply.body["type"].as_str().unwrap_or_default();
    let Reply { status, body, .. } = reply;
    match (expected, operation) {
        (Access::Allowed, Operation::ReadPayloads) => {
            assert!(
                *status == 200 && shows_payloads(body),
                "{seen}: {status} {body}"
            );
        }
        (Access::Allowed, _) => {
            assert!(matches!(status, 200 | 202 | 409), "{seen}: {status} {body}");
        }
        // An execution may be visible without its payloads.
        (Access::Forbidden, Operation::ReadPayloads) if *status == 200 => {
            assert!(!shows_payloads(body), "{seen}: {body}");
        }
        (Access::Forbidden, _) => {
            assert_eq!(
                (*status, kind),
                (403, "urn:holdfast:problem:forbidden"),
                "{seen}: {body}"
            );
        }
        (Access::Hidden | Access::WhereAsked, _) => {
            assert_eq!(
                (*status, kind),
                (404, "urn:holdfast:problem:not-found"),
                "{seen}: {body}"
            );
        }
    }
}

#[tokio::test]
async fn every_role_is_authorized_by_the_table_in_its_own_and_in_another_tenant() {
    let stack = Stack::from_env().await;
    let resources = Resources::of(&stack).await;
    for role in Role::ALL {
        let (own, other) = (
            stack.api.as_role(role, "acme"),
            stack.api.as_role(role, "globex"),
        );
        for operation in Operation::ALL {
            let (method, path, one) = resources.request(operation);
            let seen = format!("{} {method} {path}", role.name());
            let reply = ask(&own, operation, method, &path).await;
            // The execution asks no approver, so that no operation tells one that it exists.
            let expected = match role {
                Role::Approver if one => Access::Hidden,
                _ => access(role, operation, Ownership::Own),
            };
            check(&seen, &reply, operation, expected);
            let named = format!("{path}?tenant=acme");
            let reply = ask(&other, operation, method, &named).await;
            let expected = access(role, operation, Ownership::Other);
            check(
                &format!("{seen}, another tenant's"),
                &reply,
                operation,
                expected,
            );
            if one {
                // Without the name of the tenant, the API looks in the tenant of the token, if it
                // has one, whatever the role.
                let reply = ask(&other, operation, method, &path).await;
                check(
                    &format!("{seen}, not its own"),
                    &reply,
                    operation,
                    Access::Hidden,
                );
            }
        }
    }
}

#[tokio::test]
async fn a_platform_admin_without_a_tenant_must_name_one_except_for_ids_and_lists_of_every_tenant()
{
    let stack = Stack::from_env().await;
    let token = signed(&claims(Role::PlatformAdmin, None, "ops"));
    let admin = stack
        .api
        .as_role(Role::PlatformAdmin, "acme")
        .bearing(token);
    let reply = admin.get("/v1/receipts").await;
    assert_eq!(reply.status, 400, "{}", reply.body);
    assert!(
        reply.body["detail"].to_string().contains("?tenant="),
        "{}",
        reply.body
    );
    assert_eq!(admin.get("/v1/receipts?tenant=*").await.status, 400);
    let unknown = format!("/v1/executions/{}", "f".repeat(40));
    assert_eq!(admin.get(&unknown).await.status, 404);
    assert_eq!(admin.get("/v1/incidents").await.status, 200);
    assert_eq!(admin.get("/v1/incidents?tenant=globex").await.status, 200);
    assert_eq!(admin.get("/v1/incidents?tenant=Acme/..").await.status, 400);
}

#[tokio::test]
async fn a_token_must_be_signed_by_the_issuer_for_our_audience_and_be_valid_now() {
    let stack = Stack::from_env().await;
    let good = claims(Role::PlatformAdmin, Some("acme"), "mallory");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let now = jiff::Timestamp::now().as_second();
    let none = json!({ "alg": "none", "typ": "JWT", "kid": ISSUER.header()["kid"] });
    let other = Issuer::new()
        .expect("another key")
        .token(&good)
        .expect("a token");
    // The header names the right key, and another key made the signature.
    let parts: Vec<_> = other.split('.').collect();
    let disguised = format!("{}.{}", unsigned(&ISSUER.header(), &good), parts[2]);
    let right = signed(&with("role", "observer".into()));
    let raised = format!(
        "{}.{}",
        unsigned(&ISSUER.header(), &good),
        right.rsplit('.').next().expect("a signature")
    );
    let refused = [
        ("expired", signed(&with("exp", (now - 1).into()))),
        ("not valid yet", signed(&with("nbf", (now + 3600).into()))),
        (
            "another audience",
            signed(&with("aud", "another-audience".into())),
        ),
        (
            "another issuer",
            signed(&with("iss", "https://login.example.com/".into())),
        ),
        (
            "no algorithm, no signature",
            format!("{}.", unsigned(&none, &good)),
        ),
        (
            "no algorithm, another signature",
            format!("{}.{}", unsigned(&none, &good), parts[2]),
        ),
        ("another key", other.clone()),
        ("another key in disguise", disguised),
        ("claims that were not signed", raised),
        ("no token at all", "hello".to_owned()),
    ];
    let resources = Resources::of(&stack).await;
    for (name, token) in refused {
        let api = stack.api.as_role(Role::Observer, "acme").bearing(token);
        for operation in Operation::ALL {
            let (method, path, _) = resources.request(operation);
            let reply = ask(&api, operation, method, &path).await;
            assert_eq!(reply.status, 401, "{name}: {method} {path}: {}", reply.body);
        }
    }
    for operation in Operation::ALL {
        let (method, path, _) = resources.request(operation);
        let request = stack.api.anonymous(method, &path);
        let reply = stack
            .api
            .send(request.header("x-holdfast-tenant", "acme"))
            .await;
        assert_eq!(
            reply.status, 401,
            "without: {method} {path}: {}",
            reply.body
        );
    }
}

#[tokio::test]
async fn a_header_does_not_set_the_tenant_of_a_request() {
    let stack = Stack::from_env().await;
    let resources = Resources::of(&stack).await;
    let globex = stack.api.as_role(Role::TenantAdmin, "globex");
    let path = format!("/v1/executions/{}", resources.execution);
    let request = globex
        .request("GET", &path)
        .header("x-holdfast-tenant", "acme");
    assert_eq!(globex.send(request).await.status, 404);
}

#[tokio::test]
async fn a_token_without_a_known_role_or_a_valid_tenant_is_refused() {
    let stack = Stack::from_env().await;
    let mut claims = claims(Role::TenantAdmin, Some("acme"), "zoe");
    for (name, value) in [
        ("role", json!("root")),
        ("role", json!(["observer", "auditor"])),
        ("role", json!(null)),
        ("tenant", json!("Acme/..")),
        ("role", json!(["former platform-admin"])),
        ("role", json!(["staff,platform-admin"])),
        ("role", json!("[staff platform-admin]")),
        ("role", json!(7)),
        ("tenant", json!(["acme", "globex"])),
        ("tenant", json!(["acme"])),
        ("tenant", json!(7)),
        ("tenant", json!(true)),
        ("tenant", json!(null)),
    ] {
        let good = claims[name].take();
        match &value {
            Value::Null => drop(claims.as_object_mut().map(|all| all.remove(name))),
            value => claims[name] = value.clone(),
        }
        let api = stack
            .api
            .as_role(Role::Observer, "acme")
            .bearing(signed(&claims));
        let reply = api.get("/v1/incidents").await;
        assert_eq!(reply.status, 403, "{name} {value}: {}", reply.body);
        let detail = reply.body["detail"].to_string();
        assert!(detail.contains(&format!("claim {name}")), "{detail}");
        claims[name] = good;
    }
    claims["role"] = json!(["staff", "observer"]);
    let api = stack
        .api
        .as_role(Role::Observer, "acme")
        .bearing(signed(&claims));
    assert_eq!(api.get("/v1/incidents").await.status, 200, "one of a list");
}

#[tokio::test]
async fn the_functions_refuse_a_request_that_the_gateway_did_not_verify() {
    let aws = Aws::from_env().await;
    let read = include_str!("../events/api-read.json");
    assert_refuses_unverified(&aws, "api", serde_json::from_str(read).expect("JSON"));
    let start = include_str!("../events/api-start.json");
    let mut start: Value = serde_json::from_str(start).expect("JSON");
    start["rawPath"] = "/v1/workflows/WF-NONE/executions".into();
    assert_refuses_unverified(&aws, "start", start);
}

/// Sends a verified request for a resource that does not exist, and then unverified variants.
fn assert_refuses_unverified(aws: &Aws, function: &str, mut event: Value) {
    let verified = aws.invoke(function, &event);
    assert_eq!(verified["statusCode"], 404, "{verified}");
    // A header whose token names another bearer than the verified claims.
    let other = unsigned(
        &json!({}),
        &json!({ "sub": "ops", "role": "platform-admin" }),
    );
    let right = event["headers"]["authorization"].take();
    for header in [
        json!(format!("Bearer {other}.")),
        json!("Bearer e30.e30."),
        json!(""),
    ] {
        event["headers"]["authorization"] = header.clone();
        let answer = aws.invoke(function, &event);
        assert_eq!(answer["statusCode"], 401, "{header}: {answer}");
    }
    event["headers"]["authorization"] = right;
    let authorizer = event["requestContext"]["authorizer"].take();
    let unverified = [
        json!(null),
        json!({}),
        json!({ "jwt": { "claims": {} } }),
        json!({ "lambda": authorizer["jwt"]["claims"] }),
    ];
    for authorizer in unverified {
        event["requestContext"]["authorizer"] = authorizer.clone();
        event["headers"]["x-holdfast-tenant"] = "acme".into();
        let answer = aws.invoke(function, &event);
        assert_eq!(answer["statusCode"], 401, "{authorizer}: {answer}");
        let body = answer["body"].as_str().unwrap_or_default();
        assert!(
            body.contains("urn:holdfast:problem:unauthenticated"),
            "{answer}"
        );
    }
}
