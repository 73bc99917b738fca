//! A client of the vendor system's admin routes, which plans faults and counts effects.

use std::thread;

use reqwest::Client;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::{aws::escaped, eventually};

/// The vendor system.
#[derive(Clone)]
pub struct Vendor {
    http: Client,
    base: String,
}

impl Vendor {
    /// The vendor system at `base`.
    pub fn new(base: String) -> Self {
        Self {
            http: Client::new(),
            base,
        }
    }

    /// Plans a fault.
    pub async fn plan(&self, fault: Value) {
        self.admin("faults", fault).await;
    }

    /// Plans a fault whose kind has `block`. Its calls wait until they are unblocked, so that a
    /// test keeps a step at work for as long as it needs on any machine.
    pub async fn block(&self, fault: Value) -> BlockedCalls {
        let planned = self.admin("faults", fault).await;
        let fault = planned["fault_id"].as_str().expect("an id").to_owned();
        let vendor = self.clone();
        BlockedCalls { vendor, fault }
    }

    /// Posts to an admin route and gives the answer.
    async fn admin(&self, path: &str, body: Value) -> Value {
        let url = format!("{}/admin/{path}", self.base);
        let answer = self.http.post(url).body(body.to_string()).send().await;
        let answer = answer.expect("the vendor system answers");
        let ok = answer.status().is_success();
        let text = answer.text().await.expect("text");
        assert!(ok, "{text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Stores these fields under the id of a vendor.
    pub async fn put(&self, vendor_id: &str, fields: &Value) {
        let answer = self
            .http
            .put(format!("{}/vendors/{}", self.base, escaped(vendor_id)))
            .body(fields.to_string())
            .send()
            .await;
        let answer = answer.expect("the vendor system answers");
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
    }

    /// Effects that `query` selects, such as `vendor_id=v-1`.
    pub async fn effects(&self, query: &str) -> Vec<Value> {
        self.list("effects", query).await
    }

    /// Requests that `query` selects.
    pub async fn requests(&self, query: &str) -> Vec<Value> {
        self.list("requests", query).await
    }

    /// The effects on one vendor, by kind.
    pub async fn effects_on(&self, vendor_id: &str) -> Vec<String> {
        let effects = self
            .effects(&format!("vendor_id={}", escaped(vendor_id)))
            .await;
        effects
            .iter()
            .filter_map(|effect| effect["kind"].as_str().map(str::to_owned))
            .collect()
    }

    async fn list(&self, kind: &str, query: &str) -> Vec<Value> {
        let answer = self
            .http
            .get(format!("{}/admin/{kind}?{query}", self.base))
            .send()
            .await;
        let text = answer
            .expect("the vendor system answers")
            .text()
            .await
            .expect("text");
        let mut body: Value = serde_json::from_str(&text).expect("JSON");
        match body[kind].take() {
            Value::Array(items) => items,
            _ => panic!("the vendor system answered {text}"),
        }
    }
}

/// The calls that a fault blocks. Those that nothing unblocks continue after 15 minutes.
pub struct BlockedCalls {
    vendor: Vendor,
    fault: String,
}

impl Drop for BlockedCalls {
    /// A test that failed leaves no call blocked, whose execution would be busy beside other tests.
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let url = format!("{}/admin/faults/{}/unblock", self.vendor.base, self.fault);
        // The test's own runtime ends with the panic.
        let unblocked = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| {
                runtime
                    .block_on(async { Client::new().post(url).body("null").send().await.is_ok() })
            })
        });
        // A vendor system that has ended blocks nothing.
        let _ = unblocked.join();
    }
}

impl BlockedCalls {
    /// Waits until a call has met the fault. The call's step is at work from then on.
    pub async fn arrived(&self) {
        eventually("a call is blocked", || async {
            let planned = self.vendor.list("faults", "").await;
            let fault = planned.iter().find(|one| one["fault_id"] == self.fault);
            match fault {
                Some(fault) if fault["remaining"] == fault["count"] => {
                    Err(format!("none met {planned:?}"))
                }
                // A fault that was met `count` times is listed no more.
                Some(_) | None => Ok(()),
            }
        })
        .await;
    }

    /// Lets the calls continue, and those that meet the fault later.
    pub async fn unblock(&self) {
        let path = format!("faults/{}/unblock", self.fault);
        self.vendor.admin(&path, Value::Null).await;
    }
}
