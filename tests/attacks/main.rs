//! Attacks on the running stack through its public doors, and on the tools of its operators.
//!
//! Each test tries the rows of a table, and fails with the rows that succeed. Each table has an
//! honest row beside them, which must succeed: without it, a broken request would look like a
//! refused attack. `SECURITY.md` lists the attacks.

mod approvals;
mod bombs;
mod claims;
mod envelopes;
mod environment;
mod forged;
mod links;
mod receipts;
mod templates;
mod urls;

use std::path::PathBuf;

/// Fails with the attacks that succeeded.
#[track_caller]
fn none_succeeded(succeeded: &[String]) {
    assert!(
        succeeded.is_empty(),
        "these attacks succeed:\n{}",
        succeeded.join("\n")
    );
}

/// The path of a built program of this workspace.
fn built(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this program has a place");
    let built = tests.ancestors().nth(2).expect("the folder of programs");
    built.join(name)
}

/// The folder of the repository.
fn repository() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
