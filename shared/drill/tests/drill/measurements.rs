//! The counts of a measured run are those of the documented budgets.

use std::fmt::Write;

use crate::set_up::drill_of;
use holdfast_drill::{Scenario, Usage};
use holdfast_ledger::Key;

/// A workflow of plain steps, as `make bench` runs it.
fn plain(steps: usize) -> String {
    let mut text = "workflow: WF-BENCH\nversion: 1\ninput: { type: object }\nsteps:\n".to_owned();
    for n in 0..steps {
        write!(
            text,
            "  - name: notify_{n}\n    action: http\n    input: {{ method: POST, url: \
             \"${{VendorSystemUrl}}/notifications\", body: {{ team: t, message: \"{n}\" }} }}\n    \
             irreversible: true\n"
        )
        .expect("a text");
    }
    text
}

fn happy(source: &str) -> Usage {
    let measured = drill_of(source)
        .measure(&Scenario::default())
        .expect("it runs");
    assert_eq!(measured.status.as_deref(), Some("EXECUTED"));
    measured.usage
}

#[test]
fn a_success_of_n_steps_keeps_to_its_budget_of_requests() {
    for n in [2, 5, 20] {
        let usage = happy(&plain(n as usize));
        assert_eq!(usage.transitions, n + 2, "{n} steps");
        assert_eq!(usage.calls, n + 2, "{n} steps");
        // Begin, claim and outcome of each step, status and receipt.
        let writes = 2 * n + 3;
        // The registration of the tenant, begin, each attempt, and the query of the end.
        let reads = 1 + (n + 1) + 1;
        assert_eq!(usage.ledger_requests, writes + reads, "{n} steps");
        // Begin and each attempt read one copy of the list of paused scopes, for one unit.
        let copies = usage.partitions.iter();
        let copies = copies.filter(|(one, _)| one.hash.starts_with(Key::CONTROL_PREFIX));
        let units: Vec<_> = copies.map(|(_, load)| (load.reads, load.writes)).collect();
        assert_eq!(units, [(n + 1, 0)], "{n} steps");
        assert_eq!((usage.events, usage.step_details), (2 * n + 3, n));
        assert_eq!(usage.objects_put, 1, "{n} steps");
        assert_eq!(usage.receipts_signed, 1, "{n} steps");
        assert_eq!(usage.target_calls, n, "{n} steps");
    }
}
