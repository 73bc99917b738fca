//! The demo's stories end as expected on this stack, which enforces IAM policies.

use std::process::Command;

use crate::story::{built, said};

#[tokio::test]
async fn every_story_of_the_demo_ends_as_expected() {
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
