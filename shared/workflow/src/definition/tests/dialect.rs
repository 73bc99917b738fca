//! Tests of what engines of JSONata read otherwise, which is refused.

use super::{HEAD, definition, step_problems};

#[test]
fn operators_that_step_functions_does_not_know_are_refused() {
    for (mark, text) in [
        ("??", "$input.vendor_id ?? 'v'"),
        ("?:", "$input.vendor_id ?: 'v'"),
    ] {
        let step = format!(
            "  - {{ name: a, action: vendor-hold, input: {{ vendor_id: \"{{% {text} %}}\", days: 1 }}, rollback: {{}} }}\n"
        );
        let drawn = step_problems(&step);
        let message = format!("`{mark}` is not in JSONata 2.0.6, which Step Functions evaluates");
        assert!(drawn.contains(&message), "{drawn}");
        assert!(!drawn.contains("too deep"), "{drawn}");
        assert!(drawn.contains("workflows/test.yaml:8:78"), "{drawn}");
        assert!(
            drawn.contains("$exists($input.a) ? $input.a : 1"),
            "{drawn}"
        );
    }
}

#[test]
fn a_regex_or_function_that_engines_read_otherwise_is_refused() {
    for (expression, why) in [
        (
            r"$contains($input.vendor_id, /(?=a)/)",
            "there is no look-around",
        ),
        (
            r"$contains($input.vendor_id, /^\\s/)",
            "write `[ \\t\\r\\n]`",
        ),
        (
            r"$replace($input.vendor_id, /(a)\\1/, 'x')",
            "refers back to a group",
        ),
    ] {
        let found = step_problems(&format!(
            "  - {{ name: a, action: vendor-hold, input: {{ vendor_id: \"{{% {expression} %}}\", days: 1 }}, rollback: {{}} }}\n"
        ));
        let found = found.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(found.contains("not every engine reads alike"), "{found}");
        assert!(found.contains(why), "{found}");
    }
}

/// Returns the problems of these steps in one line.
fn said(steps: &str) -> String {
    let drawn = step_problems(steps);
    drawn.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns `inner` in so many brackets, each a level of depth.
fn nested(inner: &str, levels: usize) -> String {
    format!("{}{inner}{}", "(".repeat(levels), ")".repeat(levels))
}

#[test]
fn an_expression_that_is_too_deep_is_refused_at_its_place_with_another_form() {
    let chain = |terms: usize| vec!["$input.vendor_id"; terms].join(" & ");
    let hold = |vendor: &str| {
        format!(
            "  - {{ name: hold, action: vendor-hold, input: {{ vendor_id: \"{{% {vendor} %}}\", days: 1 }}, rollback: {{}} }}\n"
        )
    };
    let drawn = said(&hold(&chain(85)));
    assert!(drawn.contains("too deep for Step Functions"), "{drawn}");
    assert!(drawn.contains("$join([a, b, …], '')"), "{drawn}");
    let drawn = said(&hold(&chain(200)));
    assert!(drawn.contains("levels deep, at most 90"), "{drawn}");
    let choose = |levels: usize| {
        format!(
            "  - {{ name: route, choose: [{{ when: \"{{% {} %}}\", steps: [{{ name: pause, wait: 1s }}] }}] }}\n",
            nested("$input.days = 1", levels)
        )
    };
    definition(&format!("{HEAD}steps:\n{}", choose(37)));
    let drawn = said(&choose(38));
    assert!(drawn.contains("levels deep, at most 40"), "{drawn}");
}

#[test]
fn the_deepest_accepted_expression_fits_at_every_place_of_the_state_machine() {
    let (text, yes) = (
        nested("$input.vendor_id", 78),
        nested("$input.days = 1", 77),
    );
    let list = nested("$input.vendors", 78);
    let key = nested("$item.id", 78);
    let branch = |n: usize| {
        format!(
            "{{ when: \"{{% {} %}}\", steps: [{{ name: pause_{n}, wait: 1s }}] }}",
            nested("$input.days = 1", 37)
        )
    };
    let branches: Vec<String> = (0..40).map(branch).collect();
    let workflow = format!(
        "{HEAD}output: {{ a: \"{{% {text} %}}\" }}
steps:
  - name: each_vendor
    for_each:
      items: \"{{% {list} %}}\"
      item_key: \"{{% {key} %}}\"
      collect: \"{{% {text} %}}\"
      steps:
        - name: hold
          action: vendor-hold
          when: \"{{% {yes} %}}\"
          input: {{ vendor_id: \"{{% {text} %}}\", days: 1 }}
          rollback: {{}}
  - {{ name: until, wait: {{ until: \"{{% {text} %}}\" }} }}
  - {{ name: enough, stop: {{ when: \"{{% {yes} %}}\", reason: done }} }}
  - {{ name: route, choose: [{}] }}
",
        branches.join(", ")
    );
    let compiled = crate::compile::machine(&definition(&workflow), "f").expect("a digest");
    assert_eq!(compiled.violations(), [""; 0]);
}

#[test]
fn a_division_whose_result_may_be_no_number_is_refused_with_the_fix() {
    let share = |expression: &str| {
        format!(
            "  - {{ name: hold, action: vendor-hold, input: {{ vendor_id: v, days: \"{{% {expression} %}}\" }}, rollback: {{}} }}\n"
        )
    };
    let drawn = said(&share("7 / $input.days"));
    assert!(drawn.contains("`$input.a / $input.b + 0`"), "{drawn}");
    definition(&format!("{HEAD}steps:\n{}", share("7 / $input.days + 0")));
}
