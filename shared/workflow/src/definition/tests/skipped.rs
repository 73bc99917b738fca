//! Tests of the warning about a step that reads what a skipped step lacks.

use super::{HEAD, drawn, read_with_warnings};

/// Returns the warnings of a workflow with these steps.
fn warnings(steps: &str) -> Vec<String> {
    let workflow = format!("{HEAD}limits: {{ timeout: 8h }}\nsteps:\n{steps}");
    match read_with_warnings(&workflow) {
        Ok((_, warnings)) => warnings.iter().map(ToString::to_string).collect(),
        Err(problems) => panic!("{}", drawn(&workflow, &problems)),
    }
}

/// Returns a step that holds a vendor, with more fields.
fn hold(name: &str, vendor: &str, more: &str) -> String {
    format!(
        "  - {{ name: {name}, action: vendor-hold, input: {{ vendor_id: \"{vendor}\", days: 1 }}, rollback: {{}}{more} }}\n"
    )
}

#[test]
fn a_step_that_reads_a_field_of_one_that_can_be_skipped_is_warned_about() {
    for (more, reason) in [
        (", when: '{% $input.days > 1 %}'", "its `when` may skip it"),
        (
            ", on_failure: continue",
            "the execution continues if it fails",
        ),
        (", on_failure: escalate", "a person may skip it"),
        (", idempotent: false", "a person may skip it"),
    ] {
        let steps = hold("one", "v", more) + &hold("two", "{% $one.hold_id %}", "");
        let found = warnings(&steps);
        assert_eq!(found.len(), 1, "{more}: {found:?}");
        assert!(
            found[0].contains(&format!("this fails if `one` is skipped, and {reason}")),
            "{found:?}"
        );
        assert!(found[0].starts_with("10:"), "{found:?}");
    }
    let steps = hold("one", "v", "") + &hold("two", "{% $one.hold_id %}", "");
    assert_eq!(warnings(&steps), [""; 0], "a step that always runs");
}

#[test]
fn a_read_that_has_a_value_without_the_step_is_no_warning() {
    let one = hold("one", "v", ", on_failure: escalate");
    for two in [
        hold(
            "two",
            "{% $exists($one.hold_id) ? $one.hold_id : 'none' %}",
            "",
        ),
        hold("two", "{% 'after ' & $one.hold_id %}", ""),
        hold("two", "{% $one.hold_id %}", ", when: '{% $one != null %}'"),
        hold("two", "v", ", when: '{% $one.hold_id = \"h\" %}'"),
    ] {
        assert_eq!(warnings(&(one.clone() + &two)), [""; 0], "{two}");
    }
}

#[test]
fn a_wait_a_question_and_a_list_are_warned_about_too() {
    let one = hold("one", "v", ", on_failure: escalate");
    for two in [
        "  - { name: two, wait: { until: \"{% $one.placed_at %}\" } }\n",
        "  - { name: two, approve: { message: \"{% $one.hold_id %}\" } }\n",
        "  - name: two\n    for_each:\n      items: \"{% $one.hold_id %}\"\n      item_key: \"{% $item %}\"\n      \
         steps: [{ name: three, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }]\n",
    ] {
        assert_eq!(warnings(&(one.clone() + two)).len(), 1, "{two}");
    }
}

#[test]
fn a_step_of_a_branch_is_warned_about_through_its_container() {
    let one = hold("one", "v", ", on_failure: escalate");
    let other = hold("other", "v", "");
    let inner = |steps: &str| format!("      - steps:\n{}", steps.replace("  - ", "          - "));
    let both = format!(
        "  - name: both\n    parallel:\n{}{}",
        inner(&one),
        inner(&other)
    );
    let after = |read: &str| both.clone() + &hold("after", read, "");
    let found = warnings(&after("{% $both.one.hold_id %}"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(warnings(&after("{% $both.other.hold_id %}")), [""; 0]);
}

#[test]
fn what_an_item_contributes_needs_no_value() {
    let each = "  - name: hold_each
    for_each:
      items: \"{% $exists($input.vendors) ? $input.vendors : [] %}\"
      item_key: \"{% $item %}\"
      collect: \"{% $one.hold_id %}\"
      steps:
        - { name: one, action: vendor-hold, when: \"{% $item != 'x' %}\", input: { vendor_id: v, days: 1 }, rollback: {} }
";
    assert_eq!(warnings(each), [""; 0]);
}
