//! Defines the JSON Schema of workflow files, from which editors complete. It knows the form. Only
//! the reader checks what depends on other parts: names, expressions, durations that fit together.

use serde_json::{Map, Value, json};

use super::{
    choose_schema::{choose, stop},
    decision::{MAX_APPROVERS, MAX_MESSAGE},
    pattern::EVENT_FIELDS,
    rules::MAX_LIMIT,
    schema_action::{for_action, reading},
    shown::{MAX_FIELDS, MAX_LABEL},
};
use holdfast_action::ActionInfo;
use holdfast_admission::{MAX_AMOUNT, PLACES};
use holdfast_ids::names::GROUP_MAX;

/// Returns the schema for these actions and their inputs.
pub fn schema(actions: &[ActionInfo]) -> Value {
    let names: Vec<&str> = actions.iter().map(|info| info.name).collect();
    let summaries: Vec<String> = actions
        .iter()
        .map(|info| format!("{}: {}", info.name, info.summary))
        .collect();
    let inputs: Vec<Value> = actions.iter().map(for_action).collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Holdfast workflow",
        "description": "A workflow: triggers, guardrails and steps",
        "type": "object",
        "additionalProperties": false,
        "required": ["workflow", "version", "input", "steps"],
        "properties": properties(),
        "$defs": definitions(&names, &summaries.join("\n"), &inputs, &reading(actions))
    })
}

pub(super) fn container(kind: &str, inside: Value) -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["name", kind],
        "properties": { "name": { "$ref": "#/$defs/name" }, kind: inside }
    })
}

pub(super) fn expression(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": EXPRESSION })
}

const EXPRESSION: &str = r"^\{%[\s\S]*%\}$";

fn duration(description: &str) -> Value {
    json!({ "description": description, "type": "string", "pattern": "^[0-9]+[smhd]$" })
}

/// Returns the definitions that the fields refer to.
fn definitions(names: &[&str], summaries: &str, inputs: &[Value], reading: &[Value]) -> Value {
    json!({
        "name": { "type": "string", "pattern": "^[a-z][a-z0-9_]{0,59}$" },
        "expression": expression("JSONata between {% and %}"),
        "trigger": trigger(),
        "guardrail": guardrail(),
        "zone": { "description": "IANA name of a time zone, such as Europe/Berlin", "type": "string", "minLength": 1 },
        "hours": hours(),
        "freeze": freeze(),
        "budget": budget(),
        "retry": retry(),
        "steps": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/step" } },
        "step": { "anyOf": [
            { "$ref": "#/$defs/action" }, { "$ref": "#/$defs/wait" }, { "$ref": "#/$defs/approve" },
            { "$ref": "#/$defs/parallel" }, { "$ref": "#/$defs/for_each" },
            { "$ref": "#/$defs/choose" }, { "$ref": "#/$defs/stop" }
        ] },
        "choose": choose(),
        "stop": stop(),
        "action": action(names, summaries, inputs, reading),
        "wait": container("wait", json!({
            "description": "Duration or end of the wait",
            "anyOf": [duration("Duration"), {
                "type": "object", "additionalProperties": false, "required": ["until"],
                "properties": { "until": expression("Yields an RFC 3339 timestamp") }
            }]
        })),
        "approve": {
            "type": "object", "additionalProperties": false, "required": ["name", "approve"],
            "properties": {
                "name": { "$ref": "#/$defs/name" },
                "approve": {
                    "description": "Continues when a person approves", "type": "object",
                    "additionalProperties": false, "required": ["message"],
                    "properties": approve_properties()
                },
                "decide_within": duration("Longest time for the decision; 1h if left out, at least 1m")
            }
        },
        "parallel": container("parallel", json!({
            "description": "Branches that run side by side", "type": "array", "minItems": 2,
            "items": {
                "type": "object", "additionalProperties": false, "required": ["steps"],
                "properties": { "steps": { "$ref": "#/$defs/steps" } }
            }
        })),
        "for_each": container("for_each", json!({
            "description": "Steps for every item of a list",
            "type": "object", "additionalProperties": false, "required": ["items", "item_key", "steps"],
            "properties": {
                "items": expression("Yields the list"),
                "item_key": expression("Names an item: a text or number; sees $item"),
                "max_concurrency": { "description": "Items at once; 10 if left out", "type": "integer", "minimum": 1, "maximum": 40 },
                "collect": expression("Contribution of one item to the step's output"),
                "steps": { "$ref": "#/$defs/steps" }
            }
        }))
    })
}

/// Returns the fields inside `approve`.
fn approve_properties() -> Value {
    json!({
        "message": {
            "description": "Question to the people: a text or an expression",
            "type": "string", "minLength": 1,
            "anyOf": [{ "maxLength": MAX_MESSAGE }, { "pattern": EXPRESSION }]
        },
        "when": expression("The step is skipped if this yields false, and asks otherwise"),
        "by": {
            "description": "Groups whose members may approve; platform admins if left out",
            "type": "array", "minItems": 1, "maxItems": MAX_APPROVERS, "uniqueItems": true,
            "items": { "type": "string", "minLength": 1, "maxLength": GROUP_MAX }
        },
        "count": {
            "description": "Number of distinct people who must approve; 1 if left out",
            "type": "integer", "minimum": 1, "maximum": MAX_APPROVERS
        },
        "distinct_groups": {
            "description": "Each of them must approve for another group", "type": "boolean"
        },
        "remind_every": duration("Time between two reminders; at least 5m, none if left out")
    })
}

/// Returns the fields of a workflow.
fn properties() -> Value {
    json!({
        "workflow": {
            "description": "Id: WF-, then groups of capitals and digits joined by hyphens",
            "type": "string", "pattern": "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$", "maxLength": 60
        },
        "version": { "description": "Raised with every change", "type": "integer", "minimum": 1, "maximum": u32::MAX },
        "description": { "description": "One line for people", "type": "string", "minLength": 1 },
        "tenants": {
            "description": "Tenants that may start it; every tenant if left out",
            "type": "array", "minItems": 1, "uniqueItems": true,
            "items": { "type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$" }
        },
        "input": {
            "description": "JSON Schema 2020-12 of the input, an object",
            "type": "object", "required": ["type"], "properties": { "type": { "const": "object" } }
        },
        "triggers": {
            "description": "Triggers: what starts it besides the API",
            "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/trigger" }
        },
        "guardrails": {
            "description": "Assertions that must hold before anything happens",
            "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/guardrail" }
        },
        "tier": {
            "description": "Kind of its state machine: standard (the default), or express, which is cheap and ends after five minutes",
            "enum": ["standard", "express"]
        },
        "limits": limits(),
        "hours": several("Times at which it may start; always if left out", "hours"),
        "freeze": several("Periods in which it may not start", "freeze"),
        "approval": { "description": "Each start needs the approval of another person", "const": "required" },
        "unsigned_approvals": { "description": "An approval without a signature counts; false by default", "type": "boolean" },
        "when_paused": {
            "description": "A start during a pause: refuse it (the default), or queue it before its first step",
            "enum": ["refuse", "queue"]
        },
        "budget": several("Amounts that a tenant may use in a period", "budget"),
        "subject": expression("What people call the case of an execution, such as order 4711"),
        "receipt": {
            "description": "What its receipts show to people",
            "type": "object", "additionalProperties": false, "required": ["show"],
            "properties": { "show": {
                "description": "Fields by their labels, evaluated once at the start",
                "type": "object", "minProperties": 1, "maxProperties": MAX_FIELDS,
                "propertyNames": { "minLength": 1, "maxLength": MAX_LABEL },
                "additionalProperties": expression("Yields a text, a number or a boolean")
            } }
        },
        "steps": { "$ref": "#/$defs/steps" },
        "output": {
            "description": "Output of an execution that is executed, at most 8,192 bytes as JSON",
            "type": "object", "minProperties": 1,
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,59}$" },
            "additionalProperties": expression("Yields the member; left out if it yields nothing")
        }
    })
}

/// Returns the schema of an action step.
fn action(names: &[&str], summaries: &str, inputs: &[Value], reading: &[Value]) -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["name", "action"],
        "properties": {
            "name": { "$ref": "#/$defs/name" },
            "action": { "description": summaries, "enum": names },
            "when": expression("The step is skipped unless this yields true"),
            "input": { "description": "The action's input; any value can be an expression" },
            "timeout": duration("Longest duration of an attempt; 30s if left out, at most 14m"),
            "retry": { "$ref": "#/$defs/retry" },
            "rollback": {
                "description": "Undo of the step", "type": "object", "additionalProperties": false,
                "properties": {
                    "input": { "description": "The undo's own input, where the action wants one" },
                    "timeout": duration("Longest duration of an undo attempt; the step's if left out"),
                    "retry": { "$ref": "#/$defs/retry" },
                    "missing_is_undone": {
                        "description": "true where 404 or 410 to the undo says that the effect is gone; false if left out",
                        "type": "boolean"
                    }
                }
            },
            "irreversible": { "description": "It cannot be undone", "const": true },
            "reads": {
                "description": "true if it has no effect: nothing to undo; for a GET, true if left out",
                "type": "boolean"
            },
            "poll": {
                "description": "Attempts of a step that only reads, until its answer is the awaited one",
                "type": "object", "additionalProperties": false, "required": ["until", "every", "at_most"],
                "properties": {
                    "until": expression("Yields true once the step is done; sees $result and $attempt"),
                    "every": duration("Delay before the next attempt"),
                    "at_most": { "description": "Attempts in all", "type": "integer", "minimum": 2, "maximum": 100 }
                }
            },
            "idempotent": {
                "description": "false where the target cannot take the same call twice; true if left out",
                "type": "boolean"
            },
            "on_failure": {
                "description": "After a permanent failure: undo everything (the default), ask a person, or continue if it had no effect",
                "anyOf": [
                    { "enum": ["rollback", "escalate", "continue"] },
                    {
                        "type": "object", "additionalProperties": false, "required": ["continue"],
                        "properties": { "continue": {
                            "description": "Codes of failures after which it continues: statuses of HTTP answers, or an action's own",
                            "type": "array", "minItems": 1, "uniqueItems": true,
                            "items": { "anyOf": [
                                { "type": "integer", "minimum": 300, "maximum": 599 },
                                { "type": "string", "pattern": "^[A-Za-z0-9_]{1,60}$" }
                            ] }
                        } }
                    }
                ]
            },
            "decide_within": duration("Longest time for the decision; 1h if left out, at least 1m")
        },
        "dependentSchemas": { "decide_within": {
            "required": ["on_failure"], "properties": { "on_failure": { "const": "escalate" } }
        } },
        "oneOf": [
            { "required": ["rollback"] },
            { "required": ["irreversible"] },
            { "properties": { "rollback": false, "irreversible": false }, "anyOf": reading }
        ],
        "allOf": inputs
    })
}

fn guardrail() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["name", "assert", "message"],
        "properties": {
            "name": { "$ref": "#/$defs/name" },
            "assert": expression("Must yield true; sees $input, $execution, $tenant, $trigger, $started_at, $approval"),
            "message": { "description": "Reason given to the caller whose start is rejected", "type": "string", "minLength": 1 }
        }
    })
}

fn limits() -> Value {
    json!({
        "description": "Bounds of an execution",
        "type": "object", "additionalProperties": false,
        "properties": {
            "timeout": duration("Longest duration of an execution; 15m if left out, at most 365d; with `tier: express` 270s, from 3m to 270s"),
            "concurrent_executions": bound("Most executions of a tenant that are open at the same time"),
            "starts_per_minute": bound("Most starts of a tenant in a minute of the clock, UTC")
        }
    })
}

fn bound(description: &str) -> Value {
    json!({ "description": description, "type": "integer", "minimum": 1, "maximum": MAX_LIMIT })
}

/// Returns the schema of one value or a list.
fn several(description: &str, kind: &str) -> Value {
    let one = json!({ "$ref": format!("#/$defs/{kind}") });
    json!({ "description": description, "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
}

fn hours() -> Value {
    let day = "(mon|tue|wed|thu|fri|sat|sun)";
    let time = |description: &str| json!({ "description": description, "type": "string", "pattern": "^[0-2][0-9]:[0-5][0-9]$" });
    json!({
        "type": "object", "additionalProperties": false, "required": ["zone", "from", "to"],
        "properties": {
            "zone": { "$ref": "#/$defs/zone" },
            "days": {
                "description": "Days on which they begin: mon, mon-fri; every day if left out", "type": "array", "minItems": 1,
                "items": { "type": "string", "pattern": format!("^{day}(-{day})?$") }
            },
            "from": time("Begin, such as \"08:00\""),
            "to": time("End, at most \"24:00\"; on the next day if before `from`")
        }
    })
}

fn freeze() -> Value {
    let time = |description: &str| json!({ "description": description, "type": "string", "minLength": 10 });
    json!({
        "type": "object", "additionalProperties": false, "required": ["zone", "from", "to", "reason"],
        "properties": {
            "zone": { "$ref": "#/$defs/zone" },
            "from": time("Begin in local time, such as 2026-12-24T00:00"),
            "to": time("End in local time"),
            "reason": { "description": "Reason given to the caller whose start is rejected", "type": "string", "minLength": 1 }
        }
    })
}

fn budget() -> Value {
    let most = MAX_AMOUNT / 10_i64.pow(PLACES as u32);
    json!({
        "type": "object", "additionalProperties": false, "required": ["name", "amount", "limit", "per"],
        "properties": {
            "name": { "description": "Workflows of a tenant that name the same budget use it up together", "$ref": "#/$defs/name" },
            "amount": {
                "description": "Amount that an execution uses, with at most four places behind the point",
                "anyOf": [{ "type": "number", "minimum": 0, "maximum": most }, { "type": "string", "pattern": EXPRESSION }]
            },
            "limit": { "description": "Limit of the period", "type": "number", "exclusiveMinimum": 0, "maximum": most },
            "per": { "description": "Period", "enum": ["hour", "day", "week", "month"] },
            "zone": { "description": "Time zone in which a period begins; UTC if left out", "$ref": "#/$defs/zone" }
        }
    })
}

fn retry() -> Value {
    json!({
        "description": "Policy of retries", "type": "object", "additionalProperties": false,
        "properties": {
            "max_attempts": { "description": "Attempts in all; 3 if left out", "type": "integer", "minimum": 1, "maximum": 100 },
            "interval": duration("Delay before the second attempt; 1s if left out"),
            "backoff": { "description": "Factor from each delay to the next; 2 if left out", "type": "number", "minimum": 1, "maximum": 10 },
            "max_delay": duration("Longest delay; 30s if left out"),
            "jitter": { "description": "full (the default): a random part of the delay", "enum": ["full", "none"] }
        }
    })
}

fn trigger() -> Value {
    let fields: Map<String, Value> = EVENT_FIELDS
        .iter()
        .map(|&name| (name.to_owned(), json!({})))
        .collect();
    json!({
        "type": "object", "additionalProperties": false, "required": ["tenant"],
        "properties": {
            "name": { "$ref": "#/$defs/name" },
            "event": {
                "description": "An EventBridge pattern", "type": "object", "minProperties": 1,
                "additionalProperties": false, "properties": fields
            },
            "schedule": { "description": "rate(1 hour), cron(0 2 * * ? *)", "type": "string", "pattern": r"^(rate|cron)\(.+\)$" },
            "timezone": { "description": "Of the schedule, such as Europe/Berlin; UTC if left out", "type": "string" },
            "tenant": { "description": "A literal or an expression", "type": "string", "minLength": 1 },
            "idempotency_key": { "description": "Business key: repeated events with the same key are one start", "type": "string", "minLength": 1 },
            "input": { "description": "The execution's input; sees $event, or $scheduled_time", "type": ["object", "string"] },
            "requested_by": { "description": "Person who requests the start; sees $event", "type": "string", "minLength": 1 },
            "approval": { "description": "Another person's agreement (docs/schemas/approval.json); sees $event", "type": ["object", "string"] }
        },
        "oneOf": [
            { "required": ["event", "idempotency_key"], "not": { "required": ["timezone"] } },
            { "required": ["schedule"] }
        ]
    })
}
