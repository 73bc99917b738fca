//! Attacks on the local stack by other users of its machine, and by values that a developer's shell
//! sources.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use holdfast_tests::variable;

use crate::{none_succeeded, repository};

/// A user without rights, on Debian and elsewhere.
const OTHER_USER: u32 = 65_534;

/// True if a process of ours, or of another user, gets an answer.
fn is_answered(url: &str, user: Option<u32>) -> bool {
    let mut curl = Command::new("curl");
    let quiet = ["--silent", "--noproxy", "*", "--output", "/dev/null"];
    curl.args(quiet)
        .args(["--max-time", "20", url])
        .current_dir("/");
    if let Some(user) = user {
        curl.uid(user).gid(user);
    }
    curl.status().expect("curl runs").success()
}

#[test]
fn no_process_of_another_user_is_served_by_the_emulator_or_the_hop() {
    let emulator = variable("AWS_ENDPOINT_URL") + "/_ministack/health";
    let urls = [emulator, variable("HOLDFAST_HOP") + "/_hop/report"];
    for url in &urls {
        assert!(is_answered(url, None), "{url}");
    }
    // Only root can act as another user.
    let root = fs::metadata("/proc/self").expect("a process").uid() == 0;
    let users = root.then_some(OTHER_USER);
    let served = urls.into_iter();
    let served = served.filter(|url| users.is_some_and(|user| is_answered(url, Some(user))));
    none_succeeded(&served.collect::<Vec<_>>());
}

/// Writes a script that runs as the program `name` of a folder.
fn program(folder: &Path, name: &str, script: &str) {
    let file = folder.join(name);
    fs::write(&file, script).expect("the folder can be written");
    fs::set_permissions(file, PermissionsExt::from_mode(0o755)).expect("it is ours");
}

#[test]
fn no_value_of_the_stack_is_a_command_when_its_environment_is_sourced() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = folder.path().join("a b$(touch path)'\"");
    fs::create_dir(&local).expect("a folder");
    let hostile = "x y$(touch output);touch after`touch ticks`'\"";
    program(
        &local,
        "identity",
        &format!("#!/bin/sh\ncat <<'END'\n{hostile}\nEND\n"),
    );
    let names = [
        "ApiId",
        "LedgerTable",
        "ReceiptBucket",
        "PayloadBucket",
        "TenantRoleArn",
        "EventBus",
        "AuditBus",
        "MachinePrefix",
    ];
    let outputs: String = names
        .iter()
        .map(|name| format!("{name}\t{hostile}\n"))
        .collect();
    fs::write(folder.path().join("outputs"), outputs).expect("it can be written");
    let script = "aws() { cat outputs; }; export -f aws; cat outputs > /dev/null; \
                  bash \"$0\" > env && source ./env && printf %s \"$HOLDFAST_LEDGER_TABLE\"";
    let ran = Command::new("bash")
        .args(["-c", script])
        .arg(repository().join("infra/local/env.sh"))
        .current_dir(folder.path())
        .env("LOCAL", &local)
        .envs([("IAM", "false"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:9")])
        .envs([
            ("AWS_ACCESS_KEY_ID", "$(touch key)"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ])
        .output()
        .expect("bash runs");
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    assert_eq!(
        String::from_utf8_lossy(&ran.stdout),
        hostile,
        "it is the value"
    );
    let mut left: Vec<_> = fs::read_dir(folder.path())
        .expect("the folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| ["path", "output", "after", "ticks", "key"].contains(&&**name))
        .collect();
    left.sort();
    none_succeeded(&left);
}
