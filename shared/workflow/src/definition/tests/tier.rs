//! Tests of `tier: express`: what an Express execution cannot do is reported where it is written.

use holdfast_task::Tier;

use super::{HEAD, definition, problems};

const STEP: &str =
    "  - { name: hold, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {} }\n";

fn with(head: &str, steps: &str) -> String {
    format!("{HEAD}tier: express\n{head}steps:\n{steps}")
}

#[test]
fn an_express_execution_has_four_and_a_half_minutes_unless_the_author_says_less() {
    let usual = definition(&with("", STEP));
    assert_eq!((usual.tier, usual.limits.timeout_s), (Tier::Express, 270));
    let short = definition(&with("limits: { timeout: 3m }\n", STEP));
    assert_eq!(short.limits.timeout_s, 180);
    for timeout in ["5m", "1m"] {
        let found = problems(&with(&format!("limits: {{ timeout: {timeout} }}\n"), STEP));
        assert!(found.contains("limits.timeout is out of range"), "{found}");
        assert!(found.contains("from 3m to 270s"), "{found}");
    }
}

#[test]
fn the_default_tier_is_standard_and_leaves_the_digest_as_it_was() {
    let standard = definition(&format!("{HEAD}steps:\n{STEP}"));
    let written = definition(&format!("{HEAD}tier: standard\nsteps:\n{STEP}"));
    assert_eq!(standard, written);
    let json = serde_json::to_value(&standard).expect("it is JSON");
    assert_eq!(json.get("tier"), None);
    let express = definition(&with("", STEP));
    assert_ne!(standard.digest(), express.digest());
}

#[test]
fn what_waits_for_a_person_or_for_an_unknown_time_is_refused() {
    let ends = "and an Express execution ends after 5 minutes";
    for (step, why) in [
        (
            "  - { name: agree, approve: { message: m }, decide_within: 2m }\n",
            "an approval waits for a person",
        ),
        (
            "  - { name: h, action: vendor-hold, input: { vendor_id: v, days: 1 }, rollback: {}, on_failure: escalate, decide_within: 2m }\n",
            "`on_failure: escalate` waits for a person",
        ),
        (
            "  - { name: later, wait: { until: \"{% $input.vendor_id %}\" } }\n",
            "the end of the wait is not known",
        ),
    ] {
        let nested = format!("  - name: both\n    parallel:\n      - steps:\n        {step}");
        for steps in [step.to_owned(), nested] {
            let found = problems(&with("", &format!("{STEP}{steps}")));
            assert!(found.contains(&format!("{why}, {ends}")), "{found}");
            assert!(found.contains("leave out `tier: express`"), "{found}");
        }
    }
    let found = problems(&with("when_paused: queue\n", STEP));
    assert!(found.contains("write `when_paused: refuse`"), "{found}");
}

#[test]
fn a_wait_that_is_longer_than_the_execution_is_refused() {
    let found = problems(&with(
        "",
        &format!("{STEP}  - {{ name: later, wait: 10m }}\n"),
    ));
    assert!(
        found.contains("longer than the execution's timeout"),
        "{found}"
    );
}

#[test]
fn every_expression_of_an_express_workflow_must_yield_the_same_in_every_run() {
    let step = STEP.replace("vendor_id: v", "vendor_id: \"{% $string($millis()) %}\"");
    let found = problems(&with("", &step));
    let why = "`$millis` in a workflow with `tier: express` differs between attempts";
    assert!(found.contains(why), "{found}");
    definition(&format!("{HEAD}steps:\n{step}"));
}

#[test]
fn a_tier_is_one_of_two_words() {
    let found = problems(&format!("{HEAD}tier: fast\nsteps:\n{STEP}"));
    assert!(found.contains("standard, express"), "{found}");
}
