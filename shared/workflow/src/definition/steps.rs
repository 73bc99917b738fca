//! Reads steps: actions, waits, approvals, parallel branches, and steps for every item of a list.

use serde_json::Value;

use super::{
    choose::outputs,
    continued::effect_of,
    decision::not_of_approve,
    model::{ActionStep, Branch, ForEach, Limits, Step, StepKind, Wait},
    names::{FUNCTIONS, RESERVED, STEP_FUNCTIONS},
    reader::{Fields, Reader},
    scope::Scope,
    suggest::suggest,
    text::Expression,
    tree::{Kind, Node},
};

const ACTION_FIELDS: [&str; 13] = [
    "name",
    "action",
    "when",
    "input",
    "timeout",
    "retry",
    "rollback",
    "irreversible",
    "reads",
    "poll",
    "idempotent",
    "on_failure",
    "decide_within",
];
const APPROVE_FIELDS: [&str; 3] = ["name", "approve", "decide_within"];
const CHOOSE_FIELDS: [&str; 3] = ["name", "choose", "otherwise"];
const KINDS: [&str; 7] = [
    "action", "wait", "approve", "parallel", "for_each", "choose", "stop",
];
/// Most items that run at the same time: by default, and at most. Step Functions runs 40 in an
/// inline Map.
const CONCURRENCY: (u32, u64) = (10, 40);

/// The limits and containers around the steps that are read, and the step names seen so far.
pub(super) struct StepContext<'a> {
    limits: &'a Limits,
    in_for_each: bool,
    in_parallel: bool,
    pub(super) in_choose: bool,
    seen: Vec<(String, usize)>,
}

impl StepContext<'_> {
    /// Returns true inside a `for_each` or a `parallel`.
    pub(super) fn in_container(&self) -> bool {
        self.in_for_each || self.in_parallel
    }
}

impl Reader<'_> {
    /// Reads the steps of a workflow, of which the first one sees `scope`. Also returns the scope
    /// after the last one.
    pub(super) fn steps(
        &mut self,
        node: &Node,
        scope: Scope,
        limits: &Limits,
    ) -> (Vec<Step>, Scope) {
        let mut context = StepContext {
            limits,
            in_for_each: false,
            in_parallel: false,
            in_choose: false,
            seen: Vec::new(),
        };
        self.sequence(node, scope, &mut context)
    }

    /// Reads steps in a row: each sees the outputs of those before it. Also returns the scope after
    /// the last step.
    pub(super) fn sequence(
        &mut self,
        node: &Node,
        mut scope: Scope,
        context: &mut StepContext<'_>,
    ) -> (Vec<Step>, Scope) {
        let mut steps = Vec::new();
        for item in self.list(node, "steps") {
            let step = self.step(item, &scope, context);
            for output in outputs(&step) {
                let known = scope.visible.iter().any(|visible| visible == output);
                if !known && !output.is_empty() {
                    scope.visible.push(output.to_owned());
                }
            }
            steps.push(step);
        }
        (steps, scope)
    }

    fn step(&mut self, node: &Node, scope: &Scope, context: &mut StepContext<'_>) -> Step {
        let fields = self.any_fields(node, "a step");
        if !fields.is_map {
            let kind = StepKind::Wait(Wait::Seconds(0));
            return Step {
                name: String::new(),
                kind,
            };
        }
        let name = match self.required(&fields, "name", "name: apply_vendor_hold") {
            Some(node) => self.step_name(node, context),
            None => String::new(),
        };
        let called = match name.as_str() {
            "" => "a step".to_owned(),
            name => format!("step `{name}`"),
        };
        let kinds: Vec<&str> = KINDS
            .into_iter()
            .filter(|kind| fields.get(kind).is_some())
            .collect();
        let kind = *kinds.first().unwrap_or(&"action");
        if kinds.len() > 1 {
            let message = format!(
                "{called} has {}",
                kinds
                    .iter()
                    .map(|kind| format!("`{kind}`"))
                    .collect::<Vec<_>>()
                    .join(" and ")
            );
            self.problem(
                fields.at,
                message,
                "a step is one of action, wait, approve, parallel, for_each, choose, stop: make two steps",
            );
        }
        self.step_fields(&fields, &called, kind);
        let inside = scope.inside(&name);
        let kind = match (kind, fields.get(kind)) {
            ("wait", Some(node)) => StepKind::Wait(self.wait(node, &inside, context)),
            ("approve", Some(node)) => {
                if context.in_for_each {
                    let help = "every item would ask a person, many at once: ask once, before or after the for_each";
                    self.problem(fields.at, "an approve inside a for_each", help);
                }
                StepKind::Approve(self.approve(node, &fields, &inside, context.limits))
            }
            ("parallel", Some(node)) => StepKind::Parallel(self.parallel(node, &inside, context)),
            ("for_each", Some(node)) => StepKind::ForEach(self.for_each(node, &inside, context)),
            ("choose", Some(node)) => {
                StepKind::Choose(self.choose(&name, (node, &fields), scope, context))
            }
            ("stop", Some(node)) => StepKind::Stop(self.stop(node, &inside, context)),
            (_, action) => {
                if action.is_none() {
                    let help = "add `action: …`, or one of wait, approve, parallel, for_each, choose, stop";
                    self.problem(fields.at, format!("{called} does nothing"), help);
                }
                StepKind::Action(self.action_step(&fields, &called, &inside, context))
            }
        };
        Step { name, kind }
    }

    fn step_name(&mut self, node: &Node, context: &mut StepContext<'_>) -> String {
        let name = self.name(node, "a step's name", "apply_vendor_hold");
        let taken = if RESERVED.contains(&name.as_str()) {
            Some("is a name that expressions use otherwise")
        } else if FUNCTIONS.contains(&name.as_str())
            || STEP_FUNCTIONS.contains(&name.as_str())
            || name == "eval"
        {
            Some("is a JSONata function")
        } else {
            None
        };
        if let Some(why) = taken {
            let message = format!("`{name}` cannot be a step's name: it {why}");
            self.problem(
                node.at,
                message,
                format!("say what the step does: `{name}_vendor`"),
            );
        }
        self.unique(&mut context.seen, &name, node.at, "step");
        name
    }

    /// Reports unknown fields. The help differs for fields that only another kind of step has.
    fn step_fields(&mut self, fields: &Fields<'_>, called: &str, kind: &str) {
        for (key, _) in fields.entries {
            let field = key.name.as_str();
            let known: &[&str] = match kind {
                "action" => &ACTION_FIELDS,
                "approve" => &APPROVE_FIELDS,
                "choose" => &CHOOSE_FIELDS,
                _ => &["name", kind],
            };
            if known.contains(&field) || KINDS.contains(&field) {
                continue;
            }
            if ACTION_FIELDS.contains(&field) {
                let article = if kind == "approve" { "an" } else { "a" };
                let help = match (kind, field) {
                    ("wait", _) => {
                        "a wait has only `name` and `wait`; what it waits for can be an expression: \
                         `wait: { until: … }`"
                    }
                    ("approve", field) => not_of_approve(field),
                    ("stop", "when") => "put it inside: `stop: { when: …, reason: … }`",
                    ("stop", _) => "a stop has only `name` and `stop`",
                    _ => "put it on the steps inside",
                };
                self.problem(
                    key.at,
                    format!("{article} `{kind}` step cannot have `{field}`"),
                    help,
                );
            } else {
                let help = suggest(field, known.iter().copied(), "it has");
                self.problem(key.at, format!("unknown field `{field}` in {called}"), help);
            }
        }
    }

    fn action_step(
        &mut self,
        fields: &Fields<'_>,
        called: &str,
        scope: &Scope,
        context: &StepContext<'_>,
    ) -> ActionStep {
        let known = self.known;
        let action = fields.get("action").map_or_else(String::new, |node| {
            let action = self.text(node, "action", "http");
            if !action.is_empty() && !known.actions.iter().any(|info| info.name == action) {
                let actions = known.actions.iter().map(|info| info.name);
                let help = suggest(&action, actions, "there are");
                let help = format!("{help}; `make up` builds in a new one");
                self.problem(node.at, format!("no action is called `{action}`"), help);
            }
            action
        });
        let info = known
            .actions
            .iter()
            .copied()
            .find(|info| info.name == action);
        let when = fields
            .get("when")
            .map(|node| self.expression(node, "when", &scope.repeatable("`when`").optional()));
        let scope = &scope.guarded(when.as_ref().map(Expression::jsonata));
        let input = fields.get("input").map(|node| self.template(node, scope));
        if let Some(info) = info {
            let what = format!("the input of action {action}");
            match (fields.get("input"), &input) {
                (Some(node), Some(value)) => self.fits(node, value, &info.input_schema, &what),
                _ => self.fits_nothing(
                    fields.at,
                    &info.input_schema,
                    &format!("{called} has no `input`, and {what}"),
                ),
            }
        }
        self.secret_name(fields.get("input"), info);
        self.literal_address(fields.get("input"), info);
        let idempotent = fields
            .get("idempotent")
            .is_none_or(|node| self.boolean(node, "idempotent"));
        let (timeout_s, mut retry) = self.attempts(fields, None, context.limits);
        let reads = self.reads(fields, called, info, input.as_ref());
        let poll = self.poll(fields, (timeout_s, &mut retry), reads, context.limits);
        let rollback = match reads {
            true => None,
            false => self.rollback(
                fields,
                called,
                info,
                (timeout_s, &retry),
                scope,
                context.limits,
            ),
        };
        let on_failure = self.on_failure(fields, context.in_for_each, context.limits);
        let effect = effect_of(reads, input.as_ref());
        self.provable(fields, &on_failure, effect);
        let input = input.unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        ActionStep {
            action,
            when,
            input,
            timeout_s,
            retry,
            reads,
            poll,
            rollback,
            idempotent,
            on_failure,
        }
    }

    fn wait(&mut self, node: &Node, scope: &Scope, context: &StepContext<'_>) -> Wait {
        if let Kind::Map(_) = node.kind {
            let fields = self.fields(node, "wait", &["until"]);
            let until = self.required(&fields, "until", "until: \"{% $input.due_at %}\"");
            return Wait::Until(until.map_or_else(Expression::default, |node| {
                self.expression(node, "until", scope)
            }));
        }
        let seconds = self.seconds(node, "wait", 1..=super::read::MAX_TIMEOUT_S);
        self.within_limit(node.at, "this wait", seconds, context.limits);
        Wait::Seconds(seconds)
    }

    fn parallel(
        &mut self,
        node: &Node,
        scope: &Scope,
        context: &mut StepContext<'_>,
    ) -> Vec<Branch> {
        let items = self.list(node, "parallel");
        if items.len() == 1 {
            self.problem(
                node.at,
                "a parallel with one branch",
                "add a second `- steps: …`, or leave the parallel out",
            );
        }
        let outer = std::mem::replace(&mut context.in_parallel, true);
        let branches = items
            .iter()
            .map(|item| {
                let fields = self.fields(item, "a branch", &["steps"]);
                let steps = self.required(&fields, "steps", "steps: [ … ]");
                Branch {
                    steps: steps.map_or_else(Vec::new, |node| {
                        self.sequence(node, scope.clone(), context).0
                    }),
                }
            })
            .collect();
        context.in_parallel = outer;
        branches
    }

    fn for_each(&mut self, node: &Node, scope: &Scope, context: &mut StepContext<'_>) -> ForEach {
        if context.in_for_each {
            let help = "one for_each runs over all pairs: build the list with $map in `items`";
            self.problem(node.at, "a for_each inside a for_each", help);
        }
        let fields = self.fields(
            node,
            "for_each",
            &["items", "item_key", "max_concurrency", "collect", "steps"],
        );
        let items = self
            .required(&fields, "items", "items: \"{% $input.vendors %}\"")
            .map_or_else(Expression::default, |node| {
                self.expression(node, "items", scope)
            });
        let item_key = self
            .required(&fields, "item_key", "item_key: \"{% $item.id %}\"")
            .map_or_else(Expression::default, |node| {
                let scope = scope.with(&["item"]).repeatable("`item_key`");
                self.expression(node, "item_key", &scope)
            });
        let (default, most) = CONCURRENCY;
        let max_concurrency = fields
            .get("max_concurrency")
            .map(|node| self.integer(node, "max_concurrency", 1..=most))
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(default);
        let inner = scope.with(&["item", "item_key"]);
        let outer = std::mem::replace(&mut context.in_for_each, true);
        let (steps, last) = match self.required(&fields, "steps", "steps: [ … ]") {
            Some(node) => self.sequence(node, inner, context),
            None => (Vec::new(), inner),
        };
        context.in_for_each = outer;
        // `collect` is read last, because it sees the outputs of all steps inside.
        let collect = fields
            .get("collect")
            .map(|node| self.expression(node, "collect", &last.optional()));
        ForEach {
            items,
            item_key,
            max_concurrency,
            collect,
            steps,
        }
    }
}
