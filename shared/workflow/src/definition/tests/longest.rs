//! Tests of durations: what cannot end within the execution's timeout is reported with a fix that
//! exists.

use super::{HEAD, definition, problems};

const HOLD: &str =
    "  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }\n";
const POLL: &str = "  - { name: poll, action: http, input: { method: GET, url: \"${VendorSystemUrl}\" }, \
     poll: { until: \"{% true %}\", every: 1s, at_most: 10 } }\n";

fn workflow(head: &str, steps: &str) -> String {
    format!("{HEAD}{head}steps:\n{steps}")
}

/// A row of waits of these durations, indented by `indent` spaces.
fn waits(prefix: &str, durations: &[&str], indent: usize) -> String {
    let rows = durations.iter().enumerate().map(|(number, duration)| {
        let indent = " ".repeat(indent);
        format!("{indent}- {{ name: {prefix}_{number}, wait: {duration} }}\n")
    });
    rows.collect()
}

#[test]
fn what_no_express_execution_can_take_is_not_answered_with_a_longer_timeout() {
    for (steps, why) in [
        (waits("w", &["5m"], 2), "this wait can take 5m"),
        (POLL.to_owned(), "10 attempts of this poll can take"),
    ] {
        let found = problems(&workflow("tier: express\n", &steps));
        assert!(found.contains(why), "{found}");
        let fix = "or leave out `tier: express`: an Express execution has 270s at most";
        assert!(found.contains(fix), "{found}");
        assert!(!found.contains("set limits.timeout"), "{found}");
    }
    let short = "tier: express\nlimits: { timeout: 3m }\n";
    let found = problems(&workflow(short, &waits("w", &["265s"], 2)));
    assert!(
        found.contains("set limits.timeout to 265s or more"),
        "{found}"
    );
}

#[test]
fn what_no_execution_can_take_is_to_be_shortened() {
    let steps = waits("w", &["365d", "365d"], 2);
    let found = problems(&workflow("limits: { timeout: 365d }\n", &steps));
    let fix = "help: shorten them: an execution has 365d at most";
    assert!(found.contains(fix), "{found}");
}

#[test]
fn a_timeout_that_cannot_be_read_is_one_problem() {
    let steps = format!("{HOLD}{}", waits("w", &["1h"], 2));
    for timeout in ["366d", "15", "soon"] {
        let limits = format!("limits: {{ timeout: {timeout} }}\n");
        let found = problems(&workflow(&limits, &steps));
        assert_eq!(found.matches("help:").count(), 1, "{found}");
    }
}

#[test]
fn waits_that_every_execution_passes_must_fit_into_its_timeout_together() {
    for (head, steps, taken, timeout) in [
        (
            "tier: express\n",
            waits("w", &["3m", "3m"], 2),
            "6m",
            "270s",
        ),
        ("", waits("w", &["10m", "10m"], 2), "20m", "15m"),
        (
            "",
            format!(
                "{}  - name: both\n    parallel:\n      - steps:\n{}      - steps:\n{}",
                waits("w", &["10m"], 2),
                waits("a", &["1m"], 10),
                waits("b", &["3m", "4m"], 10),
            ),
            "17m",
            "15m",
        ),
    ] {
        let found = problems(&workflow(head, &steps));
        let why = format!(
            "the waits take {taken} together, longer than the execution's timeout of {timeout}"
        );
        assert!(found.contains(&why), "{found}");
    }
}

#[test]
fn a_wait_that_an_execution_may_not_reach_does_not_count() {
    let first = waits("w", &["10m"], 2);
    let later = waits("l", &["10m"], 2);
    let inner = |prefix: &str| waits(prefix, &["10m"], 10);
    for steps in [
        waits("w", &["5m", "10m"], 2),
        format!(
            "  - name: both\n    parallel:\n      - steps:\n{}      - steps:\n{}",
            inner("a"),
            inner("b")
        ),
        format!("{first}  - {{ name: s, stop: {{ when: \"{{% true %}}\", reason: r }} }}\n{later}"),
        format!(
            "{first}  - name: items\n    for_each:\n      items: \"{{% $input.vendors %}}\"\n      \
             item_key: \"{{% $item %}}\"\n      steps:\n{}",
            inner("i")
        ),
        format!(
            "{first}  - name: c\n    choose:\n      - when: \"{{% $input.days = 1 %}}\"\n        \
             steps:\n{}",
            inner("i")
        ),
    ] {
        definition(&workflow("", &steps));
    }
}
