//! The demo's stories go as they should on this stack, which holds functions to their roles.

use std::{
    env,
    process::{Command, Stdio},
};

use tokio::task::spawn_blocking;

#[tokio::test]
async fn every_story_of_the_demo_goes_as_it_should() {
    let tests = env::current_exe().expect("this program has a place");
    let demo = tests
        .ancestors()
        .nth(2)
        .expect("the folder of programs")
        .join("demo");
    for story in [
        "executed",
        "duplicate",
        "rollback",
        "unknown",
        "stopped",
        "escalate",
    ] {
        let mut run = Command::new(&demo);
        run.arg(story).stdin(Stdio::null());
        let told = spawn_blocking(move || run.output()).await.expect("it runs");
        let told = told.expect("the demo is built: cargo build");
        let words = [told.stdout, told.stderr].concat();
        assert!(
            told.status.success(),
            "{story}: {}",
            String::from_utf8_lossy(&words)
        );
    }
}
