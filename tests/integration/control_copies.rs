//! The copies of the list of paused scopes in a table like the stack's: one request while nothing
//! is paused, every pause in effect at once, and no copy that differs from the others.

use std::{collections::HashMap, sync::atomic::Ordering};

use aws_sdk_dynamodb::{Client, types::AttributeValue};
use futures_util::future::join_all;
use holdfast_aws::DynamoLedger;
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_ledger::{
    COPIES, Control, ControlState, Expect, Key, Ledger, PauseBehavior, PausedScopes, Put, Request,
    Scope, control, paused,
};
use holdfast_tests::{Stack, sdk_config};
use jiff::{SignedDuration, Timestamp};

use crate::{ledger::twin, scale::Requests};

/// A ledger in a table of its own, and a count of its requests.
struct Room {
    client: Client,
    table: String,
    ledger: DynamoLedger,
    requests: Requests,
}

impl Room {
    async fn open() -> Self {
        let config = sdk_config().load().await;
        let client = Client::new(&config);
        let table = twin(&client).await;
        let requests = Requests::default();
        let counted =
            aws_sdk_dynamodb::config::Builder::from(&config).interceptor(requests.clone());
        Self {
            ledger: DynamoLedger::new(Client::from_conf(counted.build()), &table),
            client,
            table,
            requests,
        }
    }

    /// The control that pauses an execution of this tenant, and the number of requests of the read.
    async fn pause_of(&self, tenant: &str) -> (Option<Control>, usize) {
        let before = self.requests.0.load(Ordering::Relaxed);
        let read = self.ledger.phase_and_controls(&at(tenant), "WF-X").await;
        let (execution, controls) = read.expect("it is read");
        assert_eq!(execution, None);
        let requests = self.requests.0.load(Ordering::Relaxed) - before;
        (paused(&controls).cloned(), requests)
    }

    async fn set(&self, scope: &Scope, state: ControlState) {
        let stored = self.ledger.read(scope).await.expect("it is read");
        let next = changed(stored.as_ref(), scope, state);
        let expect = Expect::after(stored.as_ref());
        let put = self.ledger.put(&next, expect).await;
        assert_eq!(put, Ok(Put::Done), "{scope:?}");
    }

    /// The items of all copies, which have their keys alone of their own.
    async fn copies(&self) -> Vec<HashMap<String, AttributeValue>> {
        let read = (0..COPIES).map(|number| async move {
            let found = self.item(number).send().await.expect("it is read");
            let mut item = found.item.unwrap_or_default();
            item.remove("pk");
            item
        });
        join_all(read).await
    }

    fn item(
        &self,
        copy: u8,
    ) -> aws_sdk_dynamodb::operation::get_item::builders::GetItemFluentBuilder {
        let key = Key::ControlCopy(copy);
        let get = self.client.get_item().table_name(&self.table);
        get.key("pk", AttributeValue::S(key.pk()))
            .key("sk", AttributeValue::S(key.sk()))
            .consistent_read(true)
    }
}

fn at(tenant: &str) -> ExecutionKey {
    ExecutionKey {
        tenant: tenant.to_owned(),
        execution: execution_id(tenant, "WF-X", "k"),
    }
}

fn tenant(name: &str) -> Scope {
    Scope::Tenant(name.to_owned())
}

fn changed(stored: Option<&Control>, scope: &Scope, state: ControlState) -> Control {
    let request = Request {
        by: "root".to_owned(),
        reason: "a leak".to_owned(),
    };
    let (behavior, now) = (PauseBehavior::Wait, Timestamp::now());
    control(stored, scope, state, behavior, &request, now).expect("it changes")
}

fn minutes_ago(minutes: i64) -> Timestamp {
    Timestamp::now() - SignedDuration::from_mins(minutes)
}

#[tokio::test]
async fn a_pause_takes_effect_at_once_through_copies_that_never_differ() {
    let _stack = Stack::from_env().await;
    let room = Room::open().await;
    // A table of an earlier release has controls and no copies.
    let legacy = changed(None, &tenant("legacy"), ControlState::Paused);
    let put = room.ledger.put(&legacy, Expect::Absent).await;
    assert_eq!(put, Ok(Put::Done));
    let (pause, requests) = room.pause_of("legacy").await;
    assert_eq!((pause, requests), (Some(legacy.clone()), 2));
    assert_eq!(room.ledger.check_copies(minutes_ago(12)).await, Ok(true));
    // The probation of these copies has ended two minutes ago.
    assert_eq!(room.pause_of("acme").await, (None, 1));
    assert_eq!(room.pause_of("legacy").await.0, Some(legacy.clone()));

    room.set(&tenant("acme"), ControlState::Paused).await;
    assert!(room.pause_of("acme").await.0.is_some());
    assert_eq!(room.pause_of("globex").await, (None, 1));
    let before = room.copies().await;
    let lost = room.ledger.put(&legacy, Expect::Absent).await;
    assert_eq!(lost, Ok(Put::Lost(Some(Box::new(legacy)))));
    assert_eq!(room.copies().await, before, "a lost write changes no copy");
    room.set(&tenant("acme"), ControlState::Running).await;
    assert_eq!(room.pause_of("acme").await, (None, 1));

    // Concurrent changes of several scopes, beside a check.
    let names = ["a", "b", "c", "d", "e", "f"].map(tenant);
    let sets = names.iter().map(|one| room.set(one, ControlState::Paused));
    let (_, checked) = tokio::join!(join_all(sets), room.ledger.check_copies(Timestamp::now()));
    checked.expect("it is done, or a change was first");
    for name in ["a", "b", "c", "d", "e", "f", "legacy"] {
        assert!(room.pause_of(name).await.0.is_some(), "{name}");
    }
    assert_eq!(room.pause_of("acme").await, (None, 1));
    let copies = room.copies().await;
    assert!(copies.iter().all(|copy| *copy == copies[0]), "{copies:#?}");
    assert!(copies[0].contains_key("scopes"));

    // A copy that is gone or past its time is not believed, and a check repairs it.
    let mine = Key::ControlCopy(PausedScopes::copy_of(&at("acme")));
    let delete = room.client.delete_item().table_name(&room.table);
    let delete = delete.key("pk", AttributeValue::S(mine.pk()));
    let delete = delete.key("sk", AttributeValue::S(mine.sk()));
    delete.send().await.expect("it is deleted");
    assert_eq!(room.pause_of("acme").await, (None, 2));
    room.set(&Scope::Platform, ControlState::Paused).await;
    assert!(room.pause_of("acme").await.0.is_some());
    assert_eq!(room.ledger.check_copies(minutes_ago(12)).await, Ok(true));
    assert!(room.pause_of("acme").await.0.is_some());
    room.set(&Scope::Platform, ControlState::Running).await;
    assert_eq!(room.pause_of("acme").await, (None, 1));
    assert_eq!(room.ledger.check_copies(minutes_ago(30)).await, Ok(true));
    assert_eq!(room.pause_of("acme").await, (None, 2), "past its time");
    let gone = room.client.delete_table().table_name(&room.table).send();
    gone.await.expect("it goes");
}
