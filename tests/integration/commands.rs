//! The commands for people, on the stack and in a terminal: an escalation is found and decided, and
//! what a target answered is shown to those who may see outputs.

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use holdfast_access::Role;
use holdfast_tests::{Stack, tokens, unique};
use serde_json::json;

use crate::{decisions::refused, story::built, story::holdfast_as};

/// Runs the command in a terminal of 100 columns, in which a person types `typed`. Returns what the
/// terminal shows.
async fn typed(token: &str, no_color: bool, typed: &'static str, arguments: &[&str]) -> String {
    let script = "import os, pty, sys; \
                  sys.exit(os.waitstatus_to_exitcode(pty.spawn(['sh', '-c', \
                  'stty rows 40 cols 100; exec \"$0\" \"$@\"', *sys.argv[1:]])))";
    let mut run = Command::new("python3");
    run.args(["-c", script]).arg(built("holdfast"));
    run.args(arguments).env("HOLDFAST_TOKEN", token);
    run.env("TERM", "xterm").env_remove("NO_COLOR");
    if no_color {
        run.env("NO_COLOR", "1");
    }
    run.stdin(Stdio::piped()).stdout(Stdio::piped());
    let shown = tokio::task::spawn_blocking(move || {
        let mut child = run.spawn().expect("python3");
        let mut keyboard = child.stdin.take().expect("a pipe");
        keyboard.write_all(typed.as_bytes()).expect("it is typed");
        let shown = child.wait_with_output().expect("it ends");
        drop(keyboard);
        String::from_utf8_lossy(&shown.stdout).into_owned()
    });
    shown.await.expect("it runs")
}

#[tokio::test]
async fn a_newcomer_finds_and_decides_an_escalation_with_two_commands() {
    let stack = Stack::from_env().await;
    let vendor = unique("vendor");
    let (id, _) = refused(&stack, &vendor).await;
    let token = tokens::token(Role::PlatformAdmin, Some("acme"), "zoe");
    let inbox = typed(&token, false, "", &["inbox", "--limit", "1000"]).await;
    let row = inbox.lines().find(|line| line.starts_with(&id[..12]));
    let row = row.unwrap_or_else(|| panic!("{id} is not in {inbox}"));
    // The width of the terminal may cut the other decisions.
    assert!(row.contains("retry"), "{row}");
    let decide = [
        "decide",
        &id[..12],
        "retry",
        "--reason",
        "the vendor agreed",
    ];
    let refused = typed(&token, false, "n\n", &decide).await;
    assert!(refused.contains("Do it? [y/N]"), "{refused}");
    assert!(refused.contains("nothing was done"), "{refused}");
    let decided = typed(&token, false, "y\n", &decide).await;
    assert!(decided.contains("retry recorded for step"), "{decided}");
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(execution["status"], "EXECUTED", "{execution}");
    assert_eq!(receipt["decisions"][0]["by"], "zoe", "{receipt}");
}

#[tokio::test]
async fn show_and_logs_have_the_answer_of_a_target_for_those_who_may_see_outputs() {
    let stack = Stack::from_env().await;
    let (id, _) = refused(&stack, &unique("vendor")).await;
    let token = |role| tokens::token(role, Some("acme"), "zoe");
    for command in ["show", "logs"] {
        let (fine, seen) = holdfast_as(&token(Role::TenantAdmin), &[command, &id[..12]]).await;
        assert!(fine && seen.contains("at /holds:"), "{seen}");
        assert!(seen.contains("\"status\":400"), "{seen}");
        let (fine, seen) = holdfast_as(&token(Role::Observer), &[command, &id[..12]]).await;
        assert!(fine && !seen.contains("/holds"), "{seen}");
    }
    let events = stack.api.get(&format!("/v1/executions/{id}/events")).await;
    assert!(!events.text.contains("/holds"), "{}", events.text);
}

#[tokio::test]
async fn a_list_has_colours_and_the_width_of_its_terminal_and_none_with_no_color() {
    let stack = Stack::from_env().await;
    let (id, _) = refused(&stack, &unique("vendor")).await;
    let token = tokens::token(Role::TenantAdmin, Some("acme"), "zoe");
    let coloured = typed(&token, false, "", &["incidents", "--limit", "1000"]).await;
    assert!(coloured.contains("\u{1b}[31mOPEN\u{1b}[0m"), "{coloured}");
    let plain = typed(&token, true, "", &["incidents", "--limit", "1000"]).await;
    assert!(
        plain.contains("OPEN") && !plain.contains('\u{1b}'),
        "{plain}"
    );
    let widest = plain.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{plain}");
    let (_, piped) = holdfast_as(&token, &["ls", "--limit", "1000"]).await;
    assert!(
        piped.contains(&id[..12]) && !piped.contains('\u{1b}'),
        "{piped}"
    );
}

#[tokio::test]
async fn a_pause_and_a_stand_in_are_confirmed_and_listed_in_a_terminal() {
    let _stack = Stack::from_env().await;
    let admin = tokens::token(Role::PlatformAdmin, Some("acme"), "zoe");
    let name = unique("listed").to_uppercase().replace('-', "");
    let scope = format!("workflow/WF-TEST-{name}");
    let change = |what: &'static str| [what, &scope, "--new", "--reason", "drill"];
    let paused = typed(&admin, false, "y\n", &change("pause")).await;
    assert!(paused.contains(&format!("{scope} is paused")), "{paused}");
    let controls = typed(&admin, false, "", &["controls"]).await;
    let row = controls.lines().find(|line| line.starts_with(&scope));
    let row = row.unwrap_or_else(|| panic!("{scope} is not in {controls}"));
    assert!(row.contains("\u{1b}[33mpaused\u{1b}[0m"), "{row}");
    let resumed = typed(&admin, false, "y\n", &change("resume")).await;
    assert!(resumed.contains("is running"), "{resumed}");

    let member = unique("ann");
    let mut approver = tokens::claims(Role::Approver, Some("acme"), &member);
    approver["groups"] = json!(["cfo"]);
    let approver = tokens::signed(&approver);
    let set = [
        "delegations",
        "set",
        "cfo",
        "--to",
        "bob",
        "--until",
        "2h",
        "--reason",
        "away",
    ];
    let refused = typed(&approver, false, "n\n", &set).await;
    assert!(refused.contains("nothing was done"), "{refused}");
    let named = typed(&approver, false, "y\n", &set).await;
    assert!(
        named.contains("bob decides for cfo in the place of"),
        "{named}"
    );
    let list = typed(&approver, true, "", &["delegations"]).await;
    assert!(list.contains(&member) && list.contains("decides"), "{list}");
    let removed = typed(&approver, false, "y\n", &["delegations", "remove", "cfo"]).await;
    assert!(removed.contains("has no stand-in for cfo"), "{removed}");
    let list = typed(&approver, true, "", &["delegations"]).await;
    assert!(list.contains("no delegations"), "{list}");
}
