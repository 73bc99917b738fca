//! Released versions: their content never changes, and production gets no others.

use insta::assert_snapshot;

use crate::{
    preflight::{FINE, doctor, project},
    project::{HEAD, Project},
};

const RECORD: &str = "workflows/released.txt";

/// A workflow of this version that waits.
fn waits(version: u32, time: &str) -> String {
    let head = HEAD.replace("version: 1", &format!("version: {version}"));
    format!("{head}steps: [{{ name: a, wait: {time} }}]\n")
}

#[test]
fn a_released_version_with_other_content_is_refused_until_it_is_raised() {
    let project = Project::with(&waits(1, "1s"));
    let output = project.run(&["release"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_snapshot!(output.out, @r"
    released WF-TEST version 1
    wrote workflows/released.txt; commit it
    ");
    project.write("workflows/test.yaml", waits(1, "2s"));
    for command in ["validate", "compile", "release"] {
        let output = project.run(&[command]);
        assert_eq!((output.code, output.out.as_str()), (Some(1), ""));
        let written = "; nothing was written";
        assert_eq!(output.err.contains(written), command != "validate");
        insta::allow_duplicates! {
            assert_snapshot!(output.err.replace(written, ""), @r"
              × WF-TEST version 1 was released with other content
               ╭─[workflows/test.yaml:2:10]
             2 │ version: 1
               ·          ─
               ╰────
              help: raise it to version: 2, or take the change back; workflows/released.txt has what was released

            1 problem
            ");
        }
    }
    assert!(
        !project
            .path("infra/statemachines/WF-TEST.asl.json")
            .exists()
    );
    project.write("workflows/test.yaml", waits(2, "2s"));
    for command in ["validate", "compile", "release"] {
        let output = project.run(&[command]);
        assert_eq!(output.code, Some(0), "{command}: {}", output.err);
    }
    // The next one is above every released version, also where an earlier one is edited.
    project.write("workflows/test.yaml", waits(1, "9s"));
    let output = project.run(&["validate"]);
    assert!(output.err.contains("version: 3"), "{}", output.err);
    // What was released can come back as it was.
    project.write("workflows/test.yaml", waits(1, "1s"));
    assert_eq!(project.run(&["compile"]).code, Some(0));
}

#[test]
fn a_version_is_edited_freely_until_it_is_released() {
    let project = Project::with(&waits(1, "1s"));
    for time in ["2s", "3s", "4s"] {
        project.write("workflows/test.yaml", waits(1, time));
        assert_eq!(project.run(&["compile"]).code, Some(0), "{time}");
    }
    assert!(!project.path(RECORD).exists());
}

#[test]
fn comments_and_form_are_no_content_of_a_released_version() {
    let project = Project::with(&waits(1, "60s"));
    project.run(&["release"]);
    let same = format!("# says more\n{}", waits(1, "1m"));
    project.write("workflows/test.yaml", same);
    let before = project.read(RECORD);
    let output = project.run(&["release"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let why = "nothing new: workflows/released.txt has every version\n";
    assert_eq!(output.out, why);
    assert_eq!(project.read(RECORD), before);
}

#[test]
fn a_release_keeps_every_line_of_the_record_and_adds_its_own_after_them() {
    let project = Project::with(&waits(1, "1s"));
    // The last line has no end, as some editors leave it.
    let before = format!(
        "# ours\n\nWF-ZERO 1 sha256:{0}\n# removed in May\nWF-GONE 7 sha256:{0}",
        "5e".repeat(32)
    );
    project.write(RECORD, &before);
    project.write(
        "workflows/other.yaml",
        waits(1, "1s").replace("WF-TEST", "WF-OTHER"),
    );
    let output = project.run(&["release", "workflows/test.yaml"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let record = project.read(RECORD);
    let added = record.strip_prefix(&format!("{before}\n"));
    let added = added.unwrap_or_else(|| panic!("a line is gone: {record}"));
    assert!(added.starts_with("WF-TEST 1 sha256:"), "{added}");
    assert_eq!(added.lines().count(), 1, "{added}");
    // A new record says what it is.
    let fresh = Project::with(&waits(1, "1s"));
    fresh.run(&["release"]);
    let record = fresh.read(RECORD);
    assert!(record.starts_with("# Released versions"), "{record}");
}

#[test]
fn a_record_that_cannot_be_read_is_named_with_its_line() {
    let project = Project::with(&waits(1, "1s"));
    project.run(&["release"]);
    let record = project.read(RECORD);
    let same = format!("{record}{}", record.lines().last().expect("a line"));
    project.write(RECORD, same);
    assert_eq!(project.run(&["validate"]).code, Some(0));
    for (line, why) in [
        ("WF-TEST 1", "line 3: it is no released version"),
        ("WF-TEST one sha256:00", "line 3: it is no released version"),
        (
            &format!("WF-TEST 1 sha256:{}", "0".repeat(64)),
            "line 3: an earlier line has this version with another digest",
        ),
    ] {
        project.write(RECORD, format!("{record}{line}\n"));
        let output = project.run(&["validate"]);
        assert_eq!(output.code, Some(1), "{line}");
        let why = format!("error: workflows/released.txt: {why}");
        assert!(output.err.starts_with(&why), "{}", output.err);
    }
}

#[test]
fn production_gets_released_versions_alone() {
    let project = project("http://127.0.0.1:1", FINE);
    let settings = project.read("samconfig.toml");
    let production = settings.replace("[staging.", "[production.");
    project.write(
        "samconfig.toml",
        settings + &production[production.find("[production").expect("it")..],
    );
    let (file, released) = ("workflows/test.yaml", "version 1 is released");
    let check = |environment| doctor(&project.path(""), &["--env", environment]).out;
    let out = check("production");
    let why = "it is not: run `holdfast release`, and commit";
    let why = format!("WRONG {file}: expected that {released}: {why}");
    assert!(out.contains(&why), "{out}");
    assert!(!check("staging").contains("is released"));
    project.run(&["release"]);
    let out = check("production");
    assert!(
        out.contains(&format!("ok    {file}: {released}\n")),
        "{out}"
    );
}

#[test]
fn a_released_workflow_keeps_its_tier() {
    let standard = waits(1, "1s");
    let express = standard.replace("version: 1", "version: 1\ntier: express");
    let project = Project::with(&express);
    assert_eq!(project.run(&["release"]).code, Some(0));
    let line = project.read(RECORD);
    assert!(line.trim_end().ends_with(" express"), "{line}");
    assert_eq!(project.run(&["validate"]).code, Some(0));
    // A higher version does not help: the state machine is the same one.
    project.write("workflows/test.yaml", waits(2, "1s"));
    assert_snapshot!(project.run(&["compile"]).err, @r"
      × WF-TEST version 1 was released with tier: express
       ╭─[workflows/test.yaml:1:11]
     1 │ workflow: WF-TEST
       ·           ───────
       ╰────
      help: a workflow keeps its tier: write tier: express, or give this one an id of its own; workflows/
            released.txt has what was released

    1 problem; nothing was written
    ");

    let project = Project::with(&standard);
    project.run(&["release"]);
    project.write("workflows/test.yaml", express);
    assert_snapshot!(project.run(&["validate"]).err, @r"
      × WF-TEST version 1 was released with tier: standard
       ╭─[workflows/test.yaml:3:7]
     3 │ tier: express
       ·       ───────
       ╰────
      help: a workflow keeps its tier: write tier: standard, or give this one an id of its own; workflows/
            released.txt has what was released

    1 problem
    ");
    // Another workflow may have the other tier.
    let copy = project
        .read("workflows/test.yaml")
        .replace("WF-TEST", "WF-TEST-EXPRESS");
    project.write("workflows/test.yaml", copy);
    assert_eq!(project.run(&["validate"]).code, Some(0));
}
