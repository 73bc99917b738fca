//! Reads the schema of a workflow's input, and checks its keywords, formats and references at every
//! nesting: JSON Schema ignores a keyword that it does not know, so that a misspelt one would hold
//! nothing.
//!
//! Source: the meta-schemas of JSON Schema 2020-12 (json-schema.org/draft/2020-12).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    problem::Span,
    reader::Reader,
    suggest::{closest, suggest},
    tree::{Kind, MapKey, Node},
};
use holdfast_admission::authored_validator;

/// Keywords whose value is a schema.
const ONE: [&str; 11] = [
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
/// Keywords whose value is a list of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords whose value names schemas.
const NAMED: [&str; 4] = [
    "$defs",
    "dependentSchemas",
    "patternProperties",
    "properties",
];
/// Keywords whose value holds no schema.
const OTHER: [&str; 34] = [
    "$anchor",
    "$comment",
    "$ref",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
];
/// Keywords of other versions and dialects, with what replaces them.
const REPLACED: [(&str, &str); 9] = [
    ("definitions", "write `$defs`"),
    (
        "dependencies",
        "write `dependentRequired` or `dependentSchemas`",
    ),
    (
        "additionalItems",
        "write `prefixItems`, and `items` for the rest",
    ),
    ("nullable", "write `type: [string, \"null\"]`"),
    ("example", "write `examples: [ … ]`"),
    ("discriminator", "write `oneOf`, each with a `const`"),
    ("$id", "leave it out: references stay inside this schema"),
    ("$dynamicRef", "write `$ref`"),
    ("$dynamicAnchor", "write `$anchor`"),
];
/// The version of JSON Schema that the admission check applies.
const VERSION: &str = "https://json-schema.org/draft/2020-12/schema";
/// The beginning of names that authors may add for tools of their own.
const OWN: &str = "x-";

impl Reader<'_> {
    pub(super) fn input_schema(&mut self, node: &Node) -> Value {
        let schema = self.plain(node, "the input schema");
        let Kind::Map(_) = node.kind else {
            let help = "a JSON Schema belongs here: { type: object, properties: {…} }";
            self.problem(node.at, format!("input is {}", node.describe()), help);
            return schema;
        };
        match node.get("type") {
            Some(Node {
                kind: Kind::Text(kind),
                ..
            }) if kind == "object" => {}
            found => {
                let at = found.map_or(node.at, |found| found.at);
                self.problem(
                    at,
                    "the input schema is not that of an object",
                    "add `type: object`",
                );
            }
        }
        if let Err(error) = jsonschema::draft202012::meta::validate(&schema) {
            let at = node.at_path(error.instance_path().as_str()).at;
            self.problem(
                at,
                format!("not a JSON Schema: {}", error.masked()),
                "https://json-schema.org lists keywords and types",
            );
            return schema;
        }
        let before = self.problems.len();
        self.schema_part(node, node);
        self.endless_reference(node);
        if self.problems.len() == before
            && let Err(error) = authored_validator(&schema)
        {
            let (place, why) = error
                .strip_prefix("at ")
                .and_then(|rest| rest.split_once(": "))
                .unwrap_or(("", &error));
            self.problem(
                node.at_path(place).at,
                format!("not a JSON Schema: {why}"),
                "references stay inside this schema, patterns have no look-around, formats are of JSON Schema",
            );
        }
        schema
    }

    /// Checks one schema of the input schema `root`, and those inside it.
    fn schema_part(&mut self, node: &Node, root: &Node) {
        let Kind::Map(entries) = &node.kind else {
            return;
        };
        for (key, value) in entries {
            let name = key.name.as_str();
            match (&value.kind, name) {
                _ if ONE.contains(&name) => self.schema_part(value, root),
                (Kind::List(items), _) if LIST.contains(&name) => {
                    items.iter().for_each(|item| self.schema_part(item, root));
                }
                (Kind::Map(named), _) if NAMED.contains(&name) => {
                    named
                        .iter()
                        .for_each(|(_, part)| self.schema_part(part, root));
                }
                (Kind::Text(text), "$ref") => self.reference(value.at, text, root),
                (Kind::Text(text), "format") => self.format(value.at, text),
                (Kind::Text(text), "$schema") if text.trim_end_matches('#') != VERSION => {
                    let help = format!("leave it out, or write {VERSION}");
                    self.problem(value.at, "another version of JSON Schema", help);
                }
                (Kind::List(names), "required") => self.required_names(node, names),
                _ => self.keyword(key),
            }
        }
    }

    fn keyword(&mut self, key: &MapKey) {
        let name = key.name.as_str();
        let all = || {
            let lists = [&ONE[..], &LIST, &NAMED, &OTHER];
            lists.into_iter().flatten().copied()
        };
        if name.starts_with(OWN) || all().any(|known| known == name) {
            return;
        }
        let replaced = REPLACED.iter().find(|(other, _)| *other == name);
        let help = match (replaced, closest(name, all())) {
            (Some((_, help)), _) => (*help).to_owned(),
            (None, Some(known)) => format!("did you mean `{known}`?"),
            (None, None) => format!(
                "https://json-schema.org lists keywords; a name of your own begins with {OWN}, and a field goes into `properties`"
            ),
        };
        let message =
            format!("`{name}` is no keyword of JSON Schema 2020-12, and would hold nothing");
        self.problem(key.at, message, help);
    }

    fn format(&mut self, at: Span, format: &str) {
        const COMMON: [&str; 14] = [
            "date",
            "date-time",
            "duration",
            "email",
            "hostname",
            "ipv4",
            "ipv6",
            "iri",
            "json-pointer",
            "regex",
            "time",
            "uri",
            "uri-reference",
            "uuid",
        ];
        if authored_validator(&json!({ "format": format })).is_err() {
            let help = suggest(format, COMMON, "JSON Schema has, among others,");
            self.problem(at, format!("there is no format `{format}`"), help);
        }
    }

    /// Reports required fields that no input can have, since the schema neither lists nor admits
    /// them.
    fn required_names(&mut self, schema: &Node, names: &[Node]) {
        let closed = matches!(
            schema.get("additionalProperties"),
            Some(Node {
                kind: Kind::Bool(false),
                ..
            })
        );
        let Some(Node {
            kind: Kind::Map(properties),
            ..
        }) = schema.get("properties")
        else {
            return;
        };
        if !closed || schema.get("patternProperties").is_some() {
            return;
        }
        for node in names {
            if let Kind::Text(name) = &node.kind
                && !properties.iter().any(|(key, _)| key.name == *name)
            {
                let known = properties.iter().map(|(key, _)| key.name.as_str());
                let help = suggest(name, known, "`properties` has");
                let message = format!("the required field `{name}` is not in `properties`");
                self.problem(node.at, message, help);
            }
        }
    }

    fn reference(&mut self, at: Span, reference: &str, root: &Node) {
        if !reference.starts_with('#') {
            let help = "nothing is fetched: put the schema into `$defs`, and refer to it as `#/$defs/name`";
            self.problem(at, format!("`{reference}` leads out of this schema"), help);
        } else if target(root, reference).is_none() {
            let named = root.get("$defs").map(|node| &node.kind);
            let known: Vec<String> = match named {
                Some(Kind::Map(entries)) => entries
                    .iter()
                    .map(|(key, _)| format!("#/$defs/{}", key.name))
                    .collect(),
                _ => Vec::new(),
            };
            let help = suggest(reference, known.iter().map(String::as_str), "`$defs` has");
            self.problem(at, format!("`{reference}` leads nowhere"), help);
        }
    }

    /// Reports a reference that leads back to itself before a part of the input is read: the check
    /// of an input would not end.
    fn endless_reference(&mut self, root: &Node) {
        let mut followed = References::default();
        followed.in_place(root, root);
        all_parts(root, &mut |part| followed.in_place(part, root));
        for (at, message) in followed.found {
            let help = "a schema may contain itself only inside `properties` or `items`";
            self.problem(at, message, help);
        }
    }
}

/// Calls `visit` with every schema inside `node`.
fn all_parts(node: &Node, visit: &mut impl FnMut(&Node)) {
    let Kind::Map(entries) = &node.kind else {
        return;
    };
    for (key, value) in entries {
        let name = key.name.as_str();
        let parts: Vec<&Node> = match &value.kind {
            _ if ONE.contains(&name) => vec![value],
            Kind::List(items) if LIST.contains(&name) => items.iter().collect(),
            Kind::Map(named) if NAMED.contains(&name) => {
                named.iter().map(|(_, part)| part).collect()
            }
            _ => Vec::new(),
        };
        for part in parts {
            visit(part);
            all_parts(part, visit);
        }
    }
}

/// Most references from one to the next.
const MAX_REFERENCES: usize = 64;

/// The references that apply to one value, and what is wrong with them.
#[derive(Default)]
struct References {
    /// Those on the way to the schema that is looked at.
    trail: Vec<String>,
    /// Those that were followed.
    done: BTreeSet<String>,
    found: Vec<(Span, String)>,
}

impl References {
    /// Follows the references that apply to the same value as `node`.
    fn in_place(&mut self, node: &Node, root: &Node) {
        let Kind::Map(entries) = &node.kind else {
            return;
        };
        for (key, value) in entries {
            match (&value.kind, key.name.as_str()) {
                (Kind::Text(reference), "$ref") => self.follow(value.at, reference, root),
                (_, "if" | "then" | "else" | "not") => self.in_place(value, root),
                (Kind::List(items), "allOf" | "anyOf" | "oneOf") => {
                    items.iter().for_each(|item| self.in_place(item, root));
                }
                (Kind::Map(named), "dependentSchemas") => {
                    named.iter().for_each(|(_, part)| self.in_place(part, root));
                }
                _ => {}
            }
        }
    }

    fn follow(&mut self, at: Span, reference: &str, root: &Node) {
        if self.trail.iter().any(|earlier| earlier == reference) {
            let message = format!("`{reference}` leads back to itself");
            return self.found.push((at, message));
        }
        if self.trail.len() == MAX_REFERENCES {
            let message =
                format!("`{reference}` is reached by more than {MAX_REFERENCES} references");
            return self.found.push((at, message));
        }
        if !self.done.contains(reference)
            && let Some(next) = target(root, reference)
        {
            self.trail.push(reference.to_owned());
            self.in_place(next, root);
            self.trail.pop();
            self.done.insert(reference.to_owned());
        }
    }
}

/// Returns the schema that a reference inside `root` leads to.
fn target<'n>(root: &'n Node, reference: &str) -> Option<&'n Node> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return fragment
            .split('/')
            .skip(1)
            .try_fold(root, |node, part| match &node.kind {
                Kind::List(items) => items.get(part.parse::<usize>().ok()?),
                _ => node.get(&part.replace("~1", "/").replace("~0", "~")),
            });
    }
    let is_anchor = |node: &Node| matches!(node.get("$anchor"), Some(Node { kind: Kind::Text(name), .. }) if name == fragment);
    find(root, &is_anchor)
}

/// Returns the first schema inside `node` that `is` accepts.
fn find<'n>(node: &'n Node, is: &impl Fn(&Node) -> bool) -> Option<&'n Node> {
    if is(node) {
        return Some(node);
    }
    match &node.kind {
        Kind::Map(entries) => entries.iter().find_map(|(_, inner)| find(inner, is)),
        Kind::List(items) => items.iter().find_map(|item| find(item, is)),
        _ => None,
    }
}
