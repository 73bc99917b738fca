//! Reads triggers: events and schedules, and how each becomes a start.

use serde_json::{Map, Value};

use super::{
    model::{Trigger, TriggerSource},
    reader::{Fields, Reader},
    schedule::{check_schedule, check_timezone},
    scope::Scope,
    suggest::suggest,
    text::Text,
    tree::{Kind, Node},
};
use holdfast_admission::RESERVED_TRIGGERS;
use holdfast_ids::names::check_idempotency_key;

const FIELDS: [&str; 9] = [
    "name",
    "event",
    "schedule",
    "timezone",
    "tenant",
    "idempotency_key",
    "input",
    "requested_by",
    "approval",
];

/// The place that messages name: a repeated event must become the same start.
const TRIGGER: &str = "a trigger";

impl Reader<'_> {
    pub(super) fn triggers(
        &mut self,
        top: &Fields<'_>,
        tenants: &[String],
        schema: &Value,
    ) -> Vec<Trigger> {
        let Some(node) = top.get("triggers") else {
            return Vec::new();
        };
        let mut seen = Vec::new();
        let mut triggers = Vec::new();
        for (n, item) in self.list(node, "triggers").iter().enumerate() {
            let fields = self.fields(item, "a trigger", &FIELDS);
            let name = match fields.get("name") {
                Some(node) => self.name(node, "a trigger's name", "vendor_risk"),
                None => format!("trigger_{}", n + 1),
            };
            if RESERVED_TRIGGERS.contains(&name.as_str()) {
                let at = fields.get("name").map_or(item.at, |node| node.at);
                let message = format!("`{name}` cannot be a trigger's name: Holdfast uses it");
                let help = format!("another name, such as {name}_events");
                self.problem(at, message, help);
            }
            self.unique(
                &mut seen,
                &name,
                fields.get("name").map_or(item.at, |node| node.at),
                "trigger",
            );
            let (source, scope) = self.trigger_source(&fields);
            let tenant = self
                .required(
                    &fields,
                    "tenant",
                    "tenant: \"{% $event.detail.tenant_id %}\"",
                )
                .map_or_else(Text::default, |node| {
                    self.trigger_tenant(node, tenants, &scope)
                });
            let idempotency_key = self.trigger_key(&name, &fields, &source, &scope);
            let input = self.trigger_input(&fields, &scope, schema);
            let requested_by = fields
                .get("requested_by")
                .map(|node| self.text_or_expression(node, "requested_by", &scope));
            let approval = fields
                .get("approval")
                .map(|node| self.template(node, &scope));
            if top.get("approval").is_some() {
                self.brings_approval(&fields);
                let unsigned = top.get("unsigned_approvals");
                if !unsigned.is_some_and(|node| matches!(node.kind, Kind::Bool(true))) {
                    self.brings_a_signature(&fields);
                }
            }
            if let Some(node) = fields.get("idempotency_key") {
                self.meets(node, &triggers, &tenant, &idempotency_key);
            }
            triggers.push(Trigger {
                name,
                source,
                tenant,
                idempotency_key,
                input,
                requested_by,
                approval,
            });
        }
        triggers
    }

    fn trigger_input(&mut self, fields: &Fields<'_>, scope: &Scope, schema: &Value) -> Value {
        if let Some(node) = fields.get("input") {
            let input = self.template(node, scope);
            self.fits(node, &input, schema, "the workflow's input");
            return input;
        }
        let what = "the trigger has no `input`, and the workflow's input";
        self.fits_nothing(fields.at, schema, what);
        Value::Object(Map::new())
    }

    /// Warns if an earlier trigger has the same key for the same tenant: of two starts whose keys
    /// are equal, only the first runs.
    fn meets(&mut self, node: &Node, earlier: &[Trigger], tenant: &Text, key: &Text) {
        let literals_differ = |other: &Text| match (other, tenant) {
            (Text::Literal(one), Text::Literal(another)) => one != another,
            _ => false,
        };
        let same = |other: &&Trigger| {
            other.idempotency_key.content().trim() == key.content().trim()
                && !literals_differ(&other.tenant)
        };
        let Some(other) = earlier.iter().find(same) else {
            return;
        };
        let message = format!(
            "trigger `{}` has the same idempotency key: if both yield one value, only the first \
             start runs",
            other.name
        );
        let help = "leave it if both mean the same occasion; else begin the key with the \
                    trigger's name: \"{% 'daily/' & $scheduled_time %}\"";
        self.warning(node.at, message, help);
    }

    /// Requires an approval and a requester. Without them every start by this trigger would be
    /// rejected.
    fn brings_approval(&mut self, fields: &Fields<'_>) {
        if fields.get("event").is_none() {
            if let Some(key) = fields.key("schedule") {
                let help = "start it by an event or by the API, or leave out `approval: required`";
                self.problem(
                    key.at,
                    "a schedule cannot bring the approval that every start needs",
                    help,
                );
            }
            return;
        }
        for (name, example) in [
            ("approval", "approval: \"{% $event.detail.approval %}\""),
            (
                "requested_by",
                "requested_by: \"{% $event.detail.requested_by %}\"",
            ),
        ] {
            if fields.get(name).is_none() {
                let message =
                    format!("every start needs an approval, and this trigger has no `{name}`");
                self.problem(fields.at, message, format!("add `{example}`"));
            }
        }
    }

    /// Requires `jws` in an approval that the trigger spells out. Without a signature every start
    /// by this trigger would be rejected.
    fn brings_a_signature(&mut self, fields: &Fields<'_>) {
        let approval = fields.get("approval");
        let Some(node) = approval.filter(|node| matches!(node.kind, Kind::Map(_))) else {
            return;
        };
        if node.get("jws").is_none() {
            self.problem(
                node.at,
                "an approval without a signature, which this workflow rejects",
                "write `approval: { jws: \"{% $event.detail.jws %}\" }`, or add `unsigned_approvals: true`",
            );
        }
    }

    fn trigger_source(&mut self, fields: &Fields<'_>) -> (TriggerSource, Scope) {
        let (on_event, on_schedule) = (
            Scope::of_admission(&["event"]).repeatable(TRIGGER),
            Scope::of_admission(&["scheduled_time"]).repeatable(TRIGGER),
        );
        match (fields.get("event"), fields.get("schedule")) {
            (Some(pattern), None) => {
                if let Some(key) = fields.key("timezone") {
                    self.problem(
                        key.at,
                        "an event has no `timezone`",
                        "leave it out; only a schedule has one",
                    );
                }
                (TriggerSource::Event(self.pattern(pattern)), on_event)
            }
            (None, Some(node)) => {
                let schedule = self.text(node, "schedule", "rate(1 hour)");
                if let (false, Err(help)) = (schedule.is_empty(), check_schedule(&schedule)) {
                    self.problem(node.at, format!("`{schedule}` is not a schedule"), help);
                }
                let timezone = fields.get("timezone").map(|node| {
                    let timezone = self.text(node, "timezone", "Europe/Berlin");
                    if !timezone.is_empty() && !check_timezone(&timezone) {
                        let help =
                            "an IANA name such as Europe/Berlin belongs here; leave it out for UTC";
                        self.problem(node.at, format!("`{timezone}` is not a time zone"), help);
                    }
                    timezone
                });
                (TriggerSource::Schedule { schedule, timezone }, on_schedule)
            }
            (event, _) => {
                let message = if event.is_some() {
                    "a trigger with both `event` and `schedule`"
                } else {
                    "a trigger with neither `event` nor `schedule`"
                };
                let help = "one of them: `event: { source: [finops.risk] }` or `schedule: \"rate(1 hour)\"`";
                self.problem(fields.at, message, help);
                (
                    TriggerSource::Event(Value::Null),
                    Scope::of_admission(&["event", "scheduled_time"]).repeatable(TRIGGER),
                )
            }
        }
    }

    fn trigger_tenant(&mut self, node: &Node, tenants: &[String], scope: &Scope) -> Text {
        let text = self.text_or_expression(node, "tenant", scope);
        if let Text::Literal(tenant) = &text
            && !tenant.contains("{%")
            && self.tenant_name(node, tenant)
            && !tenants.is_empty()
            && !tenants.contains(tenant)
        {
            let known = tenants.iter().map(String::as_str);
            let help = suggest(tenant, known, "`tenants` lists");
            let message = format!("this workflow is not open to tenant `{tenant}`");
            self.problem(node.at, message, help);
        }
        text
    }

    fn trigger_key(
        &mut self,
        name: &str,
        fields: &Fields<'_>,
        source: &TriggerSource,
        scope: &Scope,
    ) -> Text {
        const EXAMPLE: &str = "idempotency_key: \"{% $event.detail.order_id %}\"";
        match (fields.get("idempotency_key"), source) {
            (Some(node), _) => {
                let text = self.text_or_expression(node, "idempotency_key", scope);
                if let Text::Literal(key) = &text
                    && !key.is_empty()
                {
                    if check_idempotency_key(key).is_err() {
                        self.problem(
                            node.at,
                            format!("`{key}` is not an idempotency key"),
                            "visible ASCII, at most 255",
                        );
                    }
                    let help = "take what tells one occasion from the next: \"{% $event.detail.order_id %}\", \"{% $scheduled_time %}\"";
                    self.problem(
                        node.at,
                        "the same idempotency key for every start: only the first would run",
                        help,
                    );
                }
                text
            }
            // Two schedules can be due at the same time, so the key names the trigger.
            (None, TriggerSource::Schedule { .. }) => {
                format!("{{% '{name}/' & $scheduled_time %}}").into()
            }
            (None, TriggerSource::Event(_)) if fields.get("event").is_none() => Text::default(),
            (None, TriggerSource::Event(_)) => {
                let help = format!(
                    "add a business key, since an event's id changes when its producer retries: `{EXAMPLE}`"
                );
                self.problem(fields.at, "an event trigger has no `idempotency_key`", help);
                Text::default()
            }
        }
    }
}
