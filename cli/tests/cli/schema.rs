//! `holdfast schema`: the JSON Schema that it prints accepts what the command ships and writes.

use std::fs;

use serde_json::Value;

use crate::project::{Project, repository, run_in};

fn schema() -> jsonschema::Validator {
    let output = run_in(&repository(), &["schema"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let schema: Value = serde_json::from_str(&output.out).expect("JSON");
    jsonschema::draft202012::new(&schema).expect("a JSON Schema")
}

fn value(yaml: &str) -> Value {
    serde_saphyr::from_str(yaml).expect("YAML")
}

#[test]
fn shipped_workflows_and_the_starter_fit_the_schema() {
    let schema = schema();
    let project = Project::new();
    project.run(&["new", "starter"]);
    let mut files = vec![project.path("workflows/starter.yaml")];
    let shipped = fs::read_dir(repository().join("workflows")).expect("workflows");
    files.extend(shipped.map(|entry| entry.expect("an entry").path()));
    assert!(files.len() > 3);
    for file in files {
        let value = value(&fs::read_to_string(&file).expect("a file"));
        let wrong: Vec<String> = schema
            .iter_errors(&value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert_eq!(wrong, [""; 0], "{}", file.display());
    }
}
