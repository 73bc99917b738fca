//! Checks the fields that an expression reads: those of the input and of a step's output must exist
//! in their schemas, and an optional one needs a check.

use serde_json::Value;

use super::{
    names::{FAILED_WITH_CODE, Sort},
    problem::Span,
    reader::Reader,
    references::target,
    scope::Scope,
    skipped::reads_of,
    suggest::suggest,
};
use holdfast_expression::{is_absent_if_missing, reads};

/// Fields of an approval step's output.
const APPROVAL_FIELDS: [&str; 4] = ["by", "at", "reason", "votes"];
/// Fields of `$approval`.
const AGREED_FIELDS: [&str; 5] = [
    "approved_by",
    "approved_at",
    "expires_at",
    "input_sha256",
    "reference",
];
/// Fields of `$execution`.
const EXECUTION_FIELDS: [&str; 6] = [
    "id",
    "tenant",
    "workflow",
    "version",
    "started_at",
    "trigger",
];
/// Keywords by which a schema can admit fields that its `properties` do not list.
const OPENING: [&str; 7] = [
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "dependentSchemas",
    "patternProperties",
    "unevaluatedProperties",
];

/// Knowledge of a field by a schema.
enum Field<'a> {
    /// A field that may exist, of which nothing more is known.
    Open,
    /// A field with this schema.
    Known(&'a Value),
    /// A field that never exists, and those that do.
    Unknown(Vec<&'a str>),
}

impl Reader<'_> {
    /// Reports fields that never exist, and warns about optional ones that are read unchecked.
    pub(super) fn check_fields(&mut self, at: Span, expression: &str, scope: &Scope) {
        for read in reads(expression).unwrap_or_default() {
            if scope.visible.contains(&read.variable) {
                let path: Vec<&str> = read.path.iter().map(String::as_str).collect();
                if let Some((depth, known)) = self.unknown_field(&read.variable, &path) {
                    let holder: String = std::iter::once(read.variable.as_str())
                        .chain(path[..depth].iter().copied())
                        .collect::<Vec<_>>()
                        .join(".");
                    let field = path[depth];
                    let known = known.iter().map(String::as_str);
                    let help = suggest(field, known, &format!("${holder} has"));
                    let at = at.narrow(self.source, &format!("${holder}.{field}"));
                    self.problem(at, format!("`${holder}` has no field `{field}`"), help);
                }
            }
        }
        self.check_optional(at, expression, scope);
    }

    /// Returns the first field of a path that never exists, by its index, with those that do.
    fn unknown_field(&self, variable: &str, path: &[&str]) -> Option<(usize, Vec<String>)> {
        let listed = |known: &[&str]| {
            let first = path.first()?;
            let known: Vec<String> = known.iter().map(|&name| name.to_owned()).collect();
            (!known.iter().any(|name| name == first)).then_some((0, known))
        };
        let declared = self.names.get(variable);
        match (variable, declared) {
            ("execution", None) => listed(&EXECUTION_FIELDS),
            ("approval", None) => listed(&AGREED_FIELDS),
            ("input", None) => in_schema(&self.input_schema, path, false),
            (_, None) => None,
            (_, Some(step)) => match step.sort {
                Sort::Approve => listed(&APPROVAL_FIELDS),
                Sort::Action
                    if step.skippable == Some(FAILED_WITH_CODE)
                        && path.first() == Some(&"failed") =>
                {
                    None
                }
                Sort::Action => in_schema(self.output_of(step.action.as_deref()?)?, path, true),
                Sort::Parallel => {
                    let (first, rest) = path.split_first()?;
                    let inside: Vec<&str> = self
                        .names
                        .inside(variable)
                        .filter(|inner| !matches!(inner.sort, Sort::Wait | Sort::ForEach(false)))
                        .map(|inner| inner.name.as_str())
                        .collect();
                    if !inside.contains(first) {
                        return listed(&inside);
                    }
                    let (depth, known) = self.unknown_field(first, rest)?;
                    Some((depth + 1, known))
                }
                _ => None,
            },
        }
    }

    fn output_of(&self, action: &str) -> Option<&Value> {
        let info = self.known.actions.iter().find(|info| info.name == action)?;
        Some(&info.output_schema)
    }

    /// Warns about each optional field of the input without which the expression has no value. The
    /// state that evaluates it would fail, and the execution would be rolled back.
    fn check_optional(&mut self, at: Span, expression: &str, scope: &Scope) {
        if !scope.in_machine || scope.optional {
            return;
        }
        let mut paths: Vec<Vec<String>> = Vec::new();
        for read in reads(expression).unwrap_or_default() {
            if read.variable == "input"
                && let Some(depth) = first_optional(&self.input_schema, &read.path)
            {
                let fields = read.path.into_iter().take(depth + 1);
                let path: Vec<String> = std::iter::once(read.variable).chain(fields).collect();
                if !paths.contains(&path) {
                    paths.push(path);
                }
            }
        }
        let absent = |path: &&Vec<String>| {
            let path: Vec<&str> = path.iter().map(String::as_str).collect();
            let checked = scope
                .when
                .as_deref()
                .is_some_and(|when| reads_of(when, &path));
            !checked && is_absent_if_missing(expression, &path)
        };
        for path in paths.iter().filter(absent) {
            let read = path.join(".");
            let at = at.narrow(self.source, &format!("${read}"));
            self.warning(
                at,
                format!("this fails if the input has no `{}`, which is optional", path[1..].join(".")),
                format!("add it to `required` of the input schema, or check it: `$exists(${read}) ? ${read} : 'none'`"),
            );
        }
    }
}

/// Returns the first field of a path that a schema rules out. `typed` is true for the schema of a
/// Rust type, which has no other fields than the listed ones.
fn in_schema(root: &Value, path: &[&str], typed: bool) -> Option<(usize, Vec<String>)> {
    let mut schema = root;
    for (depth, name) in path.iter().enumerate() {
        match field(schema, root, name, typed) {
            Field::Open => return None,
            Field::Known(inner) => schema = inner,
            Field::Unknown(known) => {
                return Some((depth, known.into_iter().map(str::to_owned).collect()));
            }
        }
    }
    None
}

fn field<'a>(schema: &'a Value, root: &'a Value, name: &str, typed: bool) -> Field<'a> {
    let Some(schema) = resolved(schema, root) else {
        return Field::Open;
    };
    match schema["type"].as_str() {
        // JSONata reads a field of a list from each of its items.
        Some("array") => {
            return match schema.get("items") {
                Some(items) => field(items, root, name, typed),
                None => Field::Open,
            };
        }
        Some("object") => {}
        _ => return Field::Open,
    }
    if OPENING.iter().any(|keyword| schema.get(keyword).is_some()) {
        return Field::Open;
    }
    let properties = schema["properties"].as_object();
    if let Some(inner) = properties.and_then(|all| all.get(name)) {
        return Field::Known(inner);
    }
    let closed = match schema.get("additionalProperties") {
        Some(more) => more == false,
        None => typed && properties.is_some(),
    };
    match (closed, properties) {
        (true, Some(all)) => Field::Unknown(all.keys().map(String::as_str).collect()),
        (true, None) => Field::Unknown(Vec::new()),
        (false, _) => Field::Open,
    }
}

/// Returns the schema behind references inside `root`, and the one of a value that may also be
/// null. `None` if there are too many references to follow.
fn resolved<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a Value> {
    let mut schema = schema;
    for _ in 0..8 {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            schema = target(root, reference)?;
        } else if let Some(Value::Array(either)) = schema.get("anyOf") {
            let mut some = either.iter().filter(|one| one["type"] != "null");
            let one = some.next()?;
            if some.next().is_some() || schema.get("properties").is_some() {
                return Some(schema);
            }
            schema = one;
        } else {
            return Some(schema);
        }
    }
    None
}

/// Returns the index of the first field of a path that a schema lists and does not require.
fn first_optional(root: &Value, path: &[String]) -> Option<usize> {
    let mut schema = root;
    for (depth, name) in path.iter().enumerate() {
        if schema["type"] != "object" {
            return None;
        }
        let inner = schema["properties"].get(name)?;
        let required = schema["required"].as_array();
        if !required.is_some_and(|all| all.iter().any(|one| one == name)) {
            return Some(depth);
        }
        schema = inner;
    }
    None
}
