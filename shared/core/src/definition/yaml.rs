//! YAML as a tree whose every node knows its place. One document, JSON's types, strict booleans, bounded in size.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};
use serde_json::{Map, Number, Value};

use super::problem::{Problem, Span};

/// Larger files are refused unread.
pub const MAX_BYTES: usize = 256 * 1024;
/// Deeper nesting is refused.
pub const MAX_DEPTH: usize = 64;
/// More values (aliases expanded) are refused, so that a small file cannot grow without bound.
const MAX_NODES: usize = 50_000;

/// A value and where it stands.
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
    /// In written order, keys unique.
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) at: Span,
    pub(super) name: String,
}

impl Node {
    /// What people call this kind of value.
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".into(),
            Kind::Bool(value) => format!("the boolean {value}"),
            Kind::Number(value) => format!("the number {value}"),
            Kind::Text(value) => format!("the text {value:?}"),
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a mapping".into(),
        }
    }

    /// The value without its places.
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

    /// The value at a JSON pointer, or the innermost one on the way there.
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

    /// Where the key `name` stands, or the mapping itself.
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

/// Reads one document. An `Err` holds one syntax error; duplicated keys, tags and values that JSON lacks are collected
/// in `problems`, because the rest can still be read.
pub(super) fn parse(source: &str, problems: &mut Vec<Problem>) -> Result<Node, Problem> {
    let start = Span {
        line: 1,
        column: 1,
        ..Span::default()
    };
    if source.len() > MAX_BYTES {
        let message = format!("the file has {} bytes", source.len());
        return Err(Problem::new(
            start,
            message,
            format!("at most {MAX_BYTES}: split the workflow"),
        ));
    }
    let mut builder = Builder {
        source,
        offsets: source
            .char_indices()
            .map(|(at, _)| at)
            .chain([source.len()])
            .collect(),
        open: Vec::new(),
        anchors: Vec::new(),
        nodes: 0,
        root: None,
        problems,
    };
    let mut parser = Parser::new_from_str(source);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| builder.syntax(&error))?;
        let at = builder.span(&span);
        builder.event(event, at)?;
    }
    builder.root.ok_or_else(|| {
        Problem::new(
            start,
            "the file is empty",
            "start from what `holdfast new NAME` writes",
        )
    })
}

enum Open {
    List {
        at: Span,
        anchor: usize,
        items: Vec<Node>,
    },
    Map {
        at: Span,
        anchor: usize,
        entries: Vec<(Key, Node)>,
        key: Option<Key>,
    },
}

struct Builder<'a> {
    source: &'a str,
    /// Byte offset of every character.
    offsets: Vec<usize>,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    nodes: usize,
    root: Option<Node>,
    problems: &'a mut Vec<Problem>,
}

impl Builder<'_> {
    fn span(&self, span: &saphyr_parser::Span) -> Span {
        let place = |index: usize| {
            self.offsets
                .get(index)
                .copied()
                .unwrap_or(self.source.len())
        };
        let (offset, end) = (place(span.start.index()), place(span.end.index()));
        let rest = &self.source[offset..];
        let line = rest.find('\n').map_or(rest, |end| &rest[..end]).trim_end();
        let length = if end > offset {
            (end - offset).min(line.len())
        } else {
            line.len()
        };
        Span {
            offset,
            length,
            line: span.start.line(),
            column: span.start.col() + 1,
        }
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let mark = error.marker();
        let at = self.span(&saphyr_parser::Span::empty(*mark));
        let before = &self.source[..at.offset];
        let line = before.rfind('\n').map_or(before, |end| &before[end + 1..]);
        let here = &self.source[at.offset..];
        let help = if here.starts_with('%') && line.ends_with('{') {
            "write an expression in quotes: \"{% $input.name %}\""
        } else if line.contains('\t') || here.starts_with('\t') {
            "indent with spaces: YAML does not allow tabs there"
        } else if error.info().contains("double-quoted") {
            "inside \"…\" write quotes as \\\", or put the whole in single quotes: '{% $input[\"name\"] %}'"
        } else if error.info().contains("recursion limit") {
            "at most 64 levels of nesting"
        } else if error.info().contains("mapping values") {
            "check the indentation, and quote a text that contains `: `"
        } else {
            "check indentation, quotes and brackets on this line and the one before"
        };
        Problem::new(at, format!("not YAML: {}", error.info()), help)
    }

    fn event(&mut self, event: Event<'_>, at: Span) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(_) if self.root.is_some() => Err(Problem::new(
                at,
                "a second document",
                "one file holds one workflow: make another file",
            )),
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag {
                    let message = format!("the tag {}{}", tag.handle, tag.suffix);
                    self.problems.push(Problem::new(
                        at,
                        message,
                        "leave tags out; a quoted value is a text",
                    ));
                }
                let kind = if style == ScalarStyle::Plain {
                    self.scalar(&text, at)
                } else {
                    Kind::Text(text.into_owned())
                };
                self.add(Node { at, kind }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(
                Open::List {
                    at,
                    anchor,
                    items: Vec::new(),
                },
                at,
            ),
            Event::MappingStart(anchor, _) => self.begin(
                Open::Map {
                    at,
                    anchor,
                    entries: Vec::new(),
                    key: None,
                },
                at,
            ),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List { at, anchor, items }) => self.add(
                    Node {
                        at,
                        kind: Kind::List(items),
                    },
                    anchor,
                ),
                Some(Open::Map {
                    at,
                    anchor,
                    entries,
                    ..
                }) => self.add(
                    Node {
                        at,
                        kind: Kind::Map(entries),
                    },
                    anchor,
                ),
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.iter().rfind(|(id, _)| *id == anchor) {
                Some((_, node)) => {
                    let node = Node { at, ..node.clone() };
                    let (count, depth) = measure(&node);
                    self.nodes += count;
                    self.check_depth(depth, at)?;
                    self.add(node, 0)
                }
                None => Err(Problem::new(
                    at,
                    "an alias inside its own anchor",
                    "a value cannot contain itself",
                )),
            },
            _ => Ok(()),
        }
    }

    fn begin(&mut self, open: Open, at: Span) -> Result<(), Problem> {
        self.check_depth(1, at)?;
        self.open.push(open);
        Ok(())
    }

    fn check_depth(&self, more: usize, at: Span) -> Result<(), Problem> {
        if self.open.len() + more > MAX_DEPTH {
            return Err(Problem::new(
                at,
                "nested too deeply",
                format!("at most {MAX_DEPTH} levels of nesting"),
            ));
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let help = format!("at most {MAX_NODES} values, aliases expanded");
            return Err(Problem::new(node.at, "too many values", help));
        }
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { entries, key, .. }) => match key.take() {
                Some(key) => match entries.iter().find(|(earlier, _)| earlier.name == key.name) {
                    Some((earlier, _)) => {
                        let message = format!("`{}` stands twice in this mapping", key.name);
                        let help =
                            format!("the first is on line {}: keep one of them", earlier.at.line);
                        self.problems.push(Problem::new(key.at, message, help));
                    }
                    None => entries.push((key, node)),
                },
                None => *key = Some(key_of(node, self.problems)),
            },
        }
        Ok(())
    }

    /// What an unquoted scalar means. Where YAML's versions disagree, or JSON has no such value, it must be quoted.
    fn scalar(&mut self, text: &str, at: Span) -> Kind {
        let is_key = matches!(self.open.last(), Some(Open::Map { key: None, .. }));
        match text {
            _ if is_key => return Kind::Text(text.to_owned()),
            "" | "~" | "null" => return Kind::Null,
            "true" => return Kind::Bool(true),
            "false" => return Kind::Bool(false),
            _ => {}
        }
        if let Ok(number) = serde_json::from_str::<Number>(text) {
            let magnitude = number
                .as_u64()
                .or_else(|| number.as_i64().map(i64::unsigned_abs));
            let fraction = text.contains(['.', 'e', 'E']);
            if magnitude.is_some_and(|n| n < 1 << 53) || (magnitude.is_none() && fraction) {
                return Kind::Number(number);
            }
            let help =
                format!("beyond ±(2^53 - 1) JSON readers round: carry it as a text, \"{text}\"");
            self.problems.push(Problem::new(
                at,
                format!("the number {text} is too large"),
                help,
            ));
            return Kind::Null;
        }
        let lower = text.to_ascii_lowercase();
        let number_like =
            text.parse::<f64>().is_ok() && text.contains(|c: char| c.is_ascii_digit());
        let help = match lower.as_str() {
            "yes" | "on" | "true" => format!("write true, or \"{text}\" for the text"),
            "no" | "off" | "false" => format!("write false, or \"{text}\" for the text"),
            ".inf" | "-.inf" | "+.inf" | ".nan" => {
                format!("JSON has no such number; quote it for the text: \"{text}\"")
            }
            _ if number_like || lower.starts_with("0x") || lower.starts_with("0o") => {
                format!("write a number as JSON does, or \"{text}\" for the text")
            }
            _ => return Kind::Text(text.to_owned()),
        };
        self.problems.push(Problem::new(
            at,
            format!("`{text}` can be read in two ways"),
            help,
        ));
        Kind::Text(text.to_owned())
    }
}

fn key_of(node: Node, problems: &mut Vec<Problem>) -> Key {
    let name = match &node.kind {
        Kind::Text(name) => name.clone(),
        _ => {
            let message = format!("{} cannot be a key", node.describe());
            problems.push(Problem::new(node.at, message, "keys are texts"));
            String::new()
        }
    };
    Key { at: node.at, name }
}

/// How many values `node` holds, itself included, and how deep they are nested.
fn measure(node: &Node) -> (usize, usize) {
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
