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
    let said = hold("").run(&["drill", "workflows/test.yaml"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(0), ""),
        "{}",
        said.out
    );
    let row = |place: &str| {
        let mut rows = said
            .out
            .lines()
            .filter(|line| line.split(' ').next() == Some(place));
        rows.next()
            .unwrap_or_else(|| panic!("no row {place}: {}", said.out))
            .to_owned()
    };
    // A transient error is retried; a lasting one fails; a pause is waited for; a refusal fails.
    let cells: String = row("hold").split_whitespace().skip(1).take(4).collect();
    assert_eq!(cells, "EFEF");
    assert!(row("hold.undo").contains(" R P R P "), "{}", said.out);
    assert!(said.out.contains("\na  transient-once\n"), "{}", said.out);
    assert!(said.out.contains("\nR  ROLLED_BACK\n"), "{}", said.out);
    assert!(
        said.out.ends_with("scenarios, and every one held\n"),
        "{}",
        said.out
    );
}

#[test]
fn one_scenario_is_shown_with_its_effects_and_its_end() {
    let project = hold("");
    let args = ["drill", "workflows/test.yaml", "--only", "hold/lost-answer"];
    let said = project.run(&args);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""));
    for part in [
        "2025-09-29T13:00:00.000Z  state      Begin\n",
        "fault      hold: lost-answer\n",
        "target     hold: an effect\n",
        "target     hold: the same call again, no second effect\n",
        "\nended      EXECUTED\nremains    hold: 1\n",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert_eq!(
        project.run(&args).out,
        said.out,
        "a scenario of the same name does the same"
    );
}

#[test]
fn an_error_names_why_a_workflow_cannot_be_drilled() {
    let project =
        hold("guardrails: [{ name: few, assert: '{% $input.days < 3 %}', message: too many }]");
    let said = project.run(&["drill", "workflows/test.yaml"]);
    assert_eq!(said.code, Some(1));
    let why = "without any fault it ends REJECTED: few: it must yield true or false";
    assert!(said.err.contains(why), "{}", said.err);

    project.write("few.json", r#"{ "days": 2 }"#);
    let with = [
        "drill",
        "workflows/test.yaml",
        "--input",
        "few.json",
        "--only",
    ];
    let said = project.run(&[&with[..], &["no-fault"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = project.run(&[&with[..], &["nowhere/permanent"]].concat());
    assert_eq!(said.code, Some(1));
    assert!(
        said.err
            .contains("no place is called \"nowhere\"; there are Begin, hold, "),
        "{}",
        said.err
    );
}
