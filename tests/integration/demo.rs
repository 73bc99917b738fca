//! The demo's stories end as expected on this stack, which enforces IAM policies, and leave their
//! files.

use std::{fs, process::Command};

use holdfast_tests::valid_receipt;

use crate::story::{built, said};

#[tokio::test]
async fn every_story_of_the_demo_ends_as_expected() {
    for (story, status) in [
        ("executed", "EXECUTED"),
        ("duplicate", "EXECUTED"),
        ("rollback", "ROLLED_BACK"),
        ("unknown", "ROLLED_BACK"),
        ("stopped", "PARTIALLY_ROLLED_BACK"),
        ("escalate", "EXECUTED"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = Command::new(built("demo"));
        run.arg(story).arg(folder.path());
        let (well, words) = said(run).await;
        assert!(well, "{story}: {words}");
        let summary = words.split_once("It went as it should:\n");
        let (_, summary) = summary.unwrap_or_else(|| panic!("{story}: {words}"));
        assert!(summary.lines().count() <= 10, "{story}: {summary}");
        // The summary names the receipt and its page, and says what the receipt says.
        let named = |name: &str| {
            let line = summary
                .lines()
                .find_map(|line| line.trim().strip_prefix(name));
            let line = line.unwrap_or_else(|| panic!("{story}: no {name}in {summary}"));
            line.trim().to_owned()
        };
        let receipt = valid_receipt(&fs::read(named("receipt ")).expect("a file"));
        assert_eq!(receipt["status"], status, "{story}: {summary}");
        assert_eq!(named("status "), status, "{story}: {summary}");
        let page = fs::read_to_string(named("its page ")).expect("a page");
        let id = receipt["execution_id"].as_str().expect("an id");
        assert!(page.contains(id), "{story}: {page}");
    }
}
