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

#[test]
fn polls_in_a_row_that_fill_the_history_are_a_problem_and_in_branches_they_are_not() {
    let poll = |n: usize| {
        format!(
            "{{ name: poll_{n}, action: http, input: {{ method: GET, url: 'https://api.example.com/a' }}, \
             poll: {{ until: '{{% $result.body.done = true %}}', every: 20s, at_most: 100 }} }}"
        )
    };
    let row = |numbers: std::ops::Range<usize>| numbers.map(poll).collect::<Vec<_>>().join(", ");
    let head =
        "workflow: WF-TEST\nversion: 1\ninput: { type: object }\nlimits: { timeout: 300d }\n";
    definition(&format!("{head}steps: [{}]\n", row(0..60)));
    let drawn = problems(&format!("{head}steps: [{}]\n", row(0..70)));
    assert!(drawn.contains("workflows/test.yaml:5:"), "{drawn}");
    assert!(drawn.contains("all attempts together can add 2"), "{drawn}");
    assert!(drawn.contains("allow fewer attempts"), "{drawn}");
    let branches = format!(
        "{head}steps: [{{ name: route, choose: [{{ when: '{{% $input.a = 1 %}}', steps: [{}] }}], otherwise: [{}] }}]\n",
        row(0..50),
        row(50..100)
    );
    definition(&branches);
}
