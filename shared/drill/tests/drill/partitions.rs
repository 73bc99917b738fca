//! A simulation of 10,000 executions of one tenant: no partition of the ledger takes more than its
//! share at 3,000 starts a second.

use std::collections::BTreeMap;

use holdfast_drill::Load;
use holdfast_ledger::Partition;

use crate::set_up::drill_of;

const EXECUTIONS: usize = 10_000;
/// Starts of one tenant in a second.
const STARTS: u64 = 3_000;
/// Units that a partition has in a second
/// (docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
const LIMIT: Load = Load {
    reads: 3_000,
    writes: 1_000,
};

/// The units that a partition may use for [`EXECUTIONS`].
fn share(limit: u64) -> u64 {
    limit * EXECUTIONS as u64 / STARTS
}

/// The loads of the executions of a workflow of two steps.
fn loads(tier: &str) -> BTreeMap<Partition, Load> {
    let step = |name: &str| {
        format!(
            "  - name: {name}\n    action: http\n    input: {{ method: POST, url: \
             \"${{VendorSystemUrl}}/notifications\", body: {{ team: t, message: m }} }}\n    \
             irreversible: true\n"
        )
    };
    let head = format!("workflow: WF-MANY\nversion: 1\ntier: {tier}\ninput: {{ type: object }}\n");
    let source = format!("{head}steps:\n{}{}", step("tell"), step("close"));
    drill_of(&source).loads(EXECUTIONS).expect("they execute")
}

/// The partitions that use more than their share.
fn over(loads: &BTreeMap<Partition, Load>) -> Vec<(&Partition, &Load)> {
    let over = |load: &Load| load.reads > share(LIMIT.reads) || load.writes > share(LIMIT.writes);
    loads.iter().filter(|(_, load)| over(load)).collect()
}

/// The loads of lists without shards.
fn unsharded(loads: &BTreeMap<Partition, Load>, index: &str) -> BTreeMap<Partition, Load> {
    let mut all = BTreeMap::<Partition, Load>::new();
    for (partition, load) in loads {
        let mut partition = partition.clone();
        if partition.index == Some(index) {
            partition.hash = partition.hash.trim_end_matches(char::is_numeric).to_owned();
        }
        all.entry(partition).or_default().writes += load.writes;
    }
    all
}

fn no_partition_takes_more_than_its_share(tier: &str) {
    let loads = loads(tier);
    assert_eq!(over(&loads), []);
    for index in ["listed", "open"] {
        let unsharded = unsharded(&loads, index);
        let over = over(&unsharded).into_iter();
        let over: Vec<_> = over.map(|(partition, _)| partition.index).collect();
        assert_eq!(
            over,
            [Some(index)],
            "the simulation would see {index} without shards"
        );
    }
}

#[test]
fn no_partition_takes_more_than_its_share_of_3000_standard_starts_a_second() {
    no_partition_takes_more_than_its_share("standard");
}

#[test]
fn no_partition_takes_more_than_its_share_of_3000_express_starts_a_second() {
    no_partition_takes_more_than_its_share("express");
}
