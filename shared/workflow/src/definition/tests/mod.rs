//! Tests of the definition's reader: every mistake that it reports, drawn as the command draws it.

mod approvals;
mod choose;
mod decisions;
mod dialect;
mod effects;
mod expressions;
mod fields;
mod history;
mod input_schema;
mod literals;
mod longest;
mod output;
mod patterns;
mod polling;
mod repeatable;
mod rules;
mod schema;
mod shown;
mod skipped;
mod steps;
mod syntax;
mod tier;
mod top_level;
mod triggers;
mod yaml;

use holdfast_action::ActionInfo;

use super::{Definition, Environment, Problem, render};

/// A correct workflow up to its steps.
const HEAD: &str = "\
workflow: WF-TEST
version: 1
input:
  type: object
  additionalProperties: false
  properties: { vendor_id: { type: string }, days: { type: integer }, vendors: { type: array } }
";

/// Reads a workflow with the shipped actions and the two parameters that they need.
fn read(workflow: &str) -> Result<Definition, Vec<Problem>> {
    read_with_warnings(workflow).map(|(definition, _)| definition)
}

fn read_with_warnings(workflow: &str) -> Result<(Definition, Vec<Problem>), Vec<Problem>> {
    let registry = holdfast_steps::registry();
    let actions: Vec<&ActionInfo> = registry.infos().collect();
    let known = Environment {
        actions: &actions,
        parameters: &["VendorSystemUrl".to_owned(), "HttpAllow".to_owned()],
    };
    super::read_with_warnings(workflow, &known)
}

/// The definition of a workflow without mistakes.
fn definition(workflow: &str) -> Definition {
    read(workflow).unwrap_or_else(|problems| panic!("{}", drawn(workflow, &problems)))
}

/// The drawing of the problems of a workflow with mistakes.
fn problems(workflow: &str) -> String {
    drawn(
        workflow,
        &read(workflow).expect_err("the workflow has mistakes"),
    )
}

/// The drawing of the problems in the steps of a workflow with a correct head.
fn step_problems(steps: &str) -> String {
    problems(&format!("{HEAD}steps:\n{steps}"))
}

/// The drawing of problems without spaces at the ends of lines, which editors would remove.
fn drawn(workflow: &str, problems: &[Problem]) -> String {
    render("workflows/test.yaml", workflow, problems, false)
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn the_shipped_workflows_have_no_warnings() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    for folder in ["workflows", "tests/workflows"] {
        for entry in std::fs::read_dir(format!("{root}/{folder}")).expect(folder) {
            let path = entry.expect(folder).path();
            let source = std::fs::read_to_string(&path).expect("a workflow");
            let (_, warnings) = read_with_warnings(&source)
                .unwrap_or_else(|problems| panic!("{}", drawn(&source, &problems)));
            assert_eq!(warnings, [], "{}", path.display());
        }
    }
}
