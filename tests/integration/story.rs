//! `holdfast logs` and `holdfast watch` show an execution's story from the running stack.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use holdfast_tests::{DELAY, Stack, unique, valid_receipt};
use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::{hold, rollback::hanging};

/// The path of a built program of this workspace.
pub(crate) fn built(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("this program has a place");
    let built = tests.ancestors().nth(2).expect("the folder of programs");
    built.join(name)
}

/// Runs the built command; gives true if it succeeded, and its whole output.
pub(crate) async fn holdfast(arguments: &[&str]) -> (bool, String) {
    let mut run = Command::new(built("holdfast"));
    run.args(arguments);
    said(run).await
}

/// Runs the built command with the token of a caller.
pub(crate) async fn holdfast_as(token: &str, arguments: &[&str]) -> (bool, String) {
    let mut run = Command::new(built("holdfast"));
    run.args(arguments).env("HOLDFAST_TOKEN", token);
    said(run).await
}

/// Runs the built command in a terminal, and does `then` as soon as it shows `words`. Gives true if
/// it succeeded, and its whole output.
async fn in_a_terminal(
    arguments: &[&str],
    words: &str,
    then: impl Future<Output = ()>,
) -> (bool, String) {
    let script =
        "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
    let mut run = tokio::process::Command::new("python3");
    let run = run.args(["-c", script]).arg(built("holdfast"));
    let run = run.args(arguments).stdin(Stdio::null());
    let mut run = run.stdout(Stdio::piped()).spawn().expect("it runs");
    let mut output = run.stdout.take().expect("its output");
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains(words) {
        let read = output.read_buf(&mut shown).await.expect("its output");
        assert!(read > 0, "{}", String::from_utf8_lossy(&shown));
    }
    then.await;
    let rest = output.read_to_end(&mut shown).await;
    rest.expect("its output");
    let ended = run.wait().await.expect("it ends");
    (
        ended.success(),
        String::from_utf8_lossy(&shown).into_owned(),
    )
}

/// Runs a program; gives true if it succeeded, and its whole output.
pub(crate) async fn said(mut run: Command) -> (bool, String) {
    let ran = tokio::task::spawn_blocking(move || run.stdin(Stdio::null()).output());
    let ran = ran
        .await
        .expect("it runs")
        .expect("it is built: cargo build");
    let said = [ran.stdout, ran.stderr].concat();
    (
        ran.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

/// True if the text contains these words in this order.
fn in_order(text: &str, words: &[&str]) -> bool {
    let mut rest = text;
    words.iter().all(|word| match rest.split_once(word) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[tokio::test]
async fn watch_follows_an_execution_to_its_receipt_and_logs_shows_the_same_story() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let fault = json!({ "route": "POST /holds", "count": 1, "kind": { "status": 429 }, "vendor_id": vendor });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("story"), &hold(&vendor))
        .await;
    let (fine, watched) = holdfast(&["watch", &id]).await;
    assert!(fine, "{watched}");
    let story = [
        "started",
        "step.started          apply_vendor_hold  attempt 1",
        "step.failed           apply_vendor_hold  attempt 1, outcome transient",
        "step.retried          apply_vendor_hold  attempt 2",
        "step.completed        apply_vendor_hold  attempt 2, outcome succeeded",
        "step.completed        notify_ap_team",
        "completed             ",
        "status EXECUTED",
        "receipt.generated",
    ];
    assert!(in_order(&watched, &story), "{watched}");
    let (fine, printed) = holdfast(&["logs", &id]).await;
    assert!(fine && in_order(&printed, &story), "{printed}");
    let file = std::env::temp_dir().join(format!("{id}.json"));
    let to = file.to_str().expect("a path");
    let (fine, said) = holdfast(&["receipt", "get", &id, "--to", to]).await;
    assert!(fine, "{said}");
    let receipt = valid_receipt(&std::fs::read(&file).expect("a file"));
    assert_eq!(receipt["execution_id"], *id);
    let keys = stack.api.get("/v1/keys").await;
    assert_eq!(keys.status, 200, "{}", keys.body);
    let set = std::env::temp_dir().join(format!("{id}.jwks"));
    std::fs::write(&set, keys.body.to_string()).expect("it is written");
    let jwks = set.to_str().expect("a path");
    let (fine, said) = holdfast(&["receipt", "verify", to, "--jwks", jwks]).await;
    assert!(
        fine && said.contains("signed by") && said.contains("EXECUTED"),
        "{said}"
    );
    let page = file.with_extension("html");
    let (fine, said) = holdfast(&["receipt", "page", to, "--jwks", jwks]).await;
    assert!(fine, "{said}");
    let shown = std::fs::read_to_string(&page).expect("a page");
    assert!(
        shown.contains("Signed by") && shown.contains(&id),
        "{shown}"
    );
    let (fine, said) = holdfast(&["receipt", "page", to, "--jwks", jwks]).await;
    assert!(!fine && said.contains("exists"), "{said}");
    let altered = std::fs::read_to_string(&file)
        .expect("a file")
        .replace("EXECUTED", "EXECUTEd");
    let forged = std::env::temp_dir().join(format!("{id}-forged.json"));
    std::fs::write(&forged, altered).expect("it is written");
    let forged_name = forged.to_str().expect("a path");
    let (fine, said) = holdfast(&["receipt", "verify", forged_name, "--jwks", jwks]).await;
    assert!(
        !fine && said.contains("the signature does not fit"),
        "{said}"
    );
    let (fine, again) = holdfast(&["receipt", "get", &id, "--to", to]).await;
    assert!(fine && again.contains(to), "{again}");
    let (fine, said) = holdfast(&["receipt", "get", &id, "--to", forged_name]).await;
    assert!(!fine && said.contains("differs"), "{said}");
    for made in [file, set, forged, page] {
        std::fs::remove_file(made).expect("it goes");
    }
}

#[tokio::test]
async fn the_last_line_in_a_terminal_names_the_running_attempt() {
    let stack = Stack::from_env().await;
    let (id, notification) = hanging(&stack, &unique("vendor"), &unique("watched")).await;
    // On a slow machine the first attempt is over before the command shows it.
    let attempt = "notify_ap_team attempt ";
    let (fine, watched) = in_a_terminal(&["watch", &id], attempt, notification.unblock()).await;
    assert!(
        fine && in_order(&watched, &[attempt, "receipt.generated"]),
        "{watched}"
    );
}

#[tokio::test]
async fn watch_fails_for_a_rolled_back_and_for_a_missing_execution() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let fault = json!({ "route": "POST /notifications", "count": 1, "kind": { "status": 400 }, "match": vendor });
    stack.vendor.plan(fault).await;
    let id = stack
        .api
        .started(DELAY, &unique("story"), &hold(&vendor))
        .await;
    let (fine, watched) = holdfast(&["watch", &id]).await;
    assert!(
        !fine
            && in_order(
                &watched,
                &["rollback.started", "step.undone", "ended ROLLED_BACK"]
            ),
        "{watched}"
    );
    let (fine, printed) = holdfast(&["logs", &id, "--tenant", "globex"]).await;
    assert!(!fine && printed.contains("no execution"), "{printed}");
    let (fine, printed) = holdfast(&["logs", "../x"]).await;
    assert!(!fine && printed.contains("40 digits"), "{printed}");
}
