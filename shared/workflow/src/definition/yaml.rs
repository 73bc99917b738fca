//! Parses YAML into a tree whose every node knows its place: one document, JSON's types, strict
//! booleans, bounded size.

use super::{
    problem::{Problem, Span},
    scalar::{key, scalar},
    tree::{Kind, MapKey, Node, measure},
};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

/// Largest file, in bytes. A larger one is refused unread.
pub const MAX_BYTES: usize = 256 * 1024;
/// Deepest nesting.
pub const MAX_DEPTH: usize = 64;
/// Most values, aliases expanded, so that a small file cannot grow without bound.
const MAX_NODES: usize = 50_000;
/// Longest underline, in bytes. Of a longer place, the beginning is underlined.
const MAX_SHOWN: usize = 160;

/// Parses one document. The error is a syntax error. Duplicate keys, tags and values that JSON
/// lacks are added to `problems`, because the rest can still be read.
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
    builder.dialect();
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

/// A list or a map whose end the parser has not reached.
enum OpenNode {
    List {
        at: Span,
        anchor: usize,
        items: Vec<Node>,
    },
    Map {
        at: Span,
        anchor: usize,
        entries: Vec<(MapKey, Node)>,
        key: Option<MapKey>,
    },
}

struct Builder<'a> {
    source: &'a str,
    /// Byte offset of every character.
    offsets: Vec<usize>,
    open: Vec<OpenNode>,
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
        let written = source_end(line, end.saturating_sub(offset));
        let length = line[..line.floor_char_boundary(written.min(MAX_SHOWN))]
            .trim_end()
            .len();
        Span {
            offset,
            length,
            line: span.start.line(),
            column: span.start.col() + 1,
        }
    }

    /// Returns `at`, or the last visible character if `at` is the end of the file.
    fn visible(&self, at: Span) -> Span {
        let text = self.source.trim_end();
        if at.offset < text.len() || text.is_empty() {
            return at;
        }
        let offset = text
            .char_indices()
            .next_back()
            .map_or(0, |(offset, _)| offset);
        let before = &text[..offset];
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Span {
            offset,
            length: text.len() - offset,
            line,
            column,
        }
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let mark = error.marker();
        let at = self.visible(self.span(&saphyr_parser::Span::empty(*mark)));
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
                self.tag(tag.as_deref(), at);
                let is_key = matches!(self.open.last(), Some(OpenNode::Map { key: None, .. }));
                let kind = match (style == ScalarStyle::Plain, is_key) {
                    (true, true) => key(&text, at, self.problems),
                    (true, false) => scalar(&text, at, self.problems),
                    (false, _) => Kind::Text(text.into_owned()),
                };
                self.add(Node { at, kind }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.tag(tag.as_deref(), at);
                let items = Vec::new();
                self.begin(OpenNode::List { at, anchor, items }, at)
            }
            Event::MappingStart(anchor, tag) => {
                self.tag(tag.as_deref(), at);
                let open = OpenNode::Map {
                    at,
                    anchor,
                    entries: Vec::new(),
                    key: None,
                };
                self.begin(open, at)
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(OpenNode::List { at, anchor, items }) => self.add(
                    Node {
                        at,
                        kind: Kind::List(items),
                    },
                    anchor,
                ),
                Some(OpenNode::Map {
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

    /// Reports a tag: readers without its type drop it, or refuse the file.
    fn tag(&mut self, tag: Option<&Tag>, at: Span) {
        let Some(tag) = tag else { return };
        let handle = match tag.handle.starts_with("tag:yaml.org") {
            true => "!!",
            false => tag.handle.as_str(),
        };
        let message = format!("the tag `{handle}{}`", tag.suffix);
        let help = "leave tags out; a quoted value is a text";
        self.problems.push(Problem::new(at, message, help));
    }

    /// Reports what a reader of another version of YAML takes otherwise in the whole file.
    fn dialect(&mut self) {
        let lines = self.source.lines().enumerate();
        let mut offset = 0;
        let mut before = true;
        for (n, line) in lines {
            let span = |from: usize, length: usize, column: usize| Span {
                offset: from,
                length,
                line: n + 1,
                column,
            };
            before = before && (line.is_empty() || line.starts_with(['%', '#', ' ', '\u{feff}']));
            if before && line.starts_with('%') {
                let length = line.floor_char_boundary(MAX_SHOWN);
                let help = "leave it out: a workflow is YAML 1.2 without directives";
                let problem = Problem::new(span(offset, length, 1), "a directive of YAML", help);
                self.problems.push(problem);
            }
            if let Some((at, c)) = line
                .char_indices()
                .find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}'))
            {
                let column = line[..at].chars().count() + 1;
                let message = format!(
                    "the character U+{:04X}, which ends a line in YAML 1.1",
                    u32::from(c)
                );
                let help = format!("write it as \"\\u{:04X}\" in double quotes", u32::from(c));
                let place = span(offset + at, c.len_utf8(), column);
                self.problems.push(Problem::new(place, message, help));
            }
            // The source is divided by its line feeds, of which a carriage return is a part.
            let rest = &self.source[offset..];
            offset += rest.find('\n').map_or(rest.len(), |end| end + 1);
        }
    }

    fn begin(&mut self, open: OpenNode, at: Span) -> Result<(), Problem> {
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
            Some(OpenNode::List { items, .. }) => items.push(node),
            Some(OpenNode::Map { entries, key, .. }) => match key.take() {
                Some(key) => match entries.iter().find(|(earlier, _)| earlier.name == key.name) {
                    Some((earlier, _)) => {
                        let message = format!("`{}` appears twice in this mapping", key.name);
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
}

/// Returns how many bytes of `line` a value of `length` bytes covers. The end of a block is
/// unknown, so it covers the whole line.
fn source_end(line: &str, length: usize) -> usize {
    if length == 0 || length > line.len() {
        line.len()
    } else {
        length
    }
}

fn key_of(node: Node, problems: &mut Vec<Problem>) -> MapKey {
    let name = match &node.kind {
        Kind::Text(name) => name.clone(),
        _ => {
            let message = format!("{} cannot be a key", node.describe());
            problems.push(Problem::new(node.at, message, "keys are texts"));
            String::new()
        }
    };
    MapKey { at: node.at, name }
}
