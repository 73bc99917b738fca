//! Tests: which keys of the ledger's table a tenant's session, and the functions' own conditions, reach. The emulator does not
//! evaluate `dynamodb:LeadingKeys`; so the conditions are held against the keys that are really built.

use std::fs;

use holdfast_core::{
    access::{Stores, session_policy},
    keys::{ExecutionKey, execution_id},
    ledger::{Counter, CounterKind, IncidentStatus, Scope},
};

use crate::{controls, counters, executions, heads, ledger};

/// The partitions of the table, and of its indexes `listed` and `of_workflow`, that hold what is a tenant's.
fn partitions(tenant: &str) -> Vec<String> {
    let at = ExecutionKey {
        tenant: tenant.to_owned(),
        execution: execution_id(tenant, "WF-A", "k"),
    };
    let counter = Counter {
        tenant: tenant.to_owned(),
        kind: CounterKind::Budget,
        name: "held".to_owned(),
        period: String::new(),
    };
    vec![
        at.partition(),
        executions::list_of_executions(tenant),
        executions::workflow_list(tenant, "WF-A"),
        ledger::incident_partition(tenant, "0"),
        ledger::listed(tenant, IncidentStatus::Open),
        counters::place(&counter).0,
    ]
}

fn control_partitions() -> Vec<String> {
    let around = Scope::around("acme", "WF-A");
    around.iter().map(controls::partition).collect()
}

#[test]
fn a_session_reaches_everything_of_its_tenant_and_nothing_else() {
    let stores = Stores {
        table: "table".to_owned(),
        bucket: "bucket".to_owned(),
    };
    let policy = session_policy(&stores, "acme");
    let keys =
        &policy["Statement"][0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let prefix = keys[0].as_str().and_then(|key| key.strip_suffix('*'));
    let prefix = prefix.expect("one prefix");
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
    let reached = |partition: &String| partition.starts_with(prefix);
    for own in partitions("acme") {
        assert!(reached(&own), "{own}");
    }
    let others = ["acm", "acme-2", "globex"].map(partitions).concat();
    // The index `open` has shards of all tenants' executions, and all their incidents.
    let shards = (0..ledger::SHARDS).map(|shard| shard.to_string());
    let shared = [controls::CONTROLS, heads::CHAINS, ledger::INCIDENTS].map(str::to_owned);
    let all = others.into_iter().chain(control_partitions()).chain(shards);
    for other in all.chain(shared) {
        assert!(!reached(&other), "{other}");
    }
}

#[test]
fn the_conditions_in_the_template_fit_the_keys_they_are_about_and_no_tenants() {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let template = fs::read_to_string(template).expect("the template");
    let prefix = format!("dynamodb:LeadingKeys: [\"{}*\"]", controls::CONTROL);
    assert!(template.contains(&prefix), "{prefix}");
    for list in [controls::CONTROLS, heads::CHAINS] {
        let list = format!("dynamodb:LeadingKeys: [{list}]");
        assert!(template.contains(&list), "{list}");
    }
    let controls = |partition: &String| partition.starts_with(controls::CONTROL);
    assert!(control_partitions().iter().all(controls));
    assert!(!partitions("CONTROL").iter().any(controls));
}
