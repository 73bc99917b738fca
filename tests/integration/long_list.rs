//! The console's list of executions in real Chromium, with many rows in the stack's ledger: the
//! memory of the page does not grow with them.

use std::{collections::HashMap, env};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{Key, List, instant};
use holdfast_tests::{Stack, sdk_config, unique, variable};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{console::driven, scale};

/// The number of executions in CI: eight pages.
const ROWS: usize = 400;

type Item = HashMap<String, AttributeValue>;

/// The item of an execution of the stack.
async fn item_of(client: &Client, table: &str, at: &ExecutionKey) -> Item {
    let key = Key::Execution(at.clone());
    let get = client.get_item().table_name(table).consistent_read(true);
    let get = get.key("pk", AttributeValue::S(key.pk()));
    let found = get.key("sk", AttributeValue::S(key.sk())).send().await;
    found.expect("an answer").item.expect("a record")
}

/// A copy of `item` as the `n`th execution before it.
fn copy(item: &Item, tenant: &str, n: usize) -> Item {
    let (tenant, execution) = (tenant.to_owned(), scale::id(n));
    let at = ExecutionKey { tenant, execution };
    let began = Timestamp::now() - SignedDuration::from_secs(60 + n as i64);
    let list = List::executions(&at);
    let own = [
        ("pk", Key::Execution(at.clone()).pk()),
        ("sk", Key::Execution(at.clone()).sk()),
        (list.index(), list.hash()),
        (list.range(), instant(began)),
        ("started_at", began.to_string()),
    ];
    let mut copy = item.clone();
    copy.extend(own.map(|(name, text)| (name.to_owned(), AttributeValue::S(text))));
    let key = [("tenant", at.tenant), ("execution", at.execution)];
    let key = key.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
    copy.insert("at".to_owned(), AttributeValue::M(key.into()));
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_of_executions_keeps_one_page_in_the_memory_of_the_browser() {
    let stack = Stack::from_env().await;
    let tenant = stack.aws.new_tenant("long");
    let api = stack.api.as_tenant(&tenant);
    let input = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let first = api
        .started("WF-HOLD-VENDOR-GROUP", &unique("long"), &input)
        .await;
    api.finished(&first).await;
    let client = Client::new(&sdk_config().load().await);
    let table = variable("HOLDFAST_LEDGER_TABLE");
    let at = ExecutionKey {
        tenant: tenant.clone(),
        execution: first,
    };
    let item = item_of(&client, &table, &at).await;
    let rows = env::var("HOLDFAST_CONSOLE_ROWS").ok();
    let rows = rows.map_or(ROWS, |rows| rows.parse().expect("a number"));
    let copies = rows - 1;
    scale::fill(&client, &table, copies, |n| copy(&item, &tenant, n)).await;
    let said = driven("memory.mjs", &json!({ "tenant": tenant, "rows": rows }));
    eprintln!("{said}");
}
