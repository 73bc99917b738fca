//! Checks a value in a definition against a JSON Schema, as far as it is literal: an expression
//! fits anything.

use jsonschema::{ValidationError, error::ValidationErrorKind as Kind};
use serde_json::{Value, json};

use super::{
    problem::{Problem, Span},
    reader::Reader,
    suggest::suggest,
    tree::{self, Node},
};
use holdfast_admission::validator;

impl Reader<'_> {
    /// Reports what in `node` (whose value is `value`) does not fit `schema`. A broken schema is
    /// reported elsewhere.
    pub(super) fn fits(&mut self, node: &Node, value: &Value, schema: &Value, what: &str) {
        let Ok(validator) = validator(schema) else {
            return;
        };
        for error in validator.iter_errors(value) {
            self.problems.extend(problems(&error, node, schema, what));
        }
    }

    /// Reports what `schema` requires where nothing is written.
    pub(super) fn fits_nothing(&mut self, at: Span, schema: &Value, what: &str) {
        self.fits(
            &Node {
                at,
                kind: tree::Kind::Map(Vec::new()),
            },
            &json!({}),
            schema,
            what,
        );
    }
}

/// Returns the certain mistakes: none if an expression or a parameter may still make the value
/// right.
fn problems(error: &ValidationError<'_>, root: &Node, schema: &Value, what: &str) -> Vec<Problem> {
    let node = root.at_path(error.instance_path().as_str());
    let place = place(error, what);
    let pointer = error.schema_path().as_str();
    let around = pointer
        .rsplit_once('/')
        .and_then(|(parent, _)| schema.pointer(parent));
    let properties = around
        .and_then(|around| around.get("properties"))
        .and_then(Value::as_object);
    match error.kind() {
        _ if is_open(node) => Vec::new(),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unexpected
                .iter()
                .map(|name| {
                    let known = properties
                        .into_iter()
                        .flat_map(|properties| properties.keys().map(String::as_str));
                    let help = suggest(name, known, &format!("{place} has"));
                    Problem::new(
                        node.key_span(name),
                        format!("{place} has no field `{name}`"),
                        help,
                    )
                })
                .collect()
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let about = properties
                .and_then(|properties| properties.get(name))
                .and_then(description);
            let help = match about {
                Some(about) => format!("add `{name}: …`: {about}"),
                None => format!("add `{name}: …`"),
            };
            vec![Problem::new(
                node.at,
                format!("{place} lacks `{name}`"),
                help,
            )]
        }
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            alternatives(context, error, root, schema, what)
        }
        Kind::Enum { options } if !holds_open(node) => {
            let written = node.to_value();
            let options: Vec<&str> = options
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let help = suggest(
                written.as_str().unwrap_or_default(),
                options,
                "it is one of",
            );
            vec![Problem::new(
                node.at,
                format!("{place} is {}", node.describe()),
                help,
            )]
        }
        Kind::Type { .. } => vec![mismatch(error, node, schema, what)],
        _ if holds_open(node) => Vec::new(),
        _ => vec![mismatch(error, node, schema, what)],
    }
}

/// Returns the mistakes in a value that fits none of some alternatives: those of the alternative of
/// the value's type, if there is one such, and else one mismatch.
fn alternatives(
    context: &[Vec<ValidationError<'static>>],
    error: &ValidationError<'_>,
    root: &Node,
    schema: &Value,
    what: &str,
) -> Vec<Problem> {
    let branches: Vec<Vec<Problem>> = context
        .iter()
        .map(|errors| {
            errors
                .iter()
                .flat_map(|error| problems(error, root, schema, what))
                .collect()
        })
        .collect();
    if branches.iter().any(Vec::is_empty) {
        return Vec::new();
    }
    let same_type = |errors: &Vec<ValidationError<'static>>| {
        !errors.iter().any(|inner| {
            matches!(inner.kind(), Kind::Type { .. })
                && inner.instance_path() == error.instance_path()
        })
    };
    let mut meant = context
        .iter()
        .zip(branches)
        .filter(|(errors, _)| same_type(errors));
    match (meant.next(), meant.next()) {
        (Some((_, problems)), None) => problems,
        _ => vec![mismatch(
            error,
            root.at_path(error.instance_path().as_str()),
            schema,
            what,
        )],
    }
}

fn mismatch(error: &ValidationError<'_>, node: &Node, schema: &Value, what: &str) -> Problem {
    let place = place(error, what);
    let around = error
        .schema_path()
        .as_str()
        .rsplit_once('/')
        .and_then(|(parent, _)| schema.pointer(parent));
    let help = around
        .and_then(description)
        .unwrap_or("the schema says what would be right");
    Problem::new(
        node.at,
        format!("{place}: {}", error.masked_with(node.describe())),
        help,
    )
}

/// Returns `what`, or the path inside it.
fn place(error: &ValidationError<'_>, what: &str) -> String {
    match error.instance_path().as_str().trim_start_matches('/') {
        "" => what.to_owned(),
        path => format!("`{}` in {what}", path.replace('/', ".")),
    }
}

fn description(schema: &Value) -> Option<&str> {
    schema.get("description").and_then(Value::as_str)
}

/// Returns true if the value is known only when it is evaluated or deployed.
fn is_open(node: &Node) -> bool {
    matches!(&node.kind, tree::Kind::Text(text) if text.contains("{%") || text.contains("${"))
}

fn holds_open(node: &Node) -> bool {
    match &node.kind {
        tree::Kind::List(items) => items.iter().any(holds_open),
        tree::Kind::Map(entries) => entries.iter().any(|(_, node)| holds_open(node)),
        _ => is_open(node),
    }
}
