//! Defines the tree of a definition's values, each with its place in the source.

use serde_json::{Map, Number, Value};

use super::problem::Span;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: Span,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// Entries in written order, with unique keys.
    Map(Vec<(MapKey, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct MapKey {
    pub(super) at: Span,
    pub(super) name: String,
}

impl Node {
    /// Describes the value for a message.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".into(),
            Kind::Bool(value) => format!("the boolean {value}"),
            Kind::Number(value) => format!("the number {value}"),
            Kind::Text(value) if value.chars().count() <= 60 => format!("the text {value:?}"),
            Kind::Text(value) => {
                format!("the text {:?}…", value.chars().take(60).collect::<String>())
            }
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a mapping".into(),
        }
    }

    /// Returns the value without places.
    pub(super) fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Text(value) => Value::String(value.clone()),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Map(entries) => {
                let members: Map<_, _> = entries
                    .iter()
                    .map(|(key, node)| (key.name.clone(), node.to_value()))
                    .collect();
                Value::Object(members)
            }
        }
    }

    /// Returns the value at a JSON pointer, or the innermost value on the way to it.
    pub(super) fn at_path(&self, pointer: &str) -> &Self {
        pointer
            .split('/')
            .skip(1)
            .fold(self, |node, part| match &node.kind {
                Kind::Map(_) => node
                    .get(&part.replace("~1", "/").replace("~0", "~"))
                    .unwrap_or(node),
                Kind::List(items) => part
                    .parse()
                    .ok()
                    .and_then(|n: usize| items.get(n))
                    .unwrap_or(node),
                _ => node,
            })
    }

    /// Returns the place of the key `name`, or of the mapping.
    pub(super) fn key_span(&self, name: &str) -> Span {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map_or(self.at, |(key, _)| key.at),
            _ => self.at,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match &self.kind {
            Kind::Map(entries) => entries
                .iter()
                .find(|(key, _)| key.name == name)
                .map(|(_, node)| node),
            _ => None,
        }
    }
}

/// Returns the number of values in `node`, itself included, and the depth of their nesting.
pub(super) fn measure(node: &Node) -> (usize, usize) {
    let add = |(count, depth): (usize, usize), inner: &Node| {
        let (inner_count, inner_depth) = measure(inner);
        (count + inner_count, depth.max(inner_depth + 1))
    };
    match &node.kind {
        Kind::List(items) => items.iter().fold((1, 1), add),
        Kind::Map(entries) => entries.iter().map(|(_, node)| node).fold((1, 1), add),
        _ => (1, 0),
    }
}
