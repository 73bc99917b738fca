//! Follows the references of a schema, and bounds how many schemas apply to one value.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    problem::Span,
    tree::{Kind, Node},
};

/// Returns the JSON pointer of the schema that a reference inside `root` leads to.
pub(super) fn pointer_of(root: &Value, reference: &str) -> Option<String> {
    let fragment = reference.strip_prefix('#')?;
    if fragment.is_empty() || fragment.starts_with('/') {
        return root.pointer(fragment).map(|_| fragment.to_owned());
    }
    anchor(root, fragment, String::new())
}

/// Returns the schema that a reference inside `root` leads to.
pub(super) fn target<'a>(root: &'a Value, reference: &str) -> Option<&'a Value> {
    root.pointer(&pointer_of(root, reference)?)
}

/// Returns the pointer of the first schema in `value`, which lies at `at`, with this `$anchor`.
fn anchor(value: &Value, name: &str, at: String) -> Option<String> {
    if value.get("$anchor").is_some_and(|own| own == name) {
        return Some(at);
    }
    match value {
        Value::Object(members) => members.iter().find_map(|(key, inner)| {
            let key = key.replace('~', "~0").replace('/', "~1");
            anchor(inner, name, format!("{at}/{key}"))
        }),
        Value::Array(items) => {
            let mut items = items.iter().enumerate();
            items.find_map(|(n, inner)| anchor(inner, name, format!("{at}/{n}")))
        }
        _ => None,
    }
}

/// Most references from one to the next.
const MAX_REFERENCES: usize = 64;

/// The references that apply to one value, and what is wrong with them.
pub(super) struct References<'a> {
    /// The whole input schema.
    root: &'a Value,
    /// Those on the way to the schema that is looked at.
    trail: Vec<String>,
    /// Those that were followed.
    done: BTreeSet<String>,
    pub(super) found: Vec<(Span, String)>,
}

impl<'a> References<'a> {
    pub(super) fn of(root: &'a Value) -> Self {
        Self {
            root,
            trail: Vec::new(),
            done: BTreeSet::new(),
            found: Vec::new(),
        }
    }

    /// Follows the references that apply to the same value as `node`.
    pub(super) fn in_place(&mut self, node: &Node, root: &Node) {
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
            && let Some(next) = pointer_of(self.root, reference)
        {
            self.trail.push(reference.to_owned());
            self.in_place(root.at_path(&next), root);
            self.trail.pop();
            self.done.insert(reference.to_owned());
        }
    }
}

/// Most different schemas that may apply to one value of an input: a list that is written out.
const MOST_APPLIED: usize = 1_000;
/// Most times that schemas may apply to the same value again, all of them together.
const MOST_REPEATED: usize = 100;
/// Most sets of schemas that are looked at.
const MOST_SETS: usize = 5_000;
/// The key of what applies to every item of a list, and of what applies to any other member.
const ITEM: &str = "[]";
const OTHER: &str = "{}";

/// The schemas that apply to one value of an input.
#[derive(Default)]
struct SchemaList<'a> {
    /// Each schema as often as it applies.
    schemas: Vec<&'a Value>,
    /// Each schema once.
    different: BTreeSet<*const Value>,
}

impl<'a> SchemaList<'a> {
    fn add(&mut self, schema: &'a Value) -> Result<(), String> {
        self.schemas.push(schema);
        self.different.insert(schema);
        if self.schemas.len() - self.different.len() > MOST_REPEATED {
            return Err(format!(
                "schemas apply to one value of the input again, more than {MOST_REPEATED} times: \
                 references fan out"
            ));
        }
        if self.different.len() > MOST_APPLIED {
            return Err(format!(
                "more than {MOST_APPLIED} schemas apply to one value of the input"
            ));
        }
        Ok(())
    }
}

/// Checks that no value of an input meets more than [`MOST_APPLIED`] schemas, or schemas more than
/// [`MOST_REPEATED`] times again. References that fan out double the repeats from level to level,
/// and the check of an input would not end in time.
///
/// A reference that leads back to itself in place is refused before. The error is the message.
pub(super) fn check_fan_out(root: &Value) -> Result<(), String> {
    let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
    let mut open = vec![vec![root]];
    while let Some(schemas) = open.pop() {
        let mut applied = SchemaList::default();
        for schema in &schemas {
            in_place(schema, root, &mut applied)?;
        }
        for next in below(&applied.schemas).into_values() {
            let mut set: Vec<usize> = next
                .iter()
                .map(|one| std::ptr::from_ref(*one) as usize)
                .collect();
            set.sort_unstable();
            if seen.len() < MOST_SETS && seen.insert(set) {
                open.push(next);
            }
        }
    }
    Ok(())
}

/// Adds `schema`, and the schemas that apply to the same value through it.
fn in_place<'a>(
    schema: &'a Value,
    root: &'a Value,
    applied: &mut SchemaList<'a>,
) -> Result<(), String> {
    applied.add(schema)?;
    if let Some(next) = schema.get("$ref").and_then(Value::as_str)
        && let Some(next) = target(root, next)
    {
        in_place(next, root, applied)?;
    }
    for keyword in ["if", "then", "else", "not"] {
        if let Some(inner) = schema.get(keyword) {
            in_place(inner, root, applied)?;
        }
    }
    for keyword in ["allOf", "anyOf", "oneOf"] {
        for inner in schema
            .get(keyword)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            in_place(inner, root, applied)?;
        }
    }
    let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
    for inner in dependent.into_iter().flat_map(|named| named.values()) {
        in_place(inner, root, applied)?;
    }
    Ok(())
}

/// Returns the schemas that apply to each member and to the items of a value.
fn below<'a>(applied: &[&'a Value]) -> BTreeMap<&'a str, Vec<&'a Value>> {
    let members = |schema: &'a Value, keyword: &str| schema.get(keyword).and_then(Value::as_object);
    let listed = applied
        .iter()
        .filter_map(|schema| members(schema, "properties"));
    let mut below: BTreeMap<&str, Vec<&Value>> = listed
        .flat_map(|named| named.keys())
        .map(|name| (name.as_str(), Vec::new()))
        .chain([(ITEM, Vec::new()), (OTHER, Vec::new())])
        .collect();
    for schema in applied {
        let own = members(schema, "properties");
        let patterns = members(schema, "patternProperties");
        let every = patterns
            .into_iter()
            .flat_map(|named| named.values())
            .chain(schema.get("propertyNames"));
        let every: Vec<&Value> = every.collect();
        let others = ["additionalProperties", "unevaluatedProperties"];
        let others: Vec<&Value> = others
            .iter()
            .filter_map(|keyword| schema.get(keyword))
            .collect();
        for (name, schemas) in &mut below {
            if *name == ITEM {
                continue;
            }
            schemas.extend(&every);
            match own.and_then(|own| own.get(*name)) {
                Some(inner) => schemas.push(inner),
                None => schemas.extend(&others),
            }
        }
        let items = ["items", "contains", "unevaluatedItems"];
        let items = items.iter().filter_map(|keyword| schema.get(keyword));
        let places = schema.get("prefixItems").and_then(Value::as_array);
        let of_item = below.entry(ITEM).or_default();
        of_item.extend(items.chain(places.into_iter().flatten()));
    }
    below.retain(|_, schemas| !schemas.is_empty());
    below
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_leads_to_a_pointer_or_an_anchor() {
        let root = json!({ "$defs": { "a/b": { "$anchor": "here", "type": "string" } } });
        for (reference, pointer) in [
            ("#", Some("")),
            ("#/$defs/a~1b", Some("/$defs/a~1b")),
            ("#here", Some("/$defs/a~1b")),
            ("#there", None),
            ("#/$defs/c", None),
            ("other.json#", None),
        ] {
            assert_eq!(
                pointer_of(&root, reference).as_deref(),
                pointer,
                "{reference}"
            );
        }
    }

    #[test]
    fn references_that_fan_out_are_refused_in_place_and_from_level_to_level() {
        let doubled = |n: u32| {
            let next = json!({ "$ref": format!("#/$defs/s{}", n + 1) });
            (format!("s{n}"), json!({ "allOf": [next, next] }))
        };
        let mut defs: serde_json::Map<_, _> = (0..30).map(doubled).collect();
        defs.insert("s30".to_owned(), json!({ "type": "string" }));
        let in_place = json!({ "properties": { "a": { "$ref": "#/$defs/s0" } }, "$defs": defs });
        check_fan_out(&in_place).expect_err("a billion schemas");
        let again = json!({ "properties": { "a": { "$ref": "#" } } });
        let by_level = json!({ "allOf": [again, again] });
        check_fan_out(&by_level).expect_err("twice as many at each level");
        let by_item = json!({ "items": { "$ref": "#" }, "contains": { "$ref": "#" } });
        check_fan_out(&by_item).expect_err("twice as many at each level");
    }

    #[test]
    fn a_list_that_is_written_out_is_accepted_and_one_without_measure_is_refused() {
        let listed = |n: usize| {
            let one = |n| json!({ "const": n, "title": format!("reason {n}") });
            let list: Vec<_> = (0..n).map(one).collect();
            json!({ "properties": { "reason": { "oneOf": list } } })
        };
        for n in [120, 300, 900] {
            assert_eq!(check_fan_out(&listed(n)), Ok(()), "{n}");
        }
        let why = check_fan_out(&listed(1_001)).expect_err("too many for each value");
        assert!(why.contains("more than 1000 schemas"), "{why}");
    }

    #[test]
    fn a_schema_that_contains_itself_once_for_each_member_is_accepted() {
        let tree = json!({
            "type": "object",
            "properties": {
                "left": { "$ref": "#" },
                "right": { "$ref": "#" },
                "note": { "anyOf": [{ "type": "string" }, { "type": "null" }] },
                "list": { "type": "array", "items": { "$ref": "#/$defs/entry" } },
            },
            "additionalProperties": { "$ref": "#/$defs/entry" },
            "$defs": { "entry": { "type": "object", "properties": { "in": { "$ref": "#" } } } },
        });
        assert_eq!(check_fan_out(&tree), Ok(()));
    }
}
