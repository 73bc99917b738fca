//! Tests of drills with what the targets of steps answer.

use holdfast_action::ActionInfo;
use holdfast_drill::{Drill, RunInputs, ScheduleSource, Settings, Simulator};
use holdfast_workflow::definition::{Answers, read_answers};

use crate::set_up::{actions, read};

/// A look-up whose answer names the vendor, and holds of the vendors that another one lists.
const WORKFLOW: &str = r#"
workflow: WF-LOOK-UP
version: 1
input: { type: object }
steps:
  - name: look_up
    action: http
    input: { method: GET, url: "${VendorSystemUrl}/vendors/7" }
  - name: hold
    action: vendor-hold
    input: { vendor_id: "{% 'v-' & $look_up.body.id %}", days: "{% $look_up.status - 199 %}" }
    rollback: {}
  - name: note_each
    for_each:
      items: "{% $look_up.body.others %}"
      item_key: "{% $item %}"
      steps:
        - name: note
          action: http
          input: { method: POST, url: "${VendorSystemUrl}/notes" }
          rollback:
            input:
              method: DELETE
              url: "${VendorSystemUrl}/notes"
              path: ["{% $item %}"]
"#;

const ANSWERS: &str = "
look_up:
  body: { id: 1000000000000001, others: [a, b, c] }
note:
  - { status: 201, headers: { location: /notes/1 }, body: { id: n-1 } }
  - body: { id: n-2 }
";

fn answers(source: &str, actions: &[ActionInfo]) -> Answers {
    read_answers(source, &read(WORKFLOW), actions).expect("answers")
}

fn drill(source: &str) -> Result<Drill, String> {
    let actions = actions();
    let answers = answers(source, &actions);
    let settings = Settings::default();
    let run_inputs = RunInputs {
        answers,
        ..RunInputs::default()
    };
    Drill::of(
        &read(WORKFLOW),
        "look-up.yaml",
        &actions,
        &run_inputs,
        settings,
    )
}

#[test]
fn what_reads_an_answer_holds_under_every_single_fault() {
    let drill = drill(ANSWERS).expect("it executes");
    assert_eq!(drill.not_reached(), [""; 0]);
    let singles = drill.singles();
    for (scenario, outcome) in singles
        .iter()
        .zip(drill.run_all(&singles).expect("they run"))
    {
        assert_eq!(outcome.violations, [""; 0], "{scenario}");
    }
    let outcome = drill
        .run(&"no-fault".parse().expect("a name"))
        .expect("it runs");
    assert_eq!(outcome.remaining.len(), 4, "{:?}", outcome.remaining);
}

#[test]
fn what_reads_an_answer_can_be_simulated() {
    let actions = actions();
    let answers = answers(ANSWERS, &actions);
    let run_inputs = RunInputs {
        answers,
        ..RunInputs::default()
    };
    let simulator = Simulator::of(&read(WORKFLOW), "look-up.yaml", &actions, run_inputs);
    let ran = simulator
        .expect("it executes")
        .run(ScheduleSource::Seeds, 1, 200);
    let broken = ran.expect("it runs").broken.into_iter();
    let broken: Vec<_> = broken.map(|one| format!("{one:#?}")).collect();
    assert_eq!(broken, [""; 0]);
}

#[test]
fn without_an_answer_the_error_says_how_to_write_one() {
    let error = drill("{}").err().expect("no body, no id");
    let start = "without any fault it ends ROLLED_BACK: an expression of note_each";
    assert!(error.starts_with(start), "{error}");
    let help = "\n  help: the drill answers look_up with 200 and no body; write its answer into a \
                file for --answers, such as `look_up: { body: { id: V-100 } }`";
    assert!(error.ends_with(help), "{error}");
    for dump in ["Some(", "Failed(", "RaisedError", "RunEnd::"] {
        assert!(!error.contains(dump), "{error}");
    }
}

#[test]
fn an_answer_that_does_not_fit_is_named_with_its_place() {
    for (source, place, message) in [
        (
            "lookup: {}",
            "1:1",
            "unknown field `lookup` in the answers (did you mean `look_up`?",
        ),
        ("look_up: 7", "1:10", "the answer of http is the number 7"),
        (
            "look_up: []",
            "1:10",
            "the answers of look_up is an empty list",
        ),
        (
            "look_up: { bdy: 1 }",
            "1:12",
            "unknown field `bdy` in the answer of http",
        ),
        ("look_up: { status: 404 }", "1:20", "status"),
        ("note: [{ status: 200 }, { status: ok }]", "1:35", "status"),
        ("note: { headers: { set-cookie: a } }", "1:18", "headers"),
        ("note: { headers: { etag: 7 } }", "1:26", "etag"),
        ("hold: { hold_id: 7 }", "1:18", "hold_id"),
        ("look_up: {}\nlook_up: {}", "2:1", "look_up"),
    ] {
        let problems = read_answers(source, &read(WORKFLOW), &actions()).expect_err(source);
        let first = problems[0].to_string();
        assert!(
            first.starts_with(&format!("{place}: ")),
            "{source}: {first}"
        );
        assert!(first.contains(message), "{source}: {first}");
        assert_eq!(problems.len(), 1, "{source}: {problems:?}");
    }
}

/// A step gets a target's long number as a text, so that its digits reach the next step.
#[test]
fn a_long_number_in_an_answer_is_a_text_with_its_digits() {
    let answers = answers(ANSWERS, &actions());
    assert_eq!(answers["look_up"][0]["body"]["id"], "1000000000000001");
}
