//! An outage of an AWS service: the hop refuses every request of a function to it for a while.

use std::time::Duration;

use reqwest::Client;
use serde_json::Value;

use crate::variable;

/// An outage, which ends with [`Outage::end`], or by itself if its test fails.
pub struct Outage {
    service: &'static str,
    http: Client,
}

impl Outage {
    /// Has `service` (`s3`, `kms` or `dynamodb`) refuse every request from now on, for at most
    /// `longest`.
    pub async fn begin(service: &'static str, longest: Duration) -> Self {
        let http = Client::new();
        let outage = Self { service, http };
        outage.set(longest.as_secs()).await;
        outage
    }

    /// Ends the outage, and gives the number of requests that were refused.
    ///
    /// # Panics
    ///
    /// Panics if the hop does not answer.
    pub async fn end(self) -> u64 {
        self.set(0).await["refused"].as_u64().expect("a number")
    }

    async fn set(&self, seconds: u64) -> Value {
        let (hop, service) = (variable("HOLDFAST_HOP"), self.service);
        let url = format!("{hop}/_hop/refuse?service={service}&seconds={seconds}");
        let answer = self.http.get(url).send().await.expect("the hop answers");
        let text = answer.text().await.expect("text");
        let said: Value = serde_json::from_str(&text).expect("JSON");
        assert!(said["error"].is_null(), "{said}");
        said
    }
}
