//! Tests of event patterns: each form that EventBridge takes is accepted, each other is refused.

use super::{HEAD, Problem, read_with_warnings};

/// Reads a workflow that has this event pattern.
fn pattern(pattern: &str) -> Result<Vec<Problem>, Vec<Problem>> {
    let trigger = format!(
        "triggers:\n  - {{ event: {pattern}, tenant: acme, idempotency_key: \"{{% $event.id %}}\" }}\nsteps: [{{ name: a, wait: 1s }}]\n"
    );
    read_with_warnings(&format!("{HEAD}{trigger}")).map(|(_, warnings)| warnings)
}

const RIGHT: [&str; 46] = [
    "{ source: [a] }",
    "{ source: [a, b], detail-type: [C] }",
    "{ source: [''] }",
    "{ account: ['123456789012'] }",
    "{ region: [eu-central-1], version: ['0'], id: [x], time: [{ prefix: '2026-11' }] }",
    "{ resources: ['arn:aws:s3:::b'] }",
    "{ resources: [{ suffix: /b }] }",
    "{ source: [a], detail: { state: [open] } }",
    "{ detail: { a: { b: { c: [1] } } } }",
    "{ detail: { paid: [true, false], note: [null], text: [''] } }",
    "{ detail: { days: [1, 2.5, -3] } }",
    "{ detail: { account: [123456789012] } }",
    "{ detail: { state: [open, 1, null, true, { prefix: x }] } }",
    "{ source: [{ prefix: finops. }] }",
    "{ detail: { a: [{ prefix: '' }] } }",
    "{ detail: { a: [{ prefix: { equals-ignore-case: x } }] } }",
    "{ detail: { a: [{ suffix: .png }] } }",
    "{ detail: { a: [{ suffix: { equals-ignore-case: .PNG } }] } }",
    "{ detail: { a: [{ equals-ignore-case: alice }] } }",
    "{ detail: { a: [{ wildcard: 'dir/*.png' }] } }",
    "{ detail: { a: [{ wildcard: '*a*b*' }] } }",
    "{ detail: { a: [{ wildcard: 'a\\*\\\\*' }] } }",
    "{ detail: { a: [{ exists: true }], b: [{ exists: false }] } }",
    "{ detail: { a: [{ numeric: ['=', 5] }] } }",
    "{ detail: { a: [{ numeric: ['>', 0] }] } }",
    "{ detail: { a: [{ numeric: ['>=', 0] }] } }",
    "{ detail: { a: [{ numeric: ['<', 0.000001] }] } }",
    "{ detail: { a: [{ numeric: ['<=', -5000000000] }] } }",
    "{ detail: { a: [{ numeric: ['>', 0, '<=', 5] }] } }",
    "{ detail: { a: [{ numeric: ['>=', -1, '<', 5000000000] }] } }",
    "{ detail: { a: [{ cidr: 10.0.0.0/24 }] } }",
    "{ detail: { a: [{ cidr: '2001:db8::/32' }] } }",
    "{ detail: { a: [{ cidr: 0.0.0.0/0 }] } }",
    "{ detail: { a: [{ anything-but: x }] } }",
    "{ detail: { a: [{ anything-but: 5 }] } }",
    "{ detail: { a: [{ anything-but: [x, z] }] } }",
    "{ detail: { a: [{ anything-but: [1, 2] }] } }",
    "{ detail: { a: [{ anything-but: { prefix: x } }] } }",
    "{ detail: { a: [{ anything-but: { suffix: [x, z] } }] } }",
    "{ detail: { a: [{ anything-but: { equals-ignore-case: [x] } }] } }",
    "{ detail: { a: [{ anything-but: { wildcard: '*/lib/*' } }] } }",
    "{ $or: [{ source: [a] }, { detail: { state: [b] } }] }",
    "{ detail: { $or: [{ a: [1] }, { b: [{ numeric: ['>', 1] }] }, { c: { d: [2] } }] } }",
    "{ detail: { $or: [{ a: [1], $or: [{ b: [1] }, { c: [1] }] }, { d: [1] }] } }",
    "{ source: ['${VendorSystemUrl}'] }",
    "{ detail: { a: [{ cidr: '${VendorSystemUrl}' }] } }",
];

const WRONG: [&str; 68] = [
    "{}",
    "[a]",
    "a",
    "null",
    "{ source: a }",
    "{ source: [] }",
    "{ source: {} }",
    "{ source: null }",
    "{ source: { prefix: a } }",
    "{ source: { a: [b] } }",
    "{ source: [1] }",
    "{ source: [true] }",
    "{ source: [null] }",
    "{ source: [[a]] }",
    "{ sorce: [a] }",
    "{ account: [123456789012] }",
    "{ resources: [5] }",
    "{ source: [{ numeric: ['=', 1] }] }",
    "{ detail: [a] }",
    "{ detail: {} }",
    "{ detail: a }",
    "{ detail: { a: {} } }",
    "{ detail: { a: [] } }",
    "{ detail: { a: b } }",
    "{ detail: { a: 1 } }",
    "{ detail: { a: [[1]] } }",
    "{ detail: { a: [{}] } }",
    "{ detail: { a: [{ prefix: a, suffix: b }] } }",
    "{ detail: { a: [{ prefx: a }] } }",
    "{ detail: { a: [{ exactly: a }] } }",
    "{ detail: { a: [{ regex: a }] } }",
    "{ detail: { a: [{ exists: 'yes' }] } }",
    "{ detail: { a: [{ exists: 1 }] } }",
    "{ detail: { a: [{ exists: null }] } }",
    "{ detail: { a: [{ exists: [true] }] } }",
    "{ detail: { a: [{ prefix: 1 }] } }",
    "{ detail: { a: [{ prefix: [a] }] } }",
    "{ detail: { a: [{ prefix: { suffix: a } }] } }",
    "{ detail: { a: [{ suffix: { equals-ignore-case: 1 } }] } }",
    "{ detail: { a: [{ equals-ignore-case: [a] }] } }",
    "{ detail: { a: [{ equals-ignore-case: 5 }] } }",
    "{ detail: { a: [{ wildcard: 'a**b' }] } }",
    "{ detail: { a: [{ wildcard: 'a\\b' }] } }",
    "{ detail: { a: [{ wildcard: 'a\\' }] } }",
    "{ detail: { a: [{ wildcard: [a] }] } }",
    "{ detail: { a: [{ cidr: 10.0.0.0 }] } }",
    "{ detail: { a: [{ cidr: 10.0.0.0/32 }] } }",
    "{ detail: { a: [{ cidr: 10.0.0/8 }] } }",
    "{ detail: { a: [{ cidr: 10.0.0.0/+8 }] } }",
    "{ detail: { a: [{ cidr: '2001:db8::/128' }] } }",
    "{ detail: { a: [{ numeric: 5 }] } }",
    "{ detail: { a: [{ numeric: [] }] } }",
    "{ detail: { a: [{ numeric: ['=>', 5] }] } }",
    "{ detail: { a: [{ numeric: ['>', '5'] }] } }",
    "{ detail: { a: [{ numeric: ['>', 0, '<'] }] } }",
    "{ detail: { a: [{ numeric: ['<', 5, '>', 0] }] } }",
    "{ detail: { a: [{ numeric: ['=', 5, '<', 6] }] } }",
    "{ detail: { a: [{ numeric: ['>', 5, '<', 5] }] } }",
    "{ detail: { a: [{ numeric: ['>', 5000000001] }] } }",
    "{ detail: { a: [{ numeric: ['=', 0.0000001] }] } }",
    "{ detail: { a: [{ anything-but: [] }] } }",
    "{ detail: { a: [{ anything-but: [a, 1] }] } }",
    "{ detail: { a: [{ anything-but: null }] } }",
    "{ detail: { a: [{ anything-but: [true] }] } }",
    "{ detail: { a: [{ anything-but: { numeric: ['=', 1] } }] } }",
    "{ detail: { a: [{ anything-but: { prefix: '' } }] } }",
    "{ detail: { a: [{ anything-but: { suffix: [] } }] } }",
    "{ detail: { a: [{ anything-but: 6000000000 }] } }",
];

const WRONG_ALTERNATIVES: [&str; 10] = [
    "{ $or: [] }",
    "{ $or: [{ source: [a] }] }",
    "{ $or: { source: [a] } }",
    "{ $or: [{ source: [a] }, {}] }",
    "{ $or: [{ source: [a] }, b] }",
    "{ $or: [{ sorce: [a] }, { source: [b] }] }",
    "{ detail: { $or: [{ numeric: [1] }, { prefix: [a] }] } }",
    "{ detail: { $or: [{ a: { exists: [true] } }, { b: [1] }] } }",
    "{ detail: { $or: [{ a: [1] }, { b: [{ exists: 'no' }] }] } }",
    "{ detail: { $or: [{ regex: [a] }, { b: [1] }] } }",
];

#[test]
fn a_pattern_that_eventbridge_takes_is_accepted() {
    for right in RIGHT {
        if let Err(problems) = pattern(right) {
            panic!("{right}: {problems:?}");
        }
    }
}

#[test]
fn a_pattern_that_eventbridge_refuses_is_refused_with_a_fix() {
    for wrong in WRONG.into_iter().chain(WRONG_ALTERNATIVES) {
        let problems = pattern(wrong).expect_err(wrong);
        assert!(problems.iter().all(|one| !one.help.is_empty()), "{wrong}");
        assert!(
            problems.iter().all(|one| one.at.line == 8),
            "{wrong}: {problems:?}"
        );
    }
}

#[test]
fn a_pattern_is_bounded_in_size_and_in_combinations() {
    let list = vec!["abcdefgh"; 500].join(", ");
    pattern(&format!("{{ source: [{list}] }}")).expect_err("more than 4096 characters");
    let either = |name: &str| {
        let ten = (0..10).map(|n| format!("{{ {name}: [{n}] }}"));
        format!("{{ $or: [{}] }}", ten.collect::<Vec<_>>().join(", "))
    };
    let of = |count: usize| {
        let fields = (0..count).map(|n| format!("f{n}: {}", either("a")));
        format!(
            "{{ detail: {{ {} }} }}",
            fields.collect::<Vec<_>>().join(", ")
        )
    };
    pattern(&of(3)).expect("1000 combinations");
    pattern(&of(4)).expect_err("10000 combinations");
}

#[test]
fn an_operator_in_place_of_a_field_is_warned_about() {
    let warnings = pattern("{ detail: { state: { anything-but: [a] } } }").expect("it is legal");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].help.contains("[{ anything-but"), "{warnings:?}");
}
