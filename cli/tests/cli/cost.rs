//! `holdfast cost`: the bill, the file of prices, and the errors of a malformed file or rate.

use crate::project::{HEAD, Project};
use serde_json::Value;

pub(crate) fn hold() -> Project {
    let steps = "
steps:
  - name: hold
    action: vendor-hold
    input: { vendor_id: v1, days: 3 }
    rollback: {}
  - name: tell
    action: http
    input: { method: POST, url: \"${VendorSystemUrl}/notifications\", body: { team: t, message: m } }
    irreversible: true
";
    Project::with(&format!("{HEAD}{steps}"))
}

/// The project of `hold`, whose workflow runs on an Express state machine.
pub(crate) fn express_hold() -> Project {
    let project = hold();
    let standard = project.read("workflows/test.yaml");
    let express = standard.replace("version: 1\n", "version: 1\ntier: express\n");
    assert_ne!(express, standard);
    project.write("workflows/test.yaml", express);
    project
}

/// The workflow by which the project measures cost.
const PLAIN: &str = include_str!("../../../infra/bench/plain.yaml");

/// The project of a workflow of so many plain steps.
fn plain(steps: usize, tier: &str) -> Project {
    let (head, step) = PLAIN.split_once("steps:\n").expect("steps");
    let steps: String = (1..=steps)
        .map(|n| step.replace("{n}", &n.to_string()))
        .collect();
    Project::with(&format!("{head}tier: {tier}\nsteps:\n{steps}"))
}

/// US$ of 1,000 successes of so many plain steps.
fn success(steps: usize, tier: &str) -> f64 {
    let bill = bill(&plain(steps, tier), &[]);
    assert_eq!(bill["ends"][0]["status"], "EXECUTED");
    assert_eq!(bill["ends"][0]["tier"], tier);
    number(&bill["ends"][0]["per_thousand"])
}

fn bill(project: &Project, more: &[&str]) -> Value {
    let args = [&["cost", "workflows/test.yaml", "--json"], more].concat();
    let output = project.run(&args);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    serde_json::from_str(&output.out).expect("JSON")
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn a_bill_has_an_end_for_a_success_and_for_a_failure_at_each_step() {
    let bill = bill(&hold(), &[]);
    let ends = bill["ends"].as_array().expect("ends");
    let ends: Vec<_> = ends
        .iter()
        .map(|end| (end["scenario"].as_str(), end["status"].as_str()))
        .collect();
    assert_eq!(
        ends,
        [
            (Some("no-fault"), Some("EXECUTED")),
            (Some("hold/permanent"), Some("FAILED")),
            (Some("tell/permanent"), Some("ROLLED_BACK")),
        ]
    );
}

#[test]
fn a_bill_is_the_sum_of_its_items_and_a_month_is_the_rate_times_the_bill() {
    let bill = self::bill(&hold(), &["--rate", "1000/month"]);
    let happy = &bill["ends"][0];
    let items = happy["items"].as_array().expect("items");
    let sum: f64 = items.iter().map(|item| number(&item["per_thousand"])).sum();
    assert!((sum - number(&happy["per_thousand"])).abs() < 1e-9);
    // A rate at which calls and processes are shared as assumed has the assumed bill.
    let busy = self::bill(&hold(), &["--rate", "500/s"]);
    let month = |name: &str| number(&busy["month"][name]);
    let expected = sum / 1000.0 * month("executions");
    assert!((month("for_executions") - expected).abs() < 1e-3);
    assert_eq!(month("changes_per_audit_call"), 100.0);
    assert_eq!(month("receipts_per_process"), 1000.0);
    // Starts that are alone cost more.
    assert!(number(&bill["month"]["changes_per_audit_call"]) < 7.0);
    assert!(number(&bill["month"]["for_executions"]) > 1.05 * sum);
    let transitions = &items[0];
    assert_eq!(transitions["service"], "Step Functions");
    assert_eq!(number(&transitions["count"]), 4.0);
    assert!((number(&transitions["per_thousand"]) - 0.1).abs() < 1e-9);
}

#[test]
fn step_events_are_billed_as_their_parameter_publishes_them() {
    let entries = |more: &[&str]| {
        let bill = bill(&hold(), more);
        let items = bill["ends"][0]["items"].as_array().expect("items");
        let found = items.iter().find(|item| item["service"] == "EventBridge");
        number(&found.expect("events")["count"])
    };
    // Two steps: start, two started and completed each, end, receipt. A call of `audit` takes 100
    // changes, and this execution makes 7. Its steps complete 0.1 seconds apart: in 1.02 batches.
    for (mode, count) in [
        ("events", 7.0),
        ("archive", 5.0 + 7.0 / 100.0),
        ("batch", 3.0 + 1.02 + 7.0 / 100.0),
        ("off", 5.0),
    ] {
        let counted = entries(&["--step-events", mode]);
        assert!((counted - count).abs() < 1e-9, "{mode}: {counted}");
    }
    // The default is the template's.
    let template = include_str!("../../../template.yaml");
    let (_, parameter) = template
        .split_once("  AuditStepEvents:\n")
        .expect("it is declared");
    let (_, default) = parameter.split_once("Default: ").expect("it has a default");
    let default = default.lines().next().expect("a line").trim_matches('"');
    assert_eq!(entries(&[]), entries(&["--step-events", default]));
    let wrong = hold().run(&["cost", "workflows/test.yaml", "--step-events", "on"]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("events, archive, batch, off"),
        "{}",
        wrong.err
    );
}

#[test]
fn another_file_of_prices_is_used_and_a_wrong_one_is_refused_with_its_fault() {
    let project = hold();
    let shown = project.run(&["cost", "--show-prices"]);
    assert_eq!(shown.code, Some(0));
    let double = shown.out.replace(
        "\"standard_transition\": 25.0",
        "\"standard_transition\": 50.0",
    );
    project.write("prices.json", &double);
    let doubled = bill(&project, &["--prices", "prices.json"]);
    let transitions = &doubled["ends"][0]["items"][0];
    assert!((number(&transitions["per_thousand"]) - 0.2).abs() < 1e-9);
    for (wrong, fault) in [
        (
            shown.out.replace("\"event\": 1.0", "\"event\": \"1\""),
            "invalid type",
        ),
        (
            shown.out.replace("\"event\"", "\"evnt\""),
            "unknown field `evnt`",
        ),
        (
            shown.out.replace("\"event\": 1.0", "\"event\": -1.0"),
            "event",
        ),
        (
            shown.out.replace("audit_call\": 100", "audit_call\": 0"),
            "changes_per_audit_call is at least 1",
        ),
        (
            shown.out.replace("process\": 1000", "process\": 0"),
            "receipts_per_process is at least 1",
        ),
    ] {
        project.write("prices.json", &wrong);
        let output = project.run(&["cost", "workflows/test.yaml", "--prices", "prices.json"]);
        assert_eq!(output.code, Some(1), "{fault}");
        assert!(output.err.contains(fault), "{fault}: {}", output.err);
        assert!(output.err.contains("prices.json"), "{}", output.err);
    }
}

#[test]
fn a_malformed_rate_is_refused() {
    let output = hold().run(&["cost", "workflows/test.yaml", "--rate", "5/year"]);
    assert_eq!(output.code, Some(2));
    assert!(output.err.contains("20000/d"), "{}", output.err);
}

#[test]
fn a_person_sees_a_table_of_items_and_a_table_of_ends() {
    let output = hold().run(&["cost", "workflows/test.yaml", "--rate", "20000/d"]);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    for part in [
        "WF-TEST, tier standard: US$ 0.1",
        "US$     SHARE  SERVICE         IN ONE EXECUTION\n0.1000  ",
        "Step Functions  4 state transitions\n",
        "US$     IF THIS STEP FAILS  END\n",
        "tell                ROLLED_BACK\n",
        "A month of 608333 successes costs US$ ",
    ] {
        assert!(output.out.contains(part), "{part}: {}", output.out);
    }
}

/// The count of an item of one end.
fn count(end: &Value, unit: &str) -> f64 {
    let items = end["items"].as_array().expect("items");
    let found = items.iter().find(|item| item["unit"] == unit);
    found.map_or(0.0, |item| number(&item["count"]))
}

#[test]
fn a_digest_reads_each_receipt_once_and_thirty_runs_list_its_folder() {
    let bill = bill(&hold(), &[]);
    let happy = &bill["ends"][0];
    assert_eq!(count(happy, "objects read by digests"), 1.0);
    assert!((count(happy, "lists of digests") - 0.03).abs() < 1e-9);
}

#[test]
fn a_failed_standard_execution_pays_for_its_status_event() {
    for (project, queue, calls) in [(hold(), 3.0, 1.0), (express_hold(), 0.0, 0.0)] {
        let bill = bill(&project, &[]);
        let [happy, hold, _] = bill["ends"].as_array().expect("ends").as_slice() else {
            panic!("{bill:#}");
        };
        let unit = "requests for status events";
        assert_eq!(count(happy, unit), 0.0);
        assert_eq!(count(hold, unit), queue);
        // Begin, the refused step, plan, finish, api, and recover.
        let unit = "calls of 100 ms at 256 MB";
        let whole = count(hold, unit).floor();
        assert_eq!(whole, 5.0 + calls, "{hold:#}");
    }
}

#[test]
fn a_vote_is_a_request_and_a_call() {
    let steps = "
limits: { timeout: 2h }
steps:
  - name: ask
    approve: { message: m }
  - name: hold
    action: vendor-hold
    input: { vendor_id: v1, days: 3 }
    rollback: {}
";
    let bill = bill(&Project::with(&format!("{HEAD}{steps}")), &[]);
    let happy = &bill["ends"][0];
    assert_eq!(count(happy, "requests"), 2.0, "{happy:#}");
    let why = bill["other_tier"]["refused"].as_str().expect("a reason");
    assert!(why.contains("an approval waits for a person"), "{why}");
}

#[test]
fn a_bill_has_the_other_tier_too() {
    let standard = bill(&hold(), &[]);
    let express = bill(&express_hold(), &[]);
    assert_eq!(standard["other_tier"]["tier"], "express");
    assert_eq!(standard["other_tier"]["end"], express["ends"][0]);
    assert_eq!(express["other_tier"]["end"], standard["ends"][0]);
    let shown = hold().run(&["cost", "workflows/test.yaml"]);
    assert!(
        shown.out.contains("\nWith tier express: US$ 0.0"),
        "{}",
        shown.out
    );
}

#[test]
fn an_express_run_is_billed_for_its_waits_its_backoff_and_its_polls() {
    let seconds = |steps: &str| {
        let head = HEAD.replace("version: 1\n", "version: 1\ntier: express\n");
        let bill = bill(&Project::with(&format!("{head}{steps}")), &[]);
        count(&bill["ends"][0], "GB-seconds of Express runs") * 1024.0 / 64.0
    };
    let step = "  - name: hold
    action: vendor-hold
    input: { vendor_id: v1, days: 3 }
    rollback: {}
";
    let alone = seconds(&format!("steps:\n{step}"));
    assert!((alone - 0.3).abs() < 1e-9, "{alone}");
    let waits = seconds(&format!("steps:\n  - {{ name: pause, wait: 4m }}\n{step}"));
    assert!((waits - 240.3).abs() < 1e-9, "{waits}");
    // The second answer is the awaited one, ten seconds after the first.
    let polls = seconds(
        "steps:
  - name: look
    action: http
    input: { method: GET, url: \"${VendorSystemUrl}/a\" }
    reads: true
    poll: { until: \"{% $result.status = 200 %}\", every: 10s, at_most: 3 }
",
    );
    assert!((10.3..10.6).contains(&polls), "{polls}");
}

#[test]
fn an_express_workflow_is_billed_by_its_runs_and_their_time_and_pays_no_transition() {
    let bill = bill(&express_hold(), &[]);
    let ends = bill["ends"].as_array().expect("ends");
    let scenarios: Vec<_> = ends.iter().map(|end| end["scenario"].as_str()).collect();
    assert_eq!(
        scenarios,
        [
            Some("no-fault"),
            Some("hold/permanent"),
            Some("tell/permanent")
        ]
    );
    for end in ends {
        let items = end["items"].as_array().expect("items");
        let of = |unit: &str| items.iter().find(|item| item["unit"] == unit);
        assert_eq!(of("state transitions"), None, "{end}");
        let runs = of("Express runs").expect("the runs");
        assert_eq!(runs["service"], "Step Functions");
        // A million requests cost 1 US$.
        let thousandths = number(&runs["count"]) / 1_000.0;
        assert!((number(&runs["per_thousand"]) - thousandths).abs() < 1e-9);
        let time = of("GB-seconds of Express runs").expect("the time");
        assert!(number(&time["count"]) > 0.0, "{end}");
    }
    let happy = ends[0]["items"].as_array().expect("items");
    assert_eq!(number(&happy[0]["count"]), 1.0, "{bill}");
}

/// The most US$ that 1,000 successes of 2, 5 and 20 plain steps may cost, by tier, with the
/// parameters as the template has them.
const AIMS: [(&str, [f64; 3]); 2] = [
    ("standard", [0.125, 0.215, 0.63]),
    ("express", [0.025, 0.040, 0.110]),
];

#[test]
fn a_success_costs_no_more_than_its_aim_on_both_tiers() {
    for (tier, aims) in AIMS {
        for (steps, most) in [2, 5, 20].into_iter().zip(aims) {
            let dollars = success(steps, tier);
            assert!(
                dollars <= most,
                "{steps} steps, {tier}: {dollars} of {most}"
            );
        }
    }
}
