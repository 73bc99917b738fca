//! Fuzzing of the admission check's bounds: a start ends in time and leaves memory, whatever an
//! accepted definition evaluates.
//!
//! Each start is checked in a process of its own, whose peak of memory is its own.
//! `HOLDFAST_BOUNDS=all` measures every attack of the list and prints the worst
//! (infra/bench/bounds.py).

use std::{
    env, fs,
    process::Command,
    sync::LazyLock,
    time::{Duration, Instant},
};

use holdfast_action::{ActionInfo, Registry};
use holdfast_admission::{ApprovalKeys, StartScope, bounded, check, read_start};
use holdfast_ids::keys::execution_id;
use holdfast_task::{AdmissionSpec, Guardrail, Template};
use holdfast_workflow::definition::{Environment, read};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    attacks::{AttackTarget, INPUTS, attacks, input},
    expression::{expressions, patterns},
    fuzz,
};

/// Longest check of a start: names, content and guardrails have five seconds of the clock each. A
/// busy machine wakes the function later.
const LONGEST: Duration = Duration::from_secs(20);
/// Most memory of the process, in MB. A function has 256, of which its AWS clients hold some.
const MOST_MEMORY: u64 = 200;
/// The variable that carries a start to the process that checks it.
const START: &str = "HOLDFAST_START";

static ACTIONS: LazyLock<Registry> = LazyLock::new(holdfast_steps::registry);

/// The cost of one check.
#[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
struct Cost {
    wall_ms: u64,
    processor_ms: u64,
    peak_mb: u64,
    said: String,
}

/// Returns the definition that evaluates `target`.
fn spec(target: &AttackTarget) -> AdmissionSpec {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/events/begin.json");
    let text = fs::read_to_string(file).expect("a file of events");
    let task: Value = serde_json::from_str(&text).expect("JSON");
    let mut spec: AdmissionSpec =
        serde_json::from_value(task["gate"].clone()).expect("an admission spec");
    spec.guardrails = Vec::new();
    spec.input_schema = json!({});
    let expression = |text: &str| Template(json!({ "$jsonata": text }));
    match target {
        AttackTarget::Guardrail(text) => spec.guardrails.push(Guardrail {
            name: "attacked".to_owned(),
            assert: text.clone(),
            message: "no".to_owned(),
        }),
        AttackTarget::Schema(schema) => spec.input_schema = schema.clone(),
        AttackTarget::Mapping(text) => {
            let trigger = &mut spec.triggers[0];
            trigger.tenant = Template(json!("acme"));
            trigger.idempotency_key = expression("$event.id");
            trigger.input = expression(text);
        }
    }
    spec
}

/// Checks one start as `begin` does, and measures this process.
fn measure(target: &AttackTarget, input: Value) -> Cost {
    let spec = spec(target);
    let raw = match target {
        AttackTarget::Mapping(_) => {
            let event = json!({ "id": "e-1", "detail": input });
            json!({ "trigger": spec.triggers[0].name, "event": event })
        }
        _ => json!({ "tenant": "acme", "idempotency_key": "k", "input": input }),
    };
    let begun = Instant::now();
    let said = match read_start(&raw, &spec, "2026-01-01T09:00:00Z", "") {
        Err(error) => error.to_string(),
        Ok(start) if start.unmapped.is_some() => start.unmapped.unwrap_or_default(),
        Ok(start) => {
            let checked = bounded(move || {
                let id = execution_id(&start.tenant, &spec.workflow, &start.idempotency_key);
                let at = "2026-01-01T09:00:00Z".parse().expect("a timestamp");
                let seen = StartScope::of(&spec, &start, &id, at);
                check(&spec, &start, &seen, &ApprovalKeys::default(), at)
            });
            match checked {
                Ok(outcomes) => {
                    let no = outcomes.into_iter().filter(|outcome| !outcome.held);
                    let no: Vec<_> = no.filter_map(|outcome| outcome.message).collect();
                    no.join("; ")
                }
                Err(unfinished) => unfinished.to_string(),
            }
        }
    };
    let wall_ms = begun.elapsed().as_millis() as u64;
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.and_then(|rest| rest.trim().strip_suffix(" kB"));
    let peak: u64 = peak.and_then(|kb| kb.trim().parse().ok()).expect("a peak");
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    // Ticks of 10 ms in user and in system mode (man proc_pid_stat, fields 14 and 15).
    let ticks = after_name.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Cost {
        wall_ms,
        processor_ms: ticks * 10,
        peak_mb: peak / 1_024,
        said: said.chars().take(80).collect(),
    }
}

/// Measures a start in a process of its own.
fn measured(target: &AttackTarget, input: &str) -> Result<Cost, String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let name = "bounds::a_start_is_checked_within_its_bounds";
    let start = match target {
        AttackTarget::Guardrail(text) => json!(["guardrail", text, input]),
        AttackTarget::Mapping(text) => json!(["mapping", text, input]),
        AttackTarget::Schema(schema) => json!(["schema", schema, input]),
    };
    let output = Command::new(this)
        .args(["--exact", name, "--nocapture"])
        .env(START, start.to_string())
        .output()
        .map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find_map(|line| line.split_once("measured "));
    let Some((_, cost)) = line else {
        return Err(format!("the process died: {} {text}", output.status));
    };
    serde_json::from_str(cost).map_err(|error| error.to_string())
}

#[test]
fn a_start_is_checked_within_its_bounds() {
    let plain = || json!(["guardrail", "true", "text"]).to_string();
    assert!(is_accepted("true", &json!({})), "the definition is right");
    let start = env::var(START).unwrap_or_else(|_| plain());
    let (target, what, kind): (String, Value, String) =
        serde_json::from_str(&start).expect("a start");
    let text = || what.as_str().unwrap_or_default().to_owned();
    let target = match &*target {
        "guardrail" => AttackTarget::Guardrail(text()),
        "mapping" => AttackTarget::Mapping(text()),
        _ => AttackTarget::Schema(what.clone()),
    };
    let cost = measure(&target, input(&kind));
    eprintln!("measured {}", serde_json::to_string(&cost).expect("JSON"));
    assert!(cost.peak_mb <= MOST_MEMORY, "{cost:?}");
}

fn keeps(target: &AttackTarget, input: &str) -> Result<(), String> {
    let cost = measured(target, input)?;
    let slow = Duration::from_millis(cost.wall_ms) > LONGEST;
    match slow || cost.peak_mb > MOST_MEMORY {
        true => Err(format!("{target:?} over input {input}: {cost:?}")),
        false => Ok(()),
    }
}

/// Returns whether `validate` accepts a definition with this guardrail and this schema.
fn is_accepted(assert: &str, schema: &Value) -> bool {
    let assert = json!(format!("{{% {assert} %}}"));
    let mut schema = schema.clone();
    schema["type"] = json!("object");
    let source = format!(
        "workflow: WF-BOUNDS\nversion: 1\ninput: {schema}\nguardrails:\n  - {{ name: attacked, assert: {assert}, message: refused }}\nsteps:\n  - {{ name: a, action: vendor-hold, input: {{ vendor_id: v, days: 1 }}, rollback: {{}} }}\n"
    );
    let actions: Vec<&ActionInfo> = ACTIONS.infos().collect();
    let parameters = ["VendorSystemUrl".to_owned()];
    let known = Environment {
        actions: &actions,
        parameters: &parameters,
    };
    read(&source, &known).is_ok()
}

/// Starts of the list, and starts of generated expressions and patterns. Only the latter are held
/// to what `validate` accepts, since an earlier release may have compiled the former.
fn starts() -> impl Strategy<Value = (bool, AttackTarget, &'static str)> {
    let listed = prop::sample::select(attacks());
    let kind = || prop::sample::select(&INPUTS[..]);
    let schema = |pattern| json!({ "properties": { "t": { "pattern": pattern } } });
    prop_oneof![
        listed.prop_map(|(_, target, input)| (false, target, input)),
        (expressions(), kind()).prop_map(|(text, n)| (true, AttackTarget::Guardrail(text), n)),
        (patterns(), kind()).prop_map(move |(text, n)| (
            true,
            AttackTarget::Schema(schema(text)),
            n
        )),
    ]
}

#[test]
fn no_accepted_definition_makes_a_start_exceed_its_bounds() {
    if env::var("HOLDFAST_BOUNDS").is_ok_and(|which| which == "all") {
        return measure_all();
    }
    fuzz("bounds", starts(), |(generated, target, input)| {
        let accepted = match &target {
            _ if !generated => true,
            AttackTarget::Guardrail(text) => is_accepted(text, &json!({})),
            AttackTarget::Schema(schema) => is_accepted("true", schema),
            AttackTarget::Mapping(_) => false,
        };
        match accepted {
            true => keeps(&target, input),
            false => Ok(()),
        }
    });
}

/// Prints the cost of every attack, and the worst.
fn measure_all() {
    let mut worst = Cost::default();
    let attacks = attacks();
    for (name, target, input) in &attacks {
        let cost = measured(target, input).unwrap_or_else(|why| panic!("{name}: {why}"));
        eprintln!(
            "{:>6} ms {:>6} ms of processor {:>4} MB  {name}: {}",
            cost.wall_ms, cost.processor_ms, cost.peak_mb, cost.said
        );
        worst = Cost {
            wall_ms: cost.wall_ms.max(worst.wall_ms),
            processor_ms: cost.processor_ms.max(worst.processor_ms),
            peak_mb: cost.peak_mb.max(worst.peak_mb),
            said: String::new(),
        };
    }
    eprintln!("{} starts; the worst of each: {worst:?}", attacks.len());
    assert!(worst.peak_mb <= MOST_MEMORY, "{worst:?}");
    assert!(Duration::from_millis(worst.wall_ms) <= LONGEST, "{worst:?}");
}
