//! Each command in a valid project, and its exit codes.

use insta::assert_snapshot;

use crate::project::{HEAD, Project, repository, run_in};

#[test]
fn a_new_workflow_is_valid_and_is_never_overwritten() {
    let project = Project::new();
    let output = project.run(&["new", "Pay_Vendor"]);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    assert_eq!(
        output.out,
        "wrote workflows/pay-vendor.yaml; edit it, then run `holdfast compile`\n"
    );
    let text = project.read("workflows/pay-vendor.yaml");
    assert!(text.contains("workflow: WF-PAY-VENDOR\n"), "{text}");

    let output = project.run(&["validate"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "1 workflow is fine\n"),
        "{}",
        output.err
    );

    project.write("workflows/pay-vendor.yaml", "mine");
    let output = project.run(&["new", "pay-vendor"]);
    let why = "error: workflows/pay-vendor.yaml: it exists, and no file is overwritten: choose \
               another name";
    assert_eq!(output.code, Some(1));
    assert!(output.err.starts_with(why), "{}", output.err);
    assert_eq!(project.read("workflows/pay-vendor.yaml"), "mine");
}

#[test]
fn an_error_for_an_invalid_name_shows_the_form() {
    let output = Project::new().run(&["new", "../evil"]);
    assert_eq!(output.code, Some(2));
    let why = "error: \"../evil\" cannot name a workflow: use letters and digits, joined by hyphens, \
               at most 57 characters, such as delay-vendor-payments\n";
    assert_eq!(output.err, why);
}

#[test]
fn a_new_workflow_acts_on_the_target_of_the_deployment_if_it_has_one() {
    let project = Project::new();
    project.run(&["new", "all"]);
    let text = project.read("workflows/all.yaml");
    assert!(
        text.contains("url: \"${VendorSystemUrl}/requests\""),
        "{text}"
    );
    let without = project
        .read("template.yaml")
        .replace("VendorSystemUrl", "Other");
    project.write("template.yaml", &without);
    project.run(&["new", "other"]);
    let text = project.read("workflows/other.yaml");
    assert!(
        text.contains("url: \"https://api.example.com/requests\""),
        "{text}"
    );
    let output = project.run(&["validate", "workflows/other.yaml"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
}

#[test]
fn the_comments_of_the_starter_are_valid_too() {
    let project = Project::new();
    project.run(&["new", "all"]);
    let text = project.read("workflows/all.yaml");
    let shown = text
        .replace("# tenants", "tenants")
        .replace("    # when", "    when");
    let shown: String = shown
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with("triggers:") || rest.starts_with("  ") => {
                format!("{rest}\n")
            }
            _ => format!("{line}\n"),
        })
        .collect();
    assert_ne!(text, shown);
    project.write("workflows/all.yaml", shown);
    let output = project.run(&["validate"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
}

#[test]
fn the_project_is_found_from_any_folder_inside() {
    let project = Project::with(&format!("{HEAD}steps: [{{ name: a, wait: 1s }}]\n"));
    let output = run_in(&project.path("workflows"), &["validate", "test.yaml"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (Some(0), "1 workflow is fine\n"),
        "{}",
        output.err
    );
}

#[test]
fn outside_a_project_the_command_says_what_it_looks_for() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let output = run_in(folder.path(), &["validate"]);
    assert_eq!(output.code, Some(1));
    let why = "error: there is no template.yaml here or in a folder above: \
               run holdfast inside a project\n";
    assert_eq!(output.err, why);
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let project = Project::new();
    let why = "error: there are no workflows in workflows/: `holdfast new NAME` writes one\n";
    assert_eq!(project.run(&["validate"]).err, why);
    let output = project.run(&["validate", "workflows/none.yaml"]);
    assert_eq!(output.code, Some(1));
    assert_snapshot!(output.err, @"error: workflows/none.yaml: No such file or directory (os error 2)");
    project.write("workflows/latin.yaml", b"# caf\n# caf\xe9\n");
    let output = project.run(&["validate"]);
    assert!(
        output.err.contains("latin.yaml: line 2 is not UTF-8 text"),
        "{}",
        output.err
    );
}

#[test]
fn problems_of_all_files_are_reported_together() {
    let project = Project::with(&format!("{HEAD}steps: [{{ name: a, wait: 1s }}]\n"));
    project.write("workflows/second.yaml", format!("{HEAD}steps: []\n"));
    project.write(
        "workflows/third.yaml",
        format!("{HEAD}steps: [{{ name: a, wait: 1s }}]\n"),
    );
    let output = project.run(&["validate"]);
    assert_eq!(output.code, Some(1));
    assert_snapshot!(output.err, @r#"
      × steps is an empty list
       ╭─[workflows/second.yaml:7:8]
     7 │ steps: []
       ·        ─
       ╰────
      help: give it an entry, or leave the field out

      × workflows/test.yaml has the workflow id WF-TEST too
       ╭─[workflows/third.yaml:1:11]
     1 │ workflow: WF-TEST
       ·           ───────
       ╰────
      help: every workflow has an id of its own

    2 problems
    "#);
}

#[test]
fn a_budget_means_the_same_in_every_workflow_that_names_it() {
    let with = |id: &str, budget: &str| {
        let head = HEAD.replace("WF-TEST", id);
        format!(
            "{head}budget: {{ name: held, amount: 1, {budget} }}\nsteps: [{{ name: a, wait: 1s }}]\n"
        )
    };
    let project = Project::with(&with("WF-A", "limit: 100, per: day"));
    project.write(
        "workflows/third.yaml",
        with("WF-C", "limit: 100.00, per: day, zone: UTC"),
    );
    assert_eq!(project.run(&["validate"]).code, Some(0));
    for other in [
        "limit: 99.5, per: day",
        "limit: 100, per: week",
        "limit: 100, per: day, zone: Europe/Berlin",
    ] {
        // Files are read in the order of their names, so that this one is the first.
        project.write("workflows/other.yaml", with("WF-B", other));
        for command in ["validate", "compile"] {
            let output = project.run(&[command]);
            assert_eq!(output.code, Some(1), "{other}");
            let both = output.err.contains("workflows/other.yaml:7")
                && output.err.contains("workflows/test.yaml:7:");
            assert!(
                both && output
                    .err
                    .contains("budget held is 100 per day in UTC here"),
                "{}",
                output.err
            );
        }
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let project = Project::new();
    for args in [
        &["compiel"][..],
        &["compile", "--chekc"],
        &["graph"],
        &["new"],
        &[],
    ] {
        assert_eq!(project.run(args).code, Some(2), "{args:?}");
    }
    assert_eq!(project.run(&["--help"]).code, Some(0));
    assert_eq!(project.run(&["--version"]).code, Some(0));
}

#[test]
fn a_graph_shows_rows_branches_items_and_waits() {
    let output = run_in(
        &repository(),
        &["graph", "workflows/hold-vendor-group.yaml"],
    );
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_snapshot!(output.out, @r#"
    flowchart TD
      begin(["WF-HOLD-VENDOR-GROUP version 1<br/>started by API"])
      subgraph step_hold_each ["hold_each: for each of $input.vendors, 5 at once"]
        step_hold_one["hold_one<br/>vendor-hold<br/>when $not($item.exempt = true)"]
      end
      begin --> step_hold_each
      subgraph step_tell_everyone ["tell_everyone: in parallel"]
        step_tell_accounts_payable["tell_accounts_payable<br/>http"]:::irreversible
        step_tell_treasury["tell_treasury<br/>http<br/>when $input.tell_treasury"]:::irreversible
      end
      step_hold_each --> step_tell_everyone
      step_tell_everyone --> finish(["receipt"])
      classDef irreversible stroke-width:4px
    "#);
    let output = run_in(
        &repository(),
        &["graph", "workflows/release-review-reminder.yaml"],
    );
    assert_snapshot!(output.out, @r#"
    flowchart TD
      begin(["WF-REVIEW-REMINDER version 1<br/>started by API, workday_morning"])
      step_first_reminder["first_reminder<br/>http"]:::irreversible
      begin --> step_first_reminder
      step_let_people_work{{"let_people_work<br/>wait 4h"}}
      step_first_reminder --> step_let_people_work
      step_until_asked{{"until_asked<br/>wait until $exists($input.pause_until) ? $input.pause_until : $now()"}}
      step_let_people_work --> step_until_asked
      step_second_reminder["second_reminder<br/>http"]:::irreversible
      step_until_asked --> step_second_reminder
      step_second_reminder --> finish(["receipt"])
      classDef irreversible stroke-width:4px
    "#);
}

#[test]
fn the_workflow_that_checks_an_account_is_valid() {
    let output = run_in(&repository(), &["validate", "infra/aws/aws-check.yaml"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
}

#[test]
fn a_graph_shows_control_characters_of_a_definition_as_replacement_characters() {
    let step = r#"steps: [{ name: a, action: http, irreversible: true,
  when: "{% $input.days > 0 /* \u001b[2J */ %}", input: { url: "https://api.example.com/a", method: POST } }]"#;
    let output = Project::with(&format!("{HEAD}{step}\n")).run(&["graph", "workflows/test.yaml"]);
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert!(output.out.contains("/* \u{fffd}[2J */"), "{}", output.out);
}
