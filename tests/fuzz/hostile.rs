//! Fuzzing of every field of a definition with hostile texts. The definition is refused with
//! places, or compiles into a template that means what was written.

use std::sync::LazyLock;

use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

use crate::{definition::judge_source, fuzz, mutate::WORDS};

/// Texts that mean something to a reader on the way: YAML, JSONata, CloudFormation, EventBridge,
/// Step Functions, a terminal.
const HOSTILE: [&str; 44] = [
    "",
    " ",
    "\n",
    "%}",
    "{% $x := 1 %}",
    "{% $now() %}",
    "{% $input %}",
    "{% $input.missing %}",
    "{% $states.input %}",
    "{%${a: 1}%}",
    "{{resolve:ssm:/a:1}}",
    "${AWS::AccountId}",
    "${Ledger}",
    "${BeginFunctionArn}",
    "${!Literal}",
    "${",
    "!Ref Ledger",
    "*anchor",
    "&anchor x",
    "<<",
    "yes",
    "010",
    "-0",
    "2026-12-24",
    "12:30:45",
    "\u{85}- Effect: Allow",
    "\u{2028}Resource: '*'",
    "\"\n            - Effect: Allow",
    "' }\n- x: '",
    "@SECRETS@",
    "$or",
    "prefix",
    "numeric",
    "../../x",
    "a\u{0}b",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "9007199254740993",
    "sha256 0000",
    "rate(1 minute)",
    "cron(0 0 31 2 ? *)",
    "#/$defs/a",
    "WF-A",
];

/// A definition that has every field.
static WHOLE: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "workflow": "WF-WHOLE",
        "version": 1,
        "description": "Has every field",
        "tenants": ["acme"],
        "input": {
            "type": "object",
            "additionalProperties": false,
            "required": ["vendor", "due"],
            "properties": {
                "vendor": { "$ref": "#/$defs/text", "description": "Id" },
                "due": { "type": "string", "format": "date-time" },
                "list": { "type": "array", "maxItems": 3, "items": { "type": "string", "pattern": "^a" } }
            },
            "$defs": { "text": { "type": "string", "minLength": 1, "examples": ["v"] } }
        },
        "triggers": [
            {
                "name": "risk",
                "event": {
                    "source": ["finops", { "prefix": "a" }],
                    "detail-type": [{ "anything-but": ["x"] }],
                    "detail": {
                        "state": [{ "wildcard": "a*b" }, { "suffix": { "equals-ignore-case": "c" } }],
                        "amount": [{ "numeric": [">", 0, "<=", 5] }, 7],
                        "ip": [{ "cidr": "10.0.0.0/8" }],
                        "$or": [{ "a": [{ "exists": true }] }, { "b": [null, true] }]
                    }
                },
                "tenant": "{% $event.detail.tenant %}",
                "idempotency_key": "{% $event.detail.id & ' ' & $event.source %}",
                "input": { "vendor": "{% $event.detail.vendor %}", "due": "2026-12-24T00:00:00Z" },
                "requested_by": "{% $event.detail.by %}",
                "approval": { "approved_by": "{% $event.detail.boss %}" }
            },
            {
                "name": "nightly",
                "schedule": "cron(0 2 * * ? *)",
                "timezone": "Europe/Berlin",
                "tenant": "acme",
                "input": { "vendor": "v", "due": "{% $scheduled_time %}" }
            }
        ],
        "guardrails": [{ "name": "known", "assert": "{% $input.vendor != 'x' %}", "message": "unknown" }],
        "hours": { "zone": "Europe/Berlin", "days": ["mon-fri"], "from": "08:00", "to": "18:00" },
        "freeze": [{ "zone": "UTC", "from": "2026-12-24T00:00", "to": "2026-12-27T00:00", "reason": "closed" }],
        "budget": { "name": "held", "amount": "{% 5 %}", "limit": 100, "per": "day", "zone": "UTC" },
        "when_paused": "queue",
        "limits": { "timeout": "2h", "concurrent_executions": 5, "starts_per_minute": 60 },
        "steps": [
            {
                "name": "hold",
                "action": "vendor-hold",
                "when": "{% $input.vendor = 'v' %}",
                "input": { "vendor_id": "{% $input.vendor %}", "days": 3 },
                "timeout": "20s",
                "retry": { "max_attempts": 2, "interval": "1s", "backoff": 2, "max_delay": "5s", "jitter": "none" },
                "rollback": { "timeout": "10s", "retry": { "max_attempts": 2 } },
                "on_failure": "escalate",
                "decide_within": "10m"
            },
            { "name": "rest", "wait": "5s" },
            { "name": "due", "wait": { "until": "{% $input.due %}" } },
            { "name": "agree", "approve": { "message": "{% 'Hold ' & $input.vendor & '?' %}" }, "decide_within": "30m" },
            { "name": "both", "parallel": [
                { "steps": [{ "name": "look", "action": "http", "input": { "method": "GET", "url": "https://a.example", "path": ["{% $input.vendor %}"], "query": { "q": "x" } } }] },
                { "steps": [{ "name": "pause", "wait": "1s" }] }
            ] },
            { "name": "send_each", "for_each": {
                "items": "{% $input.list[] %}",
                "item_key": "{% $item %}",
                "max_concurrency": 2,
                "collect": "{% $send.status %}",
                "steps": [{
                    "name": "send",
                    "action": "http",
                    "input": {
                        "method": "POST",
                        "url": "${VendorSystemUrl}/b",
                        "headers": { "X-Item": "{% $item_key %}" },
                        "auth": { "secret": "vendor", "header": "Authorization", "scheme": "Bearer" },
                        "body": { "a": [1, "b", { "c": "{% $agree.by %}" }] }
                    },
                    "rollback": { "input": { "method": "DELETE", "url": "https://a.example" }, "missing_is_undone": true }
                }]
            } }
        ]
    })
});

/// One change: at a place of the definition, a text in place of a value or of a key, or inside a
/// text.
#[derive(Debug, Clone)]
struct Attack {
    place: Index,
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Value,
    Key,
    Inside(u8),
    AsExpression,
}

fn attacks() -> impl Strategy<Value = Vec<Attack>> {
    let text = prop_oneof![
        6 => prop::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        2 => prop::sample::select(&WORDS[..]).prop_map(str::to_owned),
        2 => "(?s).{0,12}",
        1 => (prop::sample::select(&HOSTILE[..]), 1..300_usize).prop_map(|(text, times)| text.repeat(times)),
    ];
    let kind = prop_oneof![
        4 => Just(Kind::Value),
        2 => Just(Kind::Key),
        4 => any::<u8>().prop_map(Kind::Inside),
        1 => Just(Kind::AsExpression),
    ];
    let attack = (any::<Index>(), text, kind);
    vec(
        attack.prop_map(|(place, text, kind)| Attack { place, text, kind }),
        1..3,
    )
}

#[test]
fn a_hostile_text_in_any_field_is_refused_or_stays_a_text() {
    let whole = judge_source(&WHOLE.to_string());
    assert_eq!(whole, Ok(true), "the definition itself is right");
    fuzz("hostile fields", attacks(), judge);
}

fn judge(attacks: Vec<Attack>) -> Result<(), String> {
    let mut definition = WHOLE.clone();
    for attack in &attacks {
        let at = attack.place.index(count(&definition));
        change(&mut definition, at, attack);
    }
    judge_source(&definition.to_string()).map(drop)
}

/// Returns the number of values inside `value`.
fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| 1 + count(item)).sum(),
        Value::Object(members) => members.values().map(|member| 1 + count(member)).sum(),
        _ => 0,
    }
}

/// Changes the value that is number `at` inside `value`.
fn change(value: &mut Value, mut at: usize, attack: &Attack) {
    match value {
        Value::Array(items) => {
            for item in items {
                if at == 0 {
                    return replace(item, attack);
                }
                let inside = count(item);
                if at <= inside {
                    return change(item, at - 1, attack);
                }
                at -= inside + 1;
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                let inside = count(member);
                if at == 0 {
                    if let Kind::Key = attack.kind {
                        let name = name.clone();
                        return rename(members, &name, &attack.text);
                    }
                    return replace(member, attack);
                }
                if at <= inside {
                    return change(member, at - 1, attack);
                }
                at -= inside + 1;
            }
        }
        _ => {}
    }
}

fn rename(members: &mut Map<String, Value>, name: &str, text: &str) {
    if let Some(member) = members.remove(name) {
        members.insert(text.to_owned(), member);
    }
}

fn replace(value: &mut Value, attack: &Attack) {
    let text = attack.text.as_str();
    *value = match (attack.kind, value.as_str()) {
        (Kind::Inside(at), Some(old)) => {
            let at = old.floor_char_boundary(usize::from(at) * old.len() / 255);
            Value::from(format!("{}{text}{}", &old[..at], &old[at..]))
        }
        (Kind::AsExpression, _) => Value::from(format!("{{% {text} %}}")),
        _ => Value::from(text),
    };
}
