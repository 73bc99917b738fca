//! The ledger's contract, kept by the stack's table, and by any other that the environment names.

use std::env;

use aws_config::BehaviorVersion;
use holdfast_aws::DynamoLedger;
use holdfast_core::ledger::contract::check_all;
use holdfast_tests::{unique, variable};

async fn assert_kept(ledger: &DynamoLedger) {
    let broken: Vec<_> = check_all(ledger, &unique("contract"))
        .await
        .into_iter()
        .filter(|(_, result)| result.is_err())
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[tokio::test]
async fn the_stacks_table_keeps_the_ledgers_contract() {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    assert_kept(&DynamoLedger::new(
        aws_sdk_dynamodb::Client::new(&config),
        variable("HOLDFAST_LEDGER_TABLE"),
    ))
    .await;
}

/// `HOLDFAST_CONTRACT_TABLE`, at `HOLDFAST_CONTRACT_ENDPOINT` or, without it, in the account of the credentials.
#[tokio::test]
#[ignore = "needs HOLDFAST_CONTRACT_TABLE: a table with the keys pk and sk that may be written to"]
async fn a_table_of_your_choice_keeps_the_ledgers_contract() {
    let mut config = aws_config::defaults(BehaviorVersion::latest());
    if let Ok(endpoint) = env::var("HOLDFAST_CONTRACT_ENDPOINT") {
        config = config.endpoint_url(endpoint);
    }
    let client = aws_sdk_dynamodb::Client::new(&config.load().await);
    assert_kept(&DynamoLedger::new(
        client,
        variable("HOLDFAST_CONTRACT_TABLE"),
    ))
    .await;
}
