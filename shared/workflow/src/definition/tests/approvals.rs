//! Tests of approvals of several people: what is read, and every mistake in it.

use holdfast_task::Approvers;

use super::{HEAD, definition, drawn, read_with_warnings, step_problems};
use crate::definition::{Approve, StepKind, graph};

/// Returns a workflow with this `approve`, which people may take an hour for.
fn workflow(approve: &str) -> String {
    let limits = "limits: { timeout: 8h }\n";
    format!("{HEAD}{limits}steps:\n{}", step(approve))
}

fn step(approve: &str) -> String {
    format!(
        "  - {{ name: agreed, approve: {{ message: \"Go on?\", {approve} }}, decide_within: 1h }}\n"
    )
}

fn approve(approve: &str) -> Approve {
    match definition(&workflow(approve)).steps.remove(0).kind {
        StepKind::Approve(approve) => approve,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_approval_names_the_people_it_needs() {
    let read = approve(
        "when: \"{% $input.days > 30 %}\", by: [cfo, treasury], count: 2, distinct_groups: true, \
         remind_every: 20m",
    );
    assert_eq!(
        read.when.map(|when| when.jsonata().to_owned()).as_deref(),
        Some("$input.days > 30")
    );
    let approvers = Approvers {
        by: vec!["cfo".to_owned(), "treasury".to_owned()],
        count: 2,
        distinct_groups: true,
        remind_every_s: Some(1200),
    };
    assert_eq!(read.approvers, Some(approvers));
    let admins = approve("count: 2").approvers.expect("two people");
    assert_eq!((admins.by.len(), admins.count), (0, 2));
}

#[test]
fn an_approval_of_one_platform_admin_has_the_same_digest_as_before() {
    let plain = serde_json::to_value(definition(&format!(
        "{HEAD}limits: {{ timeout: 8h }}\nsteps:\n  - {{ name: a, approve: {{ message: \"Go on?\" }} }}\n"
    )));
    let approve = &plain.expect("JSON")["steps"][0]["approve"];
    let members: Vec<_> = approve.as_object().expect("an object").keys().collect();
    assert_eq!(members, ["message", "within_s"]);
}

#[test]
fn every_mistake_about_people_is_reported_with_its_remedy() {
    let eleven = format!(
        "by: [{}]",
        (0..11)
            .map(|n| format!("g{n}"))
            .collect::<Vec<_>>()
            .join(", ")
    );
    for (wrong, message, help) in [
        ("by: cfo", "by is the text \"cfo\"", "a list belongs here"),
        ("by: []", "by is an empty list", "leave the field out"),
        (
            "by: [cfo, cfo]",
            "a second group is called `cfo`",
            "name each group once",
        ),
        (
            "by: [\"tr\u{e9}so\", \"tre\u{301}so\"]",
            "a second group is called",
            "name each group once",
        ),
        (
            "by: [\" cfo\"]",
            "is not a group name",
            "1 to 100 visible characters",
        ),
        (
            "by: [\"{% $input.vendor_id %}\"]",
            "an expression in the name of a group",
            "plain values",
        ),
        (&eleven, "`by` has 11 groups", "at most 10"),
        ("count: 0", "count is the number 0", "from 1 to 10"),
        ("count: 11", "count is the number 11", "from 1 to 10"),
        ("count: 1.5", "count is the number 1.5", "a whole number"),
        (
            "distinct_groups: yes",
            "distinct_groups is the text",
            "write true or false",
        ),
        (
            "distinct_groups: true",
            "`distinct_groups` without `by`",
            "name the groups",
        ),
        (
            "by: [cfo, treasury], count: 3, distinct_groups: true",
            "3 people of distinct groups, and `by` has 2",
            "count is at most the number of groups",
        ),
        (
            "remind_every: 1h",
            "a reminder every 1h, and the decision can take 1h",
            "shorter than decide_within",
        ),
        (
            "remind_every: 4m",
            "remind_every is out of range",
            "a duration from 5m",
        ),
        ("when: true", "when is the boolean true", "$input.name"),
        (
            "when: always",
            "when is the text \"always\", not an expression",
            "write an expression",
        ),
        ("when: \"{% $input.dayz > 3 %}\"", "dayz", "days"),
        ("when: \"{% $millis() > 3 %}\"", "$millis", "`when`"),
    ] {
        let limits = "limits: { timeout: 8h }\n";
        let source = format!("{HEAD}{limits}steps:\n{}", step(wrong));
        let problems = match read_with_warnings(&source) {
            Ok((_, warnings)) => panic!("{wrong}: {warnings:?}"),
            Err(problems) => drawn(&source, &problems),
        };
        assert!(problems.contains(message), "{wrong}: {problems}");
        assert!(problems.contains(help), "{wrong}: {problems}");
        assert!(
            problems.contains("workflows/test.yaml:9:"),
            "{wrong}: {problems}"
        );
    }
}

#[test]
fn a_when_beside_approve_belongs_inside_it() {
    let steps = "  - { name: a, approve: { message: \"Go on?\" }, when: \"{% true %}\", decide_within: 5m }\n";
    let found = step_problems(steps);
    assert!(
        found.contains("write it inside: `approve: { message: …, when: … }`"),
        "{found}"
    );
}

#[test]
fn a_step_that_reads_a_skipped_approval_is_warned_about() {
    let later = "  - { name: later, wait: { until: \"{% $agreed.at %}\" } }\n";
    for (rule, warned) in [("when: \"{% $input.days > 3 %}\"", 1), ("count: 2", 0)] {
        let source = workflow(rule) + later;
        let (_, warnings) = read_with_warnings(&source).expect("no mistake");
        assert_eq!(warnings.len(), warned, "{rule}: {warnings:?}");
    }
}

#[test]
fn a_graph_names_the_people_and_the_rule() {
    let chart = graph(&definition(&workflow(
        "when: \"{% $input.days > 3 %}\", by: [cfo, treasury], count: 2, distinct_groups: true",
    )));
    let people = "2 of distinct groups: cfo or treasury";
    assert!(chart.contains(people), "{chart}");
    assert!(chart.contains("only if $input.days &gt; 3"), "{chart}");
}
