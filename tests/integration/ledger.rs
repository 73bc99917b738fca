//! The contract tests of the ledger at a table like the stack's, and at any table that the
//! environment names.

use std::env;

use aws_sdk_dynamodb::{
    Client,
    types::{BillingMode, GlobalSecondaryIndex},
};
use holdfast_aws::DynamoLedger;
use holdfast_ledger::{Ledger, Link, contract::check_all};
use holdfast_tests::{Stack, sdk_config, unique, variable};

async fn assert_kept(ledger: &DynamoLedger) {
    let broken: Vec<_> = check_all(ledger, &unique("contract"))
        .await
        .into_iter()
        .filter(|(_, result)| result.is_err())
        .collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Creates a table with the keys and indexes of the stack's. The stack's sweep must not find the
/// records that the contract tests leave open.
pub(crate) async fn twin(client: &Client) -> String {
    let name = unique("twin");
    let stacks = client.describe_table();
    let stacks = stacks.table_name(variable("HOLDFAST_LEDGER_TABLE"));
    let stacks = stacks.send().await.expect("the stack's table");
    let stacks = stacks.table.expect("a description");
    let indexes = stacks.global_secondary_indexes().iter().map(|index| {
        GlobalSecondaryIndex::builder()
            .set_index_name(index.index_name.clone())
            .set_key_schema(index.key_schema.clone())
            .set_projection(index.projection.clone())
            .build()
            .expect("an index")
    });
    client
        .create_table()
        .table_name(&name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(stacks.attribute_definitions.clone())
        .set_key_schema(stacks.key_schema.clone())
        .set_global_secondary_indexes(Some(indexes.collect()))
        .send()
        .await
        .expect("a table");
    name
}

#[tokio::test]
async fn a_table_like_the_stacks_passes_the_contract_tests() {
    let _stack = Stack::from_env().await;
    let client = Client::new(&sdk_config().load().await);
    let table = twin(&client).await;
    assert_kept(&DynamoLedger::new(client.clone(), &table)).await;
    let gone = client.delete_table().table_name(table).send().await;
    gone.expect("it goes");
}

/// Runs at `HOLDFAST_CONTRACT_TABLE`, at `HOLDFAST_CONTRACT_ENDPOINT` or else in the account of the
/// credentials.
#[tokio::test]
#[ignore = "needs HOLDFAST_CONTRACT_TABLE: a table with the keys pk and sk that may be written to"]
async fn a_table_of_your_choice_passes_the_contract_tests() {
    let mut config = sdk_config();
    if let Ok(endpoint) = env::var("HOLDFAST_CONTRACT_ENDPOINT") {
        config = config.endpoint_url(endpoint);
    }
    let client = Client::new(&config.load().await);
    assert_kept(&DynamoLedger::new(
        client,
        variable("HOLDFAST_CONTRACT_TABLE"),
    ))
    .await;
}

#[tokio::test]
async fn an_incidents_link_keeps_its_last_report_to_the_millisecond() {
    let _stack = Stack::from_env().await;
    let client = Client::new(&sdk_config().load().await);
    let ledger = DynamoLedger::new(client, variable("HOLDFAST_LEDGER_TABLE"));
    let incident = unique("incident");
    let link = |at: &str, status: &str| Link {
        incident: incident.clone(),
        tenant: "acme".to_owned(),
        execution: "0".repeat(40),
        generation: 0,
        at: at.parse().expect("a time"),
        status: status.to_owned(),
        stands: Vec::new(),
        stands_total: 0,
        certain: None,
        reason: None,
        standing: false,
        settled: None,
        workflow: None,
        version: None,
        subject: None,
    };
    // Compared as texts, the first time would be the later one.
    for (at, status) in [
        ("2026-11-26T12:00:00.12Z", "WAITING"),
        ("2026-11-26T12:00:00.123Z", "FAILED"),
    ] {
        ledger.put_link(&link(at, status)).await.expect("it is put");
    }
    let late = link("2026-11-26T12:00:00.12Z", "WAITING");
    ledger.put_link(&late).await.expect("it comes too late");
    let links = ledger
        .links("acme", &incident)
        .await
        .expect("they are read");
    let statuses: Vec<_> = links.iter().map(|link| link.status.as_str()).collect();
    assert_eq!(statuses, ["FAILED"]);
}
