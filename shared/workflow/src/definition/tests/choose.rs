//! Tests of `choose` and `stop`: what is read, what is refused, and which branches lead to a step.

use super::{HEAD, definition, drawn, read_with_warnings, step_problems};
use crate::definition::{Definition, Problem, graph};

/// Returns a step that holds a vendor.
fn hold(name: &str, vendor: &str) -> String {
    format!(
        "{{ name: {name}, action: vendor-hold, input: {{ vendor_id: \"{vendor}\", days: 1 }}, rollback: {{}} }}"
    )
}

fn workflow(steps: &str) -> Definition {
    definition(&format!("{HEAD}steps:\n{steps}"))
}

/// Returns the warnings of a workflow with these steps.
fn warnings(steps: &str) -> Vec<Problem> {
    let workflow = format!("{HEAD}steps:\n{steps}");
    match read_with_warnings(&workflow) {
        Ok((_, warnings)) => warnings,
        Err(problems) => panic!("{}", drawn(&workflow, &problems)),
    }
}

/// Returns a `choose` with two branches, of which the first has two steps, and a step after it.
fn routed(last: &str) -> String {
    format!(
        "  - name: route\n    choose:\n      - when: '{{% $input.days > 1 %}}'\n        steps:\n          - {}\n          - {}\n      - when: '{{% $input.days = 1 %}}'\n        steps: [{}]\n{last}",
        hold("one", "a"),
        hold("two", "{% $one.hold_id %}"),
        hold("three", "b"),
    )
}

#[test]
fn a_later_step_sees_the_outputs_of_every_branch_and_is_warned_that_they_may_be_null() {
    let reads = |vendor: &str| routed(&format!("  - {}\n", hold("last", vendor)));
    assert_eq!(warnings(&routed("")), [], "a branch sees its own steps");
    let found = warnings(&reads("{% $three.hold_id %}"));
    assert_eq!(found.len(), 1, "{found:?}");
    let said = found[0].to_string();
    assert!(
        said.contains("this fails if `three` is skipped, and its branch may not be taken"),
        "{said}"
    );
    let checked = reads("{% $exists($three.hold_id) ? $three.hold_id : 'none' %}");
    assert_eq!(warnings(&checked), []);
}

#[test]
fn branches_do_not_see_each_other_and_a_choose_has_no_output() {
    let wrong = |vendor: &str, after: &str| {
        let steps = format!(
            "  - name: route\n    choose:\n      - when: '{{% true %}}'\n        steps: [{}]\n    otherwise: [{}]\n  - {}\n",
            hold("one", "a"),
            hold("two", vendor),
            hold("last", after)
        );
        step_problems(&steps)
    };
    let drawn = wrong("{% $one.hold_id %}", "a");
    assert!(drawn.contains("`one` runs in another branch"), "{drawn}");
    let drawn = wrong("a", "{% $route %}");
    assert!(
        drawn.contains("`route` is a choose and has no output"),
        "{drawn}"
    );
}

#[test]
fn a_condition_of_a_branch_yields_the_same_on_every_evaluation() {
    for condition in ["$millis() > 1", "$random() > 0.5"] {
        let choose = format!(
            "  - {{ name: route, choose: [{{ when: '{{% {condition} %}}', steps: [{}] }}] }}\n",
            hold("one", "a")
        );
        let drawn = step_problems(&choose);
        assert!(drawn.contains("in `when` differs"), "{drawn}");
        let stop = format!(
            "  - {{ name: enough, stop: {{ when: '{{% {condition} %}}', reason: done }} }}\n"
        );
        let drawn = step_problems(&stop);
        assert!(drawn.contains("in `when` differs"), "{drawn}");
    }
}

#[test]
fn a_choice_stays_outside_of_what_runs_side_by_side() {
    let choose = format!(
        "{{ name: route, choose: [{{ when: '{{% true %}}', steps: [{}] }}] }}",
        hold("one", "a")
    );
    let stop = "{ name: enough, stop: { when: '{% true %}', reason: done } }";
    let each = |inner: &str| {
        format!(
            "  - {{ name: each, for_each: {{ items: '{{% $input.vendors %}}', item_key: '{{% $item.id %}}', steps: [{inner}] }} }}\n"
        )
    };
    let beside = |inner: &str| {
        format!(
            "  - {{ name: beside, parallel: [{{ steps: [{inner}] }}, {{ steps: [{}] }}] }}\n",
            hold("other", "b")
        )
    };
    for steps in [each(&choose), beside(&choose)] {
        let drawn = step_problems(&steps);
        assert!(
            drawn.contains("a choose inside a for_each or a parallel"),
            "{drawn}"
        );
    }
    let inside =
        format!("  - {{ name: outer, choose: [{{ when: '{{% true %}}', steps: [{stop}] }}] }}\n");
    for steps in [each(stop), beside(stop), inside] {
        let drawn = step_problems(&steps);
        assert!(
            drawn.contains("a stop inside a choose, a for_each or a parallel"),
            "{drawn}"
        );
    }
    // What runs side by side can be inside a branch, and a choose inside another.
    let nested = format!(
        "  - {{ name: outer, choose: [{{ when: '{{% true %}}', steps: [{choose}, {}] }}] }}\n",
        beside(&hold("two", "a")).trim().trim_start_matches("- ")
    );
    workflow(&nested);
}

#[test]
fn a_mistake_in_a_choice_is_named_with_its_place_and_the_fix() {
    let one = hold("one", "a");
    for (steps, what) in [
        (
            format!("  - {{ name: route, choose: [{{ steps: [{one}] }}] }}\n"),
            "a branch of a choose has no `when`",
        ),
        (
            "  - { name: route, choose: [{ when: '{% true %}' }] }\n".to_owned(),
            "a branch of a choose has no `steps`",
        ),
        (
            "  - { name: route, choose: [] }\n".to_owned(),
            "choose is an empty list",
        ),
        (
            format!(
                "  - {{ name: route, when: '{{% true %}}', choose: [{{ when: '{{% true %}}', steps: [{one}] }}] }}\n"
            ),
            "a `choose` step cannot have `when`",
        ),
        (
            "  - { name: enough, stop: { when: '{% true %}' } }\n".to_owned(),
            "stop has no `reason`",
        ),
        (
            "  - { name: enough, when: '{% true %}', stop: { reason: done } }\n".to_owned(),
            "a `stop` step cannot have `when`",
        ),
        (
            "  - { name: enough, stop: { when: '{% true %}', reason: '{% $input.days %}' } }\n"
                .to_owned(),
            "an expression in the reason of a stop",
        ),
    ] {
        let drawn = step_problems(&steps);
        assert!(drawn.contains(what), "{what}: {drawn}");
    }
}

#[test]
fn the_branches_of_a_step_are_those_of_each_choose_around_it_and_each_stop_before_it() {
    let found = workflow(&format!(
        "  - {}\n  - {{ name: enough, stop: {{ when: '{{% true %}}', reason: done }} }}\n{}",
        hold("first", "a"),
        routed(&format!("    otherwise: [{}]\n", hold("four", "c")))
    ));
    let branches = found.branches();
    let path = |step: &str| {
        let path = branches[step].iter();
        path.map(|one| format!("{}={}", one.step, one.branch))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(path("first"), "");
    assert_eq!(path("two"), "enough=continue route=1");
    assert_eq!(path("three"), "enough=continue route=2");
    assert_eq!(path("four"), "enough=continue route=otherwise");
    let names: Vec<&str> = found
        .action_steps()
        .iter()
        .map(|(step, ..)| &*step.name)
        .collect();
    assert_eq!(names, ["first", "one", "two", "three", "four"]);
}

#[test]
fn the_end_of_a_choose_is_the_end_of_each_branch_that_leaves_a_record() {
    let approves = "{ name: agreed, approve: { message: Go on? }, decide_within: 5m }";
    for (steps, ends) in [
        (routed(""), vec!["two", "three"]),
        // A stop at the end holds up nothing.
        (
            routed("  - { name: enough, stop: { when: '{% true %}', reason: done } }\n"),
            vec!["two", "three"],
        ),
        (
            routed(&format!("    otherwise: [{approves}]\n")),
            vec!["two", "three"],
        ),
        (
            format!(
                "  - {}\n  - {{ name: route, choose: [{{ when: '{{% true %}}', steps: [{approves}] }}] }}\n",
                hold("one", "a")
            ),
            vec![],
        ),
    ] {
        assert_eq!(workflow(&steps).ends().steps, ends, "{steps}");
    }
}

#[test]
fn a_graph_shows_each_branch_behind_its_condition() {
    let found = workflow(&format!(
        "  - {{ name: enough, stop: {{ when: '{{% $input.days = 0 %}}', reason: done }} }}\n{}",
        routed(&format!("  - {}\n", hold("last", "c")))
    ));
    let drawn = graph(&found);
    for line in [
        "step_enough -->|stop| finish([\"receipt\"])",
        "step_enough -->|else| step_route",
        "step_route -->|when $input.days &gt; 1| step_one",
        "step_route -->|when $input.days = 1| step_three",
        "step_route -->|otherwise| step_last",
        "step_two --> step_last",
        "step_three --> step_last",
        "step_last --> finish([\"receipt\"])",
    ] {
        assert!(drawn.contains(line), "{line}: {drawn}");
    }
}
