//! Tests of what engines of JSONata read otherwise, which is refused.

use super::step_problems;

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
