//! Receipts as a tenant downloads them.
//!
//! Every receipt that a test reads is checked here: it has the SHA-256 that its link promised, is
//! canonical JSON, and is valid by the published schema.

use std::sync::LazyLock;

use holdfast_ids::digest::{canonical, sha256_hex};
use jsonschema::Validator;
use serde_json::Value;

use crate::{Api, Reply};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let published = include_str!("../../docs/schemas/receipt.json");
    let published = serde_json::from_str(published).expect("the schema is JSON");
    let options = jsonschema::options().should_validate_formats(true);
    options.build(&published).expect("a valid schema")
});

/// A receipt, and the link that led to it.
#[derive(Debug)]
pub struct ReceiptDownload {
    /// The API's answer, with the link.
    pub link: Value,
    /// The answer of the link.
    pub file: Reply,
    /// The receipt in that answer.
    pub receipt: Value,
}

impl Api {
    /// Fetches the receipt of an execution that has one.
    ///
    /// # Panics
    ///
    /// Panics if the file is not a valid receipt, or not the one that the link promises.
    pub async fn receipt(&self, id: &str) -> ReceiptDownload {
        self.receipt_at(&format!("/v1/executions/{id}/receipt"))
            .await
    }

    /// Fetches the receipt of an execution generation.
    ///
    /// # Panics
    ///
    /// Panics if the file is not a valid receipt, or not the one that the link promises.
    pub async fn receipt_of(&self, id: &str, generation: u32) -> ReceiptDownload {
        self.receipt_at(&format!(
            "/v1/executions/{id}/receipt?generation={generation}"
        ))
        .await
    }

    async fn receipt_at(&self, path: &str) -> ReceiptDownload {
        let link = self.get(path).await;
        assert_eq!(link.status, 200, "{}", link.body);
        let file = self.fetch(link.body["url"].as_str().expect("a url")).await;
        assert_eq!(file.status, 200, "{}", file.body);
        let receipt = valid_receipt(file.text.as_bytes());
        assert_eq!(link.body["sha256"], sha256_hex(file.text.as_bytes()));
        ReceiptDownload {
            link: link.body,
            file,
            receipt,
        }
    }
}

/// Reads a receipt and checks its form.
///
/// # Panics
///
/// Panics with every error if it is not a valid receipt.
pub fn valid_receipt(bytes: &[u8]) -> Value {
    let receipt: Value = serde_json::from_slice(bytes).expect("a receipt is JSON");
    assert_eq!(canonical(&receipt).as_deref(), Ok(bytes), "canonical JSON");
    let errors = SCHEMA.iter_errors(&receipt);
    let errors: Vec<_> = errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{receipt:#}\n{errors:#?}");
    receipt
}
