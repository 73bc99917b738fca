//! Tests of the bound of items by the history of one execution.

use super::{definition, problems};

/// Returns a workflow whose list has at most `most` items, with a step of `attempts` attempts.
fn workflow(most: u64, attempts: u64) -> String {
    format!(
        "workflow: WF-TEST
version: 1
input: {{ type: object, properties: {{ list: {{ type: array, maxItems: {most} }} }} }}
steps:
  - name: hold_each
    for_each:
      items: \"{{% $input.list %}}\"
      item_key: \"{{% $item %}}\"
      steps:
        - {{ name: hold, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}}, retry: {{ max_attempts: {attempts} }} }}
"
    )
}

#[test]
fn declared_items_that_do_not_fit_into_the_history_are_a_problem() {
    definition(&workflow(900, 3));
    let drawn = problems(&workflow(2000, 3));
    assert!(drawn.contains("workflows/test.yaml:5:"), "{drawn}");
    assert!(
        drawn.contains("`hold_each` may have 2000 items, and at most 9"),
        "{drawn}"
    );
    assert!(drawn.contains("declare fewer items"), "{drawn}");
}

#[test]
fn fewer_attempts_leave_room_for_more_items() {
    definition(&workflow(1300, 1));
    problems(&workflow(1300, 3));
}
