//! A client of the vendor system's admin routes, which plans faults and counts effects.

use reqwest::Client;
use serde_json::Value;

use crate::aws::escaped;

/// The vendor system.
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
        let answer = self
            .http
            .post(format!("{}/admin/faults", self.base))
            .body(fault.to_string())
            .send()
            .await;
        let answer = answer.expect("the vendor system answers");
        assert!(answer.status().is_success(), "{:?}", answer.text().await);
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
