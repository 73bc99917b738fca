//! Receipts as a tenant fetches them. Each that a test reads passes here: it is the file that its link promised, canonical
//! JSON, and valid by the published schema.

use std::sync::LazyLock;

use holdfast_ids::digest::{canonical, sha256_hex};
use jsonschema::Validator;
use serde_json::Value;

use crate::{Api, Reply};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let published = include_str!("../../docs/schemas/receipt.json");
    let published = serde_json::from_str(published).expect("the schema is JSON");
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&published).expect("the schema is one")
});

/// A receipt and the link that led to it.
#[derive(Debug)]
pub struct Fetched {
    /// Fault the API answered.
    pub link: Value,
    /// Fault the link answered.
    pub file: Reply,
    /// Fault that says.
    pub receipt: Value,
}

impl Api {
    /// Fetches the receipt of an execution that has one.
    ///
    /// # Panics
    ///
    /// Panics if it is not a receipt, or not the one that was promised.
    pub async fn receipt(&self, id: &str) -> Fetched {
        self.receipt_at(&format!("/v1/executions/{id}/receipt"))
            .await
    }

    /// Fetches the receipt of a generation.
    ///
    /// # Panics
    ///
    /// Panics if it is not a receipt, or not the one that was promised.
    pub async fn receipt_of(&self, id: &str, generation: u32) -> Fetched {
        self.receipt_at(&format!(
            "/v1/executions/{id}/receipt?generation={generation}"
        ))
        .await
    }

    async fn receipt_at(&self, path: &str) -> Fetched {
        let link = self.get(path).await;
        assert_eq!(link.status, 200, "{}", link.body);
        let file = self.fetch(link.body["url"].as_str().expect("a url")).await;
        assert_eq!(file.status, 200, "{}", file.body);
        let receipt = valid_receipt(file.text.as_bytes());
        assert_eq!(link.body["sha256"], sha256_hex(file.text.as_bytes()));
        Fetched {
            link: link.body,
            file,
            receipt,
        }
    }
}

/// Reads a receipt.
///
/// # Panics
///
/// Panics with every place that is wrong if it is none.
pub fn valid_receipt(bytes: &[u8]) -> Value {
    let receipt: Value = serde_json::from_slice(bytes).expect("a receipt is JSON");
    assert_eq!(canonical(&receipt).as_deref(), Ok(bytes), "canonical JSON");
    let wrong = SCHEMA.iter_errors(&receipt);
    let wrong: Vec<_> = wrong
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{receipt:#}\n{wrong:#?}");
    receipt
}
