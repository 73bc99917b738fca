//! The exercises of the HTTP API, in its own role and in the role for a tenant.

use std::iter;

use holdfast_identity::unsigned;
use holdfast_receipt::chain::Hour;

use super::*;

impl Round<'_> {
    pub(super) async fn api(&self) -> bool {
        let vendor = unique("vendor");
        let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 400 }, "vendor_id": vendor });
        self.stack.vendor.plan(fault).await;
        let input = json!({ "vendor_id": vendor, "hold_days": 1 });
        let key = unique("permission");
        let started = self.stack.api.start(DELAY, &key, &input).await.body;
        // The second start is a duplicate, which the role for a tenant counts.
        let repeated = self.stack.api.start(DELAY, &key, &input).await;
        if repeated.status == 503 {
            return true;
        }
        let Some(id) = started["execution_id"].as_str() else {
            return true;
        };
        // The test waits through Step Functions, because the function may be denied that.
        self.stack
            .aws
            .ended(&self.stack.aws.execution(DELAY, id))
            .await;
        // No other test uses this tenant.
        let paused = json!({ "state": "paused", "reason": "a test", "new": true });
        let resumed = json!({ "state": "running", "reason": "a test" });
        for (scope, body) in [
            (format!("tenant/{}", unique("permission")), paused),
            (format!("workflow/{DELAY}"), resumed),
        ] {
            let mut turn = posted(&format!("/v1/controls/{scope}"), &body, &[]);
            turn["requestContext"]["http"]["method"] = "PUT".into();
            // The control is set although its executions cannot be counted. A busy machine may not
            // count them in time.
            let counts = |()| {
                let reply = self.stack.aws.call(self.function, &turn);
                let answer = reply.body["body"].as_str().unwrap_or_default();
                !reply.is_denied() && answer.contains("open_executions")
            };
            if !iter::repeat_n((), 3).any(counts) {
                return true;
            }
        }
        let read = [
            "/v1/controls".to_owned(),
            "/v1/tenants".to_owned(),
            "/v1/keys".to_owned(),
            "/v1/workflows".to_owned(),
            format!("/v1/workflows/{DELAY}/versions"),
            "/v1/incidents".to_owned(),
            "/v1/receipts".to_owned(),
            format!("/v1/executions?workflow_id={DELAY}"),
            format!("/v1/executions/{id}"),
        ];
        if read.iter().any(|path| self.denies(&got(path))) {
            return true;
        }
        // The link is signed with the function's own credentials.
        let link = self
            .stack
            .aws
            .call(self.function, &got(&format!("/v1/executions/{id}/receipt")));
        if link.is_denied() || self.fetched(&link).await != 200 {
            return true;
        }
        // So is the link of each digest, of which there is one of this hour.
        let until = Hour::of(jiff::Timestamp::now()).next().from();
        self.stack
            .aws
            .call("digest", &json!({ "tenant": TENANT, "until": until }));
        let listed = self
            .stack
            .aws
            .call(self.function, &got("/v1/digests?limit=1"));
        if listed.is_denied() || self.fetched(&listed).await != 200 {
            return true;
        }
        // The ledger does not know this start yet.
        let other =
            json!({ "tenant": TENANT, "idempotency_key": unique("permission"), "input": {} });
        let name = holdfast_ids::keys::execution_id(TENANT, DELAY, &unique("permission"));
        self.stack.aws.start(DELAY, &name, &other).await;
        let unknown = format!("/v1/executions/{name}?workflow_id={DELAY}");
        if self.denies(&got(&unknown)) {
            return true;
        }
        let reason = json!({ "reason": "a test" });
        let redrive = format!("/v1/executions/{id}/redrive");
        if self.denies(&posted(&redrive, &reason, &[])) {
            return true;
        }
        let begun = self.begun(&json!({}));
        let id = begun.execution["id"].as_str().expect("an id");
        if self.denies(&posted(
            &format!("/v1/executions/{id}/cancel"),
            &reason,
            &[],
        )) {
            return true;
        }
        for decision in ["approve", "reject"] {
            let begun = self.begun(&json!({}));
            self.stack
                .aws
                .call("ask", &Self::ask_task(&begun, "approval", &unique("token")));
            if self.decide(&begun, decision).await.is_denied() {
                return true;
            }
        }
        false
    }

    async fn fetched(&self, link: &FunctionReply) -> u16 {
        let body = link.body["body"].as_str().unwrap_or_default();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let url = &body["url"];
        match url.as_str().or(body["digests"][0]["url"].as_str()) {
            Some(url) => self.stack.api.fetch(url).await.status,
            None => 0,
        }
    }
}

/// A request as API Gateway sends it to a function, from the files for `sam local invoke`.
fn event(file: &str, method: &str, path: &str) -> Value {
    let file = format!("{}/events/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).expect("a file of events");
    let mut event: Value = serde_json::from_str(&text).expect("JSON");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    event["rawPath"] = path.into();
    event["requestContext"]["http"]["path"] = path.into();
    event["requestContext"]["http"]["method"] = method.into();
    // The principal may do everything, for the tenant that the query names.
    let claims = json!({ "sub": "exercise", "role": "platform-admin" });
    let token = unsigned(&json!({ "alg": "none" }), &claims);
    event["headers"]["authorization"] = format!("Bearer {token}.").into();
    event["requestContext"]["authorizer"]["jwt"]["claims"] = claims;
    if path != "/v1/keys" {
        event["rawQueryString"] = format!("tenant={TENANT}&{query}").into();
    }
    event
}

fn got(path: &str) -> Value {
    event("api-read", "GET", path)
}

pub(super) fn posted(path: &str, body: &Value, headers: &[(&str, &str)]) -> Value {
    let mut event = event("api-start", "POST", path);
    event["body"] = body.to_string().into();
    for (name, value) in headers {
        event["headers"][name] = (*value).into();
    }
    event
}
