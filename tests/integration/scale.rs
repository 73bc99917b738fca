//! Lists over many executions: each page costs one query of each shard, and the pages have every
//! execution once.
//!
//! The emulator reads a whole table for a query, so that its time says nothing, and CI lists 5,000
//! executions. `HOLDFAST_SCALE=100000` lists a hundred thousand.

use std::{
    collections::{BTreeSet, HashMap},
    env,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextRef,
    },
    error::BoxError,
    types::{AttributeValue, PutRequest, WriteRequest},
};
use futures_util::{StreamExt, stream};
use holdfast_aws::{DynamoLedger, ExecutionSearch, Page, Window, attribute};
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{IncidentStatus, Key, List, SHARDS, instant};
use holdfast_tests::{Stack, sdk_config};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::ledger::twin;

/// The number of executions that CI lists.
const EXECUTIONS: usize = 5_000;
const TENANT: &str = "scale";

/// Counts the requests that leave a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(pub(crate) Arc<AtomicUsize>);

impl Intercept for Requests {
    fn name(&self) -> &'static str {
        "Requests"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

fn began(n: usize) -> Timestamp {
    // Ten start in each millisecond, so that pages end between executions of one time.
    let after = SignedDuration::from_millis(n as i64 / 10);
    Timestamp::constant(1_759_150_800, 0) + after
}

pub(crate) fn id(n: usize) -> String {
    // Ids are hashes, so that their first digits spread over the shards.
    format!("{:x}{n:039x}", n % 16)
}

/// The item of an execution, with what a list shows.
fn item(n: usize) -> HashMap<String, AttributeValue> {
    let at = ExecutionKey {
        tenant: TENANT.to_owned(),
        execution: id(n),
    };
    let workflow = format!("WF-SCALE-{}", n % 7);
    let status = match n % 1000 {
        0 => "FAILED",
        _ => "EXECUTED",
    };
    let record = json!({
        "at": { "tenant": TENANT, "execution": id(n) }, "workflow": workflow, "version": 1,
        "trigger": "api", "generation": 0, "started_at": began(n), "list_status": status,
        "ended_at": began(n), "receipt": null,
    });
    let AttributeValue::M(mut item) = attribute(record) else {
        panic!("an object is a map");
    };
    let list = List::executions(&at);
    let key = Key::Execution(at);
    for (name, text) in [
        ("pk", key.pk()),
        ("sk", key.sk()),
        (list.index(), list.hash()),
        (list.range(), instant(began(n))),
    ] {
        item.insert(name.to_owned(), AttributeValue::S(text));
    }
    item
}

/// Writes `count` items, 25 in a request.
pub(crate) async fn fill(
    client: &Client,
    table: &str,
    count: usize,
    item: impl Fn(usize) -> HashMap<String, AttributeValue>,
) {
    let batches = (0..count).step_by(25).map(|first| {
        let puts = (first..count.min(first + 25)).map(|n| {
            let put = PutRequest::builder().set_item(Some(item(n))).build();
            let put = put.expect("a put");
            WriteRequest::builder().put_request(put).build()
        });
        let puts: Vec<_> = puts.collect();
        let write = client.batch_write_item().request_items(table, puts);
        async move {
            let written = write.send().await.expect("a batch is written");
            let left = written.unprocessed_items.unwrap_or_default();
            assert!(left.is_empty(), "the emulator writes all of a batch");
        }
    });
    stream::iter(batches).buffer_unordered(8).count().await;
}

#[tokio::test]
async fn a_page_costs_a_query_of_each_shard_and_the_pages_have_every_execution_once() {
    // The stack is needed for its table's description alone.
    let _stack = Stack::from_env().await;
    let config = sdk_config().load().await;
    let client = Client::new(&config);
    let table = twin(&client).await;
    let count = env::var("HOLDFAST_SCALE").ok();
    let count = count.map_or(EXECUTIONS, |count| count.parse().expect("a number"));
    fill(&client, &table, count, item).await;
    let requests = Requests::default();
    let counted = aws_sdk_dynamodb::config::Builder::from(&config).interceptor(requests.clone());
    let ledger = DynamoLedger::new(Client::from_conf(counted.build()), &table);
    let window = |from: Option<usize>, until: Option<usize>| Window {
        from: from.map(began),
        until: until.map(began),
        after: None,
    };
    let of = |workflow: Option<&str>, status: Option<&str>| ExecutionSearch {
        workflow: workflow.map(str::to_owned),
        status: status.map(str::to_owned),
        ..ExecutionSearch::default()
    };
    for (search, window) in [
        (of(None, None), window(None, None)),
        (of(None, None), window(Some(count / 3), Some(count / 2))),
        (of(Some("WF-SCALE-3"), None), window(None, None)),
        (of(None, Some("EXECUTED")), window(None, None)),
        (of(None, Some("FAILED")), window(None, None)),
        (of(None, Some("RUNNING")), window(None, None)),
    ] {
        let before = requests.0.load(Ordering::Relaxed);
        let page = ledger.executions(TENANT, &search, &window, 25).await;
        let page: Page<_> = page.expect("a page");
        let queries = requests.0.load(Ordering::Relaxed) - before;
        assert_eq!(queries, usize::from(SHARDS), "{search:?}");
        assert!(page.next.is_some(), "{search:?}");
    }
    let before = requests.0.load(Ordering::Relaxed);
    let none = window(None, None);
    let open = ledger
        .incidents(TENANT, IncidentStatus::Open, &none, 25)
        .await;
    assert_eq!(open.map(|page| page.entries.len()), Ok(0));
    let asked = ledger.questions(TENANT, &none, 25).await;
    assert_eq!(asked.map(|page| page.entries.len()), Ok(0));
    assert_eq!(requests.0.load(Ordering::Relaxed) - before, 2);
    // Every execution once, in pages that end between executions of one time.
    let (mut window, mut seen, mut last) = (none, BTreeSet::new(), None);
    loop {
        let page = ledger
            .executions(TENANT, &of(None, None), &window, count / 4 + 3)
            .await;
        let page = page.expect("a page");
        for ((at, id), listed) in page.entries {
            assert!(last.is_none_or(|last| at <= last), "{id} is out of order");
            assert!(seen.insert(listed.at.execution), "{id} is listed twice");
            last = Some(at);
        }
        match page.next {
            Some(next) => window.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen.len(), count);
    let gone = client.delete_table().table_name(table).send().await;
    gone.expect("it goes");
}
