//! `holdfast drill`: its output and its exit codes.

use crate::project::{HEAD, Project};

fn hold(more: &str) -> Project {
    let steps = "
steps:
  - name: hold
    action: vendor-hold
    input: { vendor_id: v1, days: 3 }
    rollback: {}
";
    Project::with(&format!("{HEAD}{more}{steps}"))
}

#[test]
fn a_workflow_without_violations_is_shown_as_a_matrix_with_its_legend() {
    let output = hold("").run(&["drill", "workflows/test.yaml"]);
    assert_eq!(
        (output.code, output.err.as_str()),
        (Some(0), ""),
        "{}",
        output.out
    );
    let row = |place: &str| {
        let mut rows = output
            .out
            .lines()
            .filter(|line| line.split(' ').next() == Some(place));
        rows.next()
            .unwrap_or_else(|| panic!("no row {place}: {}", output.out))
            .to_owned()
    };
    // A transient error is retried; a lasting one fails; a pause is waited for; a refusal fails.
    let cells: String = row("hold").split_whitespace().skip(1).take(4).collect();
    assert_eq!(cells, "EFEF");
    assert!(row("hold.undo").contains(" R P R P "), "{}", output.out);
    assert!(
        output.out.contains("\na  transient-once\n"),
        "{}",
        output.out
    );
    assert!(output.out.contains("\nR  ROLLED_BACK\n"), "{}", output.out);
    assert!(
        output.out.ends_with("scenarios, and every one held\n"),
        "{}",
        output.out
    );
}

#[test]
fn one_scenario_is_shown_with_its_effects_and_its_end() {
    let project = hold("");
    let args = ["drill", "workflows/test.yaml", "--only", "hold/lost-answer"];
    let output = project.run(&args);
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    for part in [
        "2025-09-29T13:00:00.000Z  state      Begin\n",
        "fault      hold: lost-answer\n",
        "target     hold: an effect\n",
        "target     hold: the same call again, no second effect\n",
        "\nended      EXECUTED\nremains    hold: 1\n",
    ] {
        assert!(output.out.contains(part), "{part}: {}", output.out);
    }
    assert_eq!(
        project.run(&args).out,
        output.out,
        "a scenario of the same name does the same"
    );
}

#[test]
fn an_error_names_why_a_workflow_cannot_be_drilled() {
    let project =
        hold("guardrails: [{ name: few, assert: '{% $input.days < 3 %}', message: too many }]");
    let output = project.run(&["drill", "workflows/test.yaml"]);
    assert_eq!(output.code, Some(1));
    let why = "without any fault it ends REJECTED: few: it must yield true or false";
    assert!(output.err.contains(why), "{}", output.err);

    project.write("few.json", r#"{ "days": 2 }"#);
    let with = [
        "drill",
        "workflows/test.yaml",
        "--input",
        "few.json",
        "--only",
    ];
    let output = project.run(&[&with[..], &["no-fault"]].concat());
    assert_eq!(output.code, Some(0), "{}", output.err);
    let output = project.run(&[&with[..], &["nowhere/permanent"]].concat());
    assert_eq!(output.code, Some(2));
    assert!(
        output
            .err
            .contains("no place is called \"nowhere\"; there are Begin, hold, "),
        "{}",
        output.err
    );
}

#[test]
fn a_drill_names_the_guardrail_that_refuses_its_input() {
    let rule = "guardrails: [{ name: never, assert: '{% false %}', message: it never starts }]\n";
    let output = hold(rule).run(&["drill", "workflows/test.yaml"]);
    assert_eq!(output.code, Some(1), "{}", output.out);
    let help = "help: the guardrail `never` refuses this start; give an input with --input, or a \
                time with --at, that it admits\n";
    assert!(output.err.ends_with(help), "{}", output.err);
}

#[test]
fn a_workflow_that_starts_at_no_default_time_is_drilled_at_another() {
    for rule in [
        "hours: { zone: UTC, days: [tue], from: '08:00', to: '18:00' }",
        "freeze: { from: 2025-01-01T00:00, to: 2026-01-01T00:00, zone: UTC, reason: the migration }",
    ] {
        let project = hold(&format!("{rule}\n"));
        let drill =
            |more: &[&str]| project.run(&[&["drill", "workflows/test.yaml"], more].concat());
        let output = drill(&[]);
        assert_eq!(output.code, Some(1), "{rule}: {}", output.out);
        let help = "help: it starts at 2025-09-29T13:00:00Z; give a time that the workflow admits \
                    with --at";
        assert!(output.err.contains(help), "{rule}: {}", output.err);
        let output = drill(&["--at", "2026-01-06T09:00:00Z"]);
        assert_eq!(output.code, Some(0), "{rule}: {}", output.err);
        let output = drill(&["--at", "2026-01-06T09:00:00Z", "--schedules", "20"]);
        assert_eq!(output.code, Some(0), "{rule}: {}", output.err);
        let cost = [
            "cost",
            "workflows/test.yaml",
            "--at",
            "2026-01-06T10:00:00+01:00",
        ];
        let output = project.run(&cost);
        assert_eq!(output.code, Some(0), "{rule}: {}", output.err);
    }
    for wrong in ["tomorrow", "9999-12-30T22:00:00.999Z"] {
        let output = hold("").run(&["drill", "workflows/test.yaml", "--at", wrong]);
        assert_eq!(output.code, Some(2), "{}", output.err);
    }
}

const READS: &str = "
steps:
  - { name: look_up, action: http, input: { method: GET, url: 'https://a.example/v' } }
  - { name: hold, action: vendor-hold, input: { vendor_id: '{% $look_up.body.id %}', days: 3 }, rollback: {} }
";

#[test]
fn a_workflow_that_reads_an_answer_is_drilled_with_a_file_of_answers() {
    let project = Project::with(&format!("{HEAD}{READS}"));
    let output = project.run(&["drill", "workflows/test.yaml"]);
    assert_eq!(output.code, Some(1));
    let help = "such as `look_up: { body: { id: V-100 } }`";
    assert!(output.err.contains(help), "{}", output.err);

    project.write("answers.yaml", "look_up: { body: { id: V-100 } }");
    let args = ["drill", "workflows/test.yaml", "--answers", "answers.yaml"];
    let output = project.run(&args);
    assert_eq!(output.code, Some(0), "{}", output.err);
    let output = project.run(&[&args[..], &["--schedules", "20"]].concat());
    assert_eq!(output.code, Some(0), "{}", output.err);

    project.write(
        "answers.yaml",
        "look_up: { body: { id: V-100 }, stat: 200 }",
    );
    let output = project.run(&args);
    assert_eq!(output.code, Some(1));
    for part in [
        "answers.yaml:1:33",
        "unknown field `stat` in the answer of http",
        "status",
    ] {
        assert!(output.err.contains(part), "{part}: {}", output.err);
    }
}
