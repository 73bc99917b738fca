//! The demo's stories go as they should on this stack, which holds functions to their roles.

use std::process::Command;

use crate::story::{built, said};

#[tokio::test]
async fn every_story_of_the_demo_goes_as_it_should() {
    for story in [
        "executed",
        "duplicate",
        "rollback",
        "unknown",
        "stopped",
        "escalate",
    ] {
        let mut run = Command::new(built("demo"));
        run.arg(story);
        let (well, words) = said(run).await;
        assert!(well, "{story}: {words}");
    }
}
