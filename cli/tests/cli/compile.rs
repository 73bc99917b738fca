//! `holdfast compile`: the files that it writes, and the compiled files of this repository.

use std::{fs, path::Path};

use insta::assert_snapshot;

use crate::project::{HEAD, Project, repository, run_in};

fn workflow(id: &str, days: &str) -> String {
    let step =
        format!("action: vendor-hold, input: {{ vendor_id: v, days: {days} }}, rollback: {{}}");
    format!(
        "{}steps: [{{ name: hold, {step} }}]\n",
        HEAD.replace("WF-TEST", id)
    )
}

#[test]
fn the_checked_in_files_are_what_the_workflows_compile_to() {
    let output = run_in(&repository(), &["compile", "--check"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
}

#[test]
fn compile_writes_state_machines_and_template_and_a_repeat_changes_nothing() {
    let project = Project::with(&workflow("WF-ONE", "1"));
    let output = project.run(&["compile"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_snapshot!(output.out, @r#"
    wrote infra/statemachines/WF-ONE.asl.json
    wrote infra/statemachines/recovery.asl.json
    wrote template.yaml
    1 workflow compiled
    "#);
    assert!(project.read("template.yaml").contains("  OneMachine:\n"));
    let output = project.run(&["compile"]);
    assert_eq!(output.out, "1 workflow compiled\n");
    let output = project.run(&["compile", "--check"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "1 workflow compiled and up to date\n")
    );
}

#[test]
fn the_five_lines_of_the_page_of_approvals_compile() {
    let page = fs::read_to_string(repository().join("docs/approvals.md")).expect("the page");
    let (_, block) = page.split_once("```yaml\n").expect("a block of YAML");
    let (block, _) = block.split_once("```").expect("its end");
    assert_eq!(block.lines().count(), 5, "{block}");
    let head = HEAD.replace("properties: {", "properties: { amount: { type: number },");
    let pay =
        "  - { name: pay, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }\n";
    let project = Project::with(&format!("{head}{block}{pay}"));
    let output = project.run(&["compile"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let machine = project.read("infra/statemachines/WF-TEST.asl.json");
    for part in [
        "$input.amount > 50000",
        "\"cfo\"",
        "\"treasury\"",
        "\"distinct_groups\": true",
    ] {
        assert!(machine.contains(part), "{part}: {machine}");
    }
}

#[test]
fn an_admission_spec_that_leaves_a_start_no_room_is_refused() {
    let text = format!("type: object\n  description: {}\n", "x".repeat(50_000));
    let large = workflow("WF-ONE", "1").replacen("type: object\n", &text, 1);
    assert!(large.len() > 50_000, "the head has an input");
    let project = Project::with(&large);
    let before = everything(&project.path(""));
    let output = project.run(&["compile"]);
    assert_eq!(output.code, Some(1), "{}", output.out);
    let why = "its input's schema, guardrails, triggers and steps have ";
    assert!(output.err.contains(why), "{}", output.err);
    assert_eq!(everything(&project.path("")), before, "nothing was written");
}

#[test]
fn a_check_names_every_stale_file_and_writes_nothing() {
    let project = Project::with(&workflow("WF-ONE", "1"));
    project.run(&["compile"]);
    project.write("workflows/test.yaml", workflow("WF-TWO", "2"));
    let before = everything(&project.path(""));
    let output = project.run(&["compile", "--check"]);
    assert_eq!(output.code, Some(1));
    let why = "error: not up to date: infra/statemachines/WF-TWO.asl.json, \
               infra/statemachines/WF-ONE.asl.json, template.yaml; run `holdfast compile`\n";
    assert_eq!(output.err, why);
    assert_eq!(everything(&project.path("")), before);

    let output = project.run(&["compile"]);
    assert_snapshot!(output.out, @r#"
    wrote infra/statemachines/WF-TWO.asl.json
    removed infra/statemachines/WF-ONE.asl.json
    wrote template.yaml
    1 workflow compiled
    "#);
    assert!(!project.path("infra/statemachines/WF-ONE.asl.json").exists());
}

#[test]
fn a_problem_in_one_file_prevents_all_writes() {
    let project = Project::with(&workflow("WF-ONE", "1"));
    project.write("workflows/wrong.yaml", workflow("WF-TWO", "many"));
    let before = everything(&project.path(""));
    let output = project.run(&["compile"]);
    assert_eq!((output.code, output.out.as_str()), (Some(1), ""));
    assert!(
        output.err.contains("workflows/wrong.yaml:7:"),
        "{}",
        output.err
    );
    assert_eq!(everything(&project.path("")), before);
}

#[test]
fn an_incomplete_template_is_refused_with_what_it_lacks() {
    let project = Project::with(&workflow("WF-ONE", "1"));
    project.write(
        "template.yaml",
        "Parameters:\n  VendorSystemUrl: { Type: String }\n",
    );
    let why = "error: template.yaml: two lines must mark the generated part of Resources: \
               `  # <holdfast> …` and `  # </holdfast>`\n";
    assert_eq!(project.run(&["compile"]).err, why);
    project.write(
        "template.yaml",
        "Resources:\n  # <holdfast>\n  # </holdfast>\n",
    );
    let why = "error: template.yaml: add the parameter VendorSystemUrl: \
               action vendor-hold reads it\n";
    assert_eq!(project.run(&["compile"]).err, why);

    let project = Project::with(&workflow("WF-BEGIN", "1"));
    let template = project
        .read("template.yaml")
        .replace("BeginFunction", "BeginLogs");
    project.write("template.yaml", template);
    let output = project.run(&["compile"]);
    assert_eq!(output.code, Some(1));
    let why = "error: template.yaml: the name BeginLogs is taken by hand, \
               and a workflow needs it: rename the workflow\n";
    assert_eq!(output.err, why);
}

#[test]
fn a_function_has_the_timeout_and_the_secrets_of_its_steps() {
    let project = Project::with(&format!(
        "{HEAD}limits: {{ timeout: 2h }}\nsteps:
  - name: ask
    action: http
    input: {{ method: POST, url: \"${{VendorSystemUrl}}\", auth: {{ secret: vendor/api }} }}
    timeout: 2m
    rollback:
      timeout: 10m
      input: {{ method: DELETE, url: \"${{VendorSystemUrl}}\", auth: {{ secret: vendor/undo }} }}
"
    ));
    let output = project.run(&["compile"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let template = project.read("template.yaml");
    assert!(template.contains("      Timeout: 615\n"), "{template}");
    let named = "          HOLDFAST_SECRETS: \"vendor/api,vendor/undo\"\n";
    assert!(template.contains(named), "{template}");
    let secrets: Vec<&str> = template
        .lines()
        .filter(|line| line.contains(":secret:"))
        .map(str::trim)
        .collect();
    assert_snapshot!(secrets.join("\n"), @r#"
    - !Sub "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:vendor/api-??????"
    - !Sub "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:vendor/undo-??????"
    "#);
    assert!(
        template.contains("        VendorSystemUrl: !Ref VendorSystemUrl\n"),
        "{template}"
    );
    assert!(
        !template.contains("VendorHoldStepFunction"),
        "only actions in use get a function"
    );
}

/// Every file below `folder` and its bytes.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(everything(&path));
        } else {
            found.push((path.display().to_string(), fs::read(&path).expect("a file")));
        }
    }
    found.sort();
    found
}
