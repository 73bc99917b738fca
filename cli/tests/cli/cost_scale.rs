//! `holdfast cost --scale`: the rates at which limits are used up.

use crate::{
    cost::{express_hold, hold, number},
    project::Project,
};
use serde_json::Value;

/// The table of a project, and the ceilings of its own tier.
fn scale(project: &Project) -> (Value, Vec<Value>) {
    let output = project.run(&["cost", "workflows/test.yaml", "--scale", "--json"]);
    let scale: Value = serde_json::from_str(&output.out).expect("JSON");
    let ceilings = scale["ceilings"].as_array().cloned().expect("ceilings");
    (scale, ceilings)
}

/// The ceiling of a resource.
fn of<'a>(ceilings: &'a [Value], resource: &str) -> &'a Value {
    let mut found = ceilings.iter();
    let found = found.find(|one| one["resource"] == resource);
    found.unwrap_or_else(|| panic!("no {resource}: {ceilings:#?}"))
}

#[test]
fn a_scale_names_what_breaks_first_and_the_share_of_a_rate() {
    let project = hold();
    let (scale, ceilings) = scale(&project);
    let rates: Vec<f64> = ceilings
        .iter()
        .map(|one| number(&one["starts_per_second"]))
        .collect();
    assert!(rates.is_sorted(), "{rates:?}");
    let of = |resource: &str| of(&ceilings, resource);
    // Begin, two attempts, and the API read one of sixteen copies.
    let copies = of("reads of copies of the controls");
    assert_eq!(number(&copies["per_execution"]), 0.25);
    assert_eq!(number(&copies["starts_per_second"]), 12_000.0);
    assert!(!scale.to_string().contains("CONTROL#"), "{scale:#}");
    assert_eq!(
        number(&of("Step Functions transitions")["per_execution"]),
        4.0
    );
    // One of eight shards has the entry of an execution.
    let open = of("writes of open");
    assert_eq!(number(&open["per_execution"]), 0.25);
    assert_eq!(number(&open["starts_per_second"]), 4_000.0);
    // No partition of one execution is shared.
    assert!(!scale.to_string().contains("#EXEC#"));
    let shown = project.run(&["cost", "workflows/test.yaml", "--scale", "--rate", "30/s"]);
    let starts = shown
        .out
        .lines()
        .find(|line| line.ends_with("Step Functions starts"));
    assert!(
        starts.is_some_and(|line| line.contains(" 10 % ")),
        "{}",
        shown.out
    );
}

#[test]
fn the_scale_of_an_express_workflow_has_the_quota_of_express_starts_alone() {
    let (_, ceilings) = scale(&express_hold());
    let of_step_functions: Vec<_> = ceilings
        .iter()
        .filter_map(|one| Some((one["resource"].as_str()?, number(&one["limit"]))))
        .filter(|(resource, _)| resource.starts_with("Step Functions"))
        .collect();
    assert_eq!(
        of_step_functions,
        [("Step Functions Express starts", 6_000.0)]
    );
}

#[test]
fn a_scale_counts_what_the_bill_counts() {
    let project = hold();
    let (_, ceilings) = scale(&project);
    let output = project.run(&["cost", "workflows/test.yaml", "--json"]);
    let bill: Value = serde_json::from_str(&output.out).expect("JSON");
    let items = bill["ends"][0]["items"].as_array().expect("items");
    let count = |unit: &str| {
        let found = items.iter().find(|item| item["unit"] == unit);
        number(&found.unwrap_or_else(|| panic!("no {unit}"))["count"])
    };
    let units = |resource: &str| number(&of(&ceilings, resource)["per_execution"]);
    let calls = count("calls of 100 ms at 256 MB");
    let (table, statistics) = (
        count("write units of the table"),
        count("write units of statistics"),
    );
    for (resource, counted) in [
        ("Lambda requests", calls),
        ("Lambda calls at once", calls / 10.0),
        ("DynamoDB read units", count("read units")),
        ("DynamoDB read units of a new table", count("read units")),
        (
            "DynamoDB write units",
            table + count("write units of indexes") + statistics,
        ),
        ("DynamoDB write units of a new table", table + statistics),
        ("writes of statistics", statistics),
    ] {
        assert!((units(resource) - counted).abs() < 1e-9, "{resource}");
    }
    for (resource, limit) in [
        ("Lambda requests", 10_000.0),
        ("DynamoDB write units of a new table", 4_000.0),
        ("DynamoDB read units of a new table", 12_000.0),
        ("writes of statistics", 1_000.0),
    ] {
        assert_eq!(number(&of(&ceilings, resource)["limit"]), limit);
    }
}

#[test]
fn a_scale_has_the_limit_of_the_deployment_s_api_if_the_template_has_one() {
    let project = hold();
    let resource = "this deployment's API";
    let (_, ceilings) = scale(&project);
    assert!(!ceilings.iter().any(|one| one["resource"] == resource));
    let template = project.read("template.yaml");
    let limited = template.replace(
        "Parameters:\n",
        "Parameters:\n  ApiRateLimit:\n    Type: Number\n    Default: 100\n",
    );
    project.write("template.yaml", limited);
    let (_, ceilings) = scale(&project);
    let api = of(&ceilings, resource);
    assert_eq!(number(&api["starts_per_second"]), 100.0);
    assert_eq!(api["shared_by"], "the deployment");
}

#[test]
fn a_scale_has_the_other_tier_too() {
    let (standard, own) = scale(&hold());
    let (express, other) = scale(&express_hold());
    assert_eq!(standard["other_tier"]["ceilings"], Value::Array(other));
    assert_eq!(express["other_tier"]["ceilings"], Value::Array(own));
}
