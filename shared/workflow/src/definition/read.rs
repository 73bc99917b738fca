//! Reads the top level of a definition: identity, tenants, input schema, guardrails, limits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    Environment,
    model::{Definition, Guardrail, Limits},
    names::Names,
    problem::Problem,
    reader::{Fields, Reader},
    rules::{NamesByLine, scope},
    scope::Scope,
    suggest::suggest,
    text::Expression,
    tier::{first_scope, timeouts},
    tree::{Kind, Node},
    yaml::parse,
};
use holdfast_ids::names::{check_tenant, is_workflow_id};
use holdfast_task::{StartConditions, Tier};

const FIELDS: [&str; 19] = [
    "workflow",
    "version",
    "description",
    "tenants",
    "input",
    "triggers",
    "guardrails",
    "hours",
    "freeze",
    "approval",
    "unsigned_approvals",
    "budget",
    "when_paused",
    "tier",
    "limits",
    "subject",
    "receipt",
    "steps",
    "output",
];
/// The beginning of a text that CloudFormation replaces by a stored value, in any property of a
/// template. Source: AWSCloudFormation/latest/UserGuide/dynamic-references.html.
const DYNAMIC_REFERENCE: &str = "{{resolve:";
/// Longest duration of a Step Functions execution.
pub(super) const MAX_TIMEOUT_S: u64 = 365 * 24 * 60 * 60;

pub(super) fn read(
    source: &str,
    known: &Environment<'_>,
    tier: Option<Tier>,
) -> Result<(Definition, Vec<Problem>), Vec<Problem>> {
    let mut problems = Vec::new();
    let root = match parse(source, &mut problems) {
        Ok(root) => root,
        Err(syntax) => return Err(vec![syntax]),
    };
    let input_schema = root.get("input").map_or(Value::Null, Node::to_value);
    let mut reader = Reader {
        source,
        known,
        tier,
        names: Names::collect(&root),
        input_schema,
        timeout_max_s: MAX_TIMEOUT_S,
        problems,
        warnings: Vec::new(),
    };
    let definition = reader.definition(&root);
    reader.parameters(&root);
    if reader.problems.is_empty() {
        reader.waits(&definition);
        reader.history(&definition);
        reader.attempts_in_history(&definition);
    }
    if reader.problems.is_empty() {
        return Ok((definition, in_order(reader.warnings)));
    }
    Err(in_order(reader.problems))
}

/// Returns problems in the order of their places, each once.
pub(super) fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.at);
    problems.dedup();
    problems
}

impl Reader<'_> {
    fn definition(&mut self, root: &Node) -> Definition {
        let fields = self.fields(root, "a workflow", &FIELDS);
        let workflow = self
            .required(&fields, "workflow", "workflow: WF-DELAY-VENDOR-PAYMENTS")
            .map_or_else(String::new, |node| self.workflow_id(node));
        let version = self
            .required(&fields, "version", "version: 1")
            .map_or(1, |node| {
                self.integer(node, "version", 1..=u64::from(u32::MAX))
            });
        let description = fields.get("description").map(|node| {
            self.plain(node, "description");
            self.text(node, "description", "Holds payments to a vendor")
        });
        let tenants = fields
            .get("tenants")
            .map_or_else(Vec::new, |node| self.tenants(node));
        let input = self.required(&fields, "input", "input: { type: object, properties: {…} }");
        let schema = input.map_or(Value::Null, |node| self.input_schema(node));
        let triggers = self.triggers(&fields, &tenants, &schema);
        let mut seen = NamesByLine::new();
        let guardrails = fields
            .get("guardrails")
            .map_or_else(Vec::new, |node| self.guardrails(node, &mut seen));
        let tier = self.tier(&fields);
        let (limits, bounds) = self.limits(&fields, tier);
        let rules = self.rules(&fields, &mut seen, bounds);
        let subject = fields.get("subject").map(|node| self.subject(node));
        let show = fields
            .get("receipt")
            .map_or_else(Vec::new, |node| self.receipt(node));
        let (steps, scope) = match self.required(&fields, "steps", "steps: [ … ]") {
            Some(node) => self.steps(node, first_scope(tier), &limits),
            None => (Vec::new(), Scope::of_steps()),
        };
        let output = fields
            .get("output")
            .map_or_else(BTreeMap::new, |node| self.output(node, &scope));
        let definition = Definition {
            workflow,
            version: u32::try_from(version).unwrap_or(u32::MAX),
            description,
            tenants,
            input: schema,
            triggers,
            guardrails,
            rules,
            subject,
            show,
            tier,
            limits,
            steps,
            output,
        };
        self.express(&fields, &definition);
        definition
    }

    fn workflow_id(&mut self, node: &Node) -> String {
        let id = self.text(node, "workflow", "WF-DELAY-VENDOR-PAYMENTS");
        if !id.is_empty() && !is_workflow_id(&id) {
            let help = "WF-, then groups of capitals and digits joined by hyphens, at most 60 characters: \
                        WF-DELAY-VENDOR-PAYMENTS";
            self.problem(node.at, format!("`{id}` is not a workflow id"), help);
        }
        id
    }

    fn tenants(&mut self, node: &Node) -> Vec<String> {
        let mut seen = Vec::new();
        let mut tenants = Vec::new();
        for item in self.list(node, "tenants") {
            let tenant = self.text(item, "a tenant", "acme");
            self.tenant_name(item, &tenant);
            self.unique(&mut seen, &tenant, item.at, "tenant");
            tenants.push(tenant);
        }
        tenants
    }

    /// Checks the form of a tenant's name. Returns false if it is wrong.
    pub(super) fn tenant_name(&mut self, node: &Node, tenant: &str) -> bool {
        if tenant.is_empty() {
            return false;
        }
        let right = check_tenant(tenant).is_ok();
        if !right {
            let help = "1 to 63 lower-case letters, digits and hyphens, beginning with a letter or digit: acme";
            self.problem(node.at, format!("`{tenant}` is not a tenant name"), help);
        }
        right
    }

    fn guardrails(&mut self, node: &Node, seen: &mut NamesByLine) -> Vec<Guardrail> {
        let scope = scope("assert");
        let mut guardrails = Vec::new();
        for item in self.list(node, "guardrails") {
            let fields = self.fields(item, "a guardrail", &["name", "assert", "message"]);
            let name = match self.required(&fields, "name", "name: short_hold") {
                Some(node) => self.outcome_name(node, "guardrail", "short_hold", seen),
                None => String::new(),
            };
            let assert = self
                .required(
                    &fields,
                    "assert",
                    "assert: \"{% $input.hold_days <= 30 %}\"",
                )
                .map_or_else(Expression::default, |node| {
                    self.expression(node, "assert", &scope)
                });
            let message = self
                .required(
                    &fields,
                    "message",
                    "message: \"a hold lasts 30 days at most\"",
                )
                .map_or_else(String::new, |node| {
                    self.plain(node, "a message");
                    self.text(node, "message", "a hold lasts 30 days at most")
                });
            guardrails.push(Guardrail {
                name,
                assert,
                message,
            });
        }
        guardrails
    }

    fn limits(&mut self, fields: &Fields<'_>, tier: Tier) -> (Limits, StartConditions) {
        let (timeouts, timeout_s) = timeouts(tier);
        let mut limits = Limits { timeout_s };
        self.timeout_max_s = *timeouts.end();
        let mut bounds = StartConditions::default();
        if let Some(node) = fields.get("limits") {
            let known = ["timeout", "concurrent_executions", "starts_per_minute"];
            let fields = self.fields(node, "limits", &known);
            if let Some(node) = fields.get("timeout") {
                let before = self.problems.len();
                limits.timeout_s = self.seconds(node, "limits.timeout", timeouts);
                // A step is then compared with the longest timeout that the author can write.
                if self.problems.len() > before {
                    limits.timeout_s = self.timeout_max_s;
                }
            }
            bounds.concurrent_executions = self.bound(&fields, "concurrent_executions");
            bounds.starts_per_minute = self.bound(&fields, "starts_per_minute");
        }
        (limits, bounds)
    }

    /// Reads a name that the author gives: of a step, guardrail, budget or trigger.
    pub(super) fn name(&mut self, node: &Node, what: &str, example: &str) -> String {
        let name = self.text(node, what, example);
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let right = name.len() <= 60
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(lower);
        if !name.is_empty() && !right {
            let help = format!(
                "lower-case letters, digits and _, beginning with a letter, at most 60: {example}"
            );
            self.problem(node.at, format!("`{name}` cannot be {what}"), help);
        }
        name
    }

    /// Checks that every `${Name}` is a parameter of the template.
    fn parameters(&mut self, node: &Node) {
        match &node.kind {
            Kind::Text(text) => self.parameters_of(node.at, text),
            Kind::List(items) => items.iter().for_each(|item| self.parameters(item)),
            Kind::Map(entries) => entries.iter().for_each(|(key, value)| {
                self.parameters_of(key.at, &key.name);
                self.parameters(value);
            }),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        }
    }

    fn parameters_of(&mut self, at: super::Span, text: &str) {
        for name in crate::compile::parameters_in(text) {
            if !self.known.parameters.iter().any(|known| known == name) {
                let known = self.known.parameters.iter().map(String::as_str);
                let help = suggest(name, known, "template.yaml has the parameters");
                let at = at.narrow(self.source, &format!("${{{name}}}"));
                self.problem(at, format!("template.yaml has no parameter `{name}`"), help);
            }
        }
        for written in crate::compile::no_parameters_in(text) {
            let help = match written.starts_with("${AWS::") {
                true => {
                    "add a parameter to template.yaml and write its name; CloudFormation's own are not filled in here"
                }
                false => {
                    "a parameter's name has letters and digits: ${VendorSystemUrl}; for the text itself write \"{% '$' & '{' %}\", and in an expression a space after $"
                }
            };
            let at = at.narrow(self.source, written);
            self.problem(at, format!("`{written}` names no parameter"), help);
        }
        if text.contains(DYNAMIC_REFERENCE) {
            let help = "CloudFormation would put a stored value here: use a parameter, or `auth: { secret }` of an action";
            let at = at.narrow(self.source, DYNAMIC_REFERENCE);
            self.problem(at, "a dynamic reference of CloudFormation", help);
        }
    }
}
