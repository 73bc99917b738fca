//! Reads typed values from the tree. A mismatch is recorded as a problem and replaced by a stand-in
//! value.

use std::ops::RangeInclusive;

use holdfast_task::Tier;
use serde_json::Value;

use super::{
    Environment,
    duration::{examples, parse_seconds, show_seconds},
    names::Names,
    problem::{Problem, Span},
    suggest::suggest,
    tree::{Kind, MapKey, Node},
};

/// The context of reading, and the problems found. The definition is discarded if there is any
/// problem, so a stand-in value never leaves this module.
pub(super) struct Reader<'a> {
    pub(super) source: &'a str,
    pub(super) known: &'a Environment<'a>,
    /// The tier in place of the definition's own one.
    pub(super) tier: Option<Tier>,
    pub(super) names: Names,
    /// The input schema, as it was written.
    pub(super) input_schema: Value,
    /// The longest timeout that an execution of this tier may have, in seconds.
    pub(super) timeout_max_s: u64,
    pub(super) problems: Vec<Problem>,
    /// Places that are allowed and probably not meant.
    pub(super) warnings: Vec<Problem>,
}

/// The entries of a mapping whose names were checked.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    pub(super) at: Span,
    what: &'n str,
    /// False if the value is of another type. That is one problem, so missing fields are no further
    /// ones.
    pub(super) is_map: bool,
    pub(super) entries: &'n [(MapKey, Node)],
}

impl<'n> Fields<'n> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(_, node)| node)
    }

    pub(super) fn key(&self, name: &str) -> Option<&'n MapKey> {
        self.entries
            .iter()
            .find(|(key, _)| key.name == name)
            .map(|(key, _)| key)
    }
}

impl Reader<'_> {
    pub(super) fn problem(
        &mut self,
        at: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.problems.push(Problem::new(at, message, help));
    }

    pub(super) fn warning(
        &mut self,
        at: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.warnings.push(Problem::new(at, message, help));
    }

    /// Returns the entries of a mapping. Entries that `known` does not name are problems.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &'n str,
        known: &[&str],
    ) -> Fields<'n> {
        let fields = self.any_fields(node, what);
        for (key, _) in fields.entries {
            if !known.contains(&key.name.as_str()) {
                // The merge key has a problem of its own.
                if key.name == "<<" {
                    continue;
                }
                let help = suggest(&key.name, known.iter().copied(), &format!("{what} has"));
                self.problem(
                    key.at,
                    format!("unknown field `{}` in {what}", key.name),
                    help,
                );
            }
        }
        fields
    }

    /// Returns the entries of a mapping, whatever their names.
    pub(super) fn any_fields<'n>(&mut self, node: &'n Node, what: &'n str) -> Fields<'n> {
        let (is_map, entries) = match &node.kind {
            Kind::Map(entries) => (true, entries.as_slice()),
            _ => {
                self.problem(
                    node.at,
                    format!("{what} is {}", node.describe()),
                    "a mapping belongs here: `name: value` lines",
                );
                (false, &[][..])
            }
        };
        Fields {
            at: node.at,
            what,
            is_map,
            entries,
        }
    }

    /// Returns a required field. `example` shows how it is written.
    pub(super) fn required<'n>(
        &mut self,
        fields: &Fields<'n>,
        name: &str,
        example: &str,
    ) -> Option<&'n Node> {
        let found = fields.get(name);
        if found.is_none() && fields.is_map {
            self.problem(
                fields.at,
                format!("{} has no `{name}`", fields.what),
                format!("add `{example}`"),
            );
        }
        found
    }

    pub(super) fn text(&mut self, node: &Node, what: &str, example: &str) -> String {
        match &node.kind {
            Kind::Text(text) if !text.trim().is_empty() => text.clone(),
            Kind::Text(_) => {
                self.problem(
                    node.at,
                    format!("{what} is an empty text"),
                    format!("write `{example}`"),
                );
                String::new()
            }
            _ => {
                self.problem(
                    node.at,
                    format!("{what} is {}", node.describe()),
                    format!("a text belongs here: `{example}`"),
                );
                String::new()
            }
        }
    }

    pub(super) fn integer(&mut self, node: &Node, what: &str, range: RangeInclusive<u64>) -> u64 {
        let value = match &node.kind {
            Kind::Number(number) => number.as_u64(),
            _ => None,
        };
        match value {
            Some(value) if range.contains(&value) => value,
            _ => {
                let help = format!(
                    "a whole number from {} to {} belongs here",
                    range.start(),
                    range.end()
                );
                self.problem(node.at, format!("{what} is {}", node.describe()), help);
                *range.start()
            }
        }
    }

    pub(super) fn decimal(&mut self, node: &Node, what: &str, range: RangeInclusive<f64>) -> f64 {
        let value = match &node.kind {
            Kind::Number(number) => number.as_f64(),
            _ => None,
        };
        match value {
            Some(value) if range.contains(&value) => value,
            _ => {
                let help = format!(
                    "a number from {} to {} belongs here",
                    range.start(),
                    range.end()
                );
                self.problem(node.at, format!("{what} is {}", node.describe()), help);
                *range.start()
            }
        }
    }

    pub(super) fn boolean(&mut self, node: &Node, what: &str) -> bool {
        match node.kind {
            Kind::Bool(value) => value,
            _ => {
                self.problem(
                    node.at,
                    format!("{what} is {}", node.describe()),
                    "write true or false",
                );
                false
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) if !items.is_empty() => items,
            Kind::List(_) => {
                self.problem(
                    node.at,
                    format!("{what} is an empty list"),
                    "give it an entry, or leave the field out",
                );
                &[]
            }
            _ => {
                self.problem(
                    node.at,
                    format!("{what} is {}", node.describe()),
                    "a list belongs here: lines that begin with `- `",
                );
                &[]
            }
        }
    }

    /// Reads a duration, in seconds.
    pub(super) fn seconds(&mut self, node: &Node, what: &str, range: RangeInclusive<u64>) -> u64 {
        let parsed = match &node.kind {
            Kind::Text(text) => parse_seconds(text),
            _ => None,
        };
        let help = format!(
            "a duration from {} to {} belongs here, such as {}",
            show_seconds(*range.start()),
            show_seconds(*range.end()),
            examples(&range)
        );
        match parsed {
            Some(seconds) if range.contains(&seconds) => seconds,
            Some(_) => {
                self.problem(node.at, format!("{what} is out of range"), help);
                *range.start()
            }
            None => {
                self.problem(
                    node.at,
                    format!("{what} is {}, not a duration", node.describe()),
                    help,
                );
                *range.start()
            }
        }
    }

    /// Reads one of a few words.
    pub(super) fn choice<T: Clone>(
        &mut self,
        node: &Node,
        what: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = match &node.kind {
            Kind::Text(text) => text.as_str(),
            Kind::Null => "null",
            _ => "",
        };
        let found = choices
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, value)| value.clone());
        if found.is_none() {
            let help = suggest(text, choices.iter().map(|(name, _)| *name), "it is one of");
            self.problem(node.at, format!("{what} is {}", node.describe()), help);
        }
        found
    }

    /// Reports a repeated name. `seen` are the names so far, with their lines.
    pub(super) fn unique(
        &mut self,
        seen: &mut Vec<(String, usize)>,
        name: &str,
        at: Span,
        what: &str,
    ) {
        if name.is_empty() {
            return;
        }
        match seen.iter().find(|(earlier, _)| earlier == name) {
            Some((_, line)) => {
                let help =
                    format!("the first is on line {line}: every {what} has a name of its own");
                self.problem(at, format!("a second {what} is called `{name}`"), help);
            }
            None => seen.push((name.to_owned(), at.line)),
        }
    }
}
