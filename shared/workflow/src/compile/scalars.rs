//! Serializes the texts that authors wrote as YAML scalars, and reads the generated region back to
//! compare it with what was meant.

use std::{cell::RefCell, fmt::Write as _};

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::Value;

use super::names::parameters_in;

/// Start of the scalars that take an author's place in the region with placeholders.
const PLACEHOLDER: &str = "HoldfastValue";

/// Writes each value of a definition into the region: serialized, or as a placeholder.
pub(super) enum Scalars {
    /// For template.yaml.
    Serialized,
    /// For the comparison: the nth value is `HoldfastValue` and n, so that it cannot change the
    /// structure around it.
    Placeholders(RefCell<Vec<Scalar>>),
}

/// A scalar of YAML.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalar {
    text: String,
    /// CloudFormation's function, such as `!Sub`.
    tag: Option<String>,
    /// True if the text is not quoted, so that YAML may read a number or a boolean.
    plain: bool,
}

impl Scalars {
    pub(super) fn placeholders() -> Self {
        Self::Placeholders(RefCell::default())
    }

    /// An author's text. CloudFormation fills in its parameters at deployment.
    pub(super) fn text(&self, text: &str) -> String {
        match parameters_in(text).next() {
            None => self.write(text.to_owned(), None),
            Some(_) => self.write(parameters_only(text), Some("!Sub")),
        }
    }

    /// The ARN of a secret of the deployment's account. Secrets Manager appends six characters to a
    /// secret's name, so that the ARN ends in as many question marks.
    pub(super) fn secret_arn(&self, name: &str) -> String {
        let name = parameters_only(name);
        let arn = "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:";
        self.write(format!("{arn}{name}-??????"), Some("!Sub"))
    }

    /// An author's value, on one line.
    pub(super) fn value(&self, value: &Value) -> String {
        match value {
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.value(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(members) => {
                let members: Vec<_> = members
                    .iter()
                    .map(|(name, value)| {
                        let name = self.write(name.clone(), None);
                        format!("{name}: {}", self.value(value))
                    })
                    .collect();
                format!("{{ {} }}", members.join(", "))
            }
            Value::String(text) => self.text(text),
            literal => literal.to_string(),
        }
    }

    fn write(&self, text: String, tag: Option<&str>) -> String {
        match self {
            Self::Serialized => match tag {
                Some(tag) => format!("{tag} {}", quoted(&text)),
                None => quoted(&text),
            },
            Self::Placeholders(values) => {
                let mut values = values.borrow_mut();
                let placeholder = format!("\"{PLACEHOLDER}{}\"", values.len());
                values.push(Scalar {
                    text,
                    tag: tag.map(str::to_owned),
                    plain: false,
                });
                placeholder
            }
        }
    }

    /// Compares the region that was written with the one that has placeholders, in which each
    /// placeholder means its value. The error is a message for people.
    pub(super) fn compare(&self, written: &str, placeholders: &str) -> Result<(), String> {
        let Self::Placeholders(values) = self else {
            return Err("only placeholders have a meaning to compare with".to_owned());
        };
        let values = values.borrow();
        if values.iter().any(|value| is_reference(&value.text)) {
            return Err(
                "a text of a workflow has {{resolve:…}}, which CloudFormation would replace by a \
                        parameter or a secret of the account: take it out"
                    .to_owned(),
            );
        }
        let (found, mut meant) = (tree(written)?, tree(placeholders)?);
        for node in &mut meant {
            if let Node::Scalar(scalar) = node
                && let Some(n) = scalar.text.strip_prefix(PLACEHOLDER)
                && let Some(value) = n.parse().ok().and_then(|n: usize| values.get(n))
            {
                *scalar = value.clone();
            }
        }
        match found == meant {
            true => Ok(()),
            false => Err("a text of a workflow would change what the template means".to_owned()),
        }
    }
}

/// True if CloudFormation reads a text as a [dynamic reference], also after it has filled in
/// parameters, which can be empty.
///
/// [dynamic reference]: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
fn is_reference(text: &str) -> bool {
    let filled = parameters_in(text).fold(text.to_owned(), |text, name| {
        text.replace(&format!("${{{name}}}"), "")
    });
    filled.contains("{{resolve:")
}

/// A part of YAML, in the order of the document.
#[derive(Debug, PartialEq)]
enum Node {
    Scalar(Scalar),
    Alias(usize),
    /// The start of a list or a mapping, with its tag.
    Start(char, Option<String>),
    End,
}

fn tree(yaml: &str) -> Result<Vec<Node>, String> {
    let tag = |tag: Option<std::borrow::Cow<'_, saphyr_parser::Tag>>| {
        tag.map(|tag| format!("{}{}", tag.handle, tag.suffix))
    };
    let mut nodes = Vec::new();
    for event in Parser::new_from_str(yaml) {
        let (event, _) = event.map_err(|error| format!("what was written is no YAML: {error}"))?;
        nodes.push(match event {
            Event::Scalar(text, style, _, found) => Node::Scalar(Scalar {
                text: text.into_owned(),
                tag: tag(found),
                plain: style == ScalarStyle::Plain,
            }),
            Event::Alias(id) => Node::Alias(id),
            Event::SequenceStart(_, found) => Node::Start('[', tag(found)),
            Event::MappingStart(_, found) => Node::Start('{', tag(found)),
            Event::SequenceEnd | Event::MappingEnd => Node::End,
            _ => continue,
        });
    }
    Ok(nodes)
}

/// A text in double quotes, in ASCII. Readers of YAML 1.1, such as the one of SAM, take U+0085 and
/// U+2028 as ends of a line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ => {
                let written = write!(quoted, "\\U{:08X}", u32::from(c));
                debug_assert!(written.is_ok(), "a String takes every text");
            }
        }
    }
    quoted + "\""
}

/// A text for `!Sub` that refers to its parameters alone: every other `${` becomes `${!`, which
/// CloudFormation writes as `${`
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-sub.html>).
fn parameters_only(text: &str) -> String {
    let mut parts = text.split("${");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let reference = format!("${{{part}");
        match parameters_in(&reference).next() {
            Some(_) => text + &reference,
            None => text + "${!" + part,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compared(write: impl Fn(&Scalars) -> String) -> Result<(), String> {
        let region = |scalars: &Scalars| format!("  A:\n    B: {}\n", write(scalars));
        let placeholders = Scalars::placeholders();
        let meant = region(&placeholders);
        placeholders.compare(&region(&Scalars::Serialized), &meant)
    }

    #[test]
    fn a_text_stays_one_scalar_whatever_it_contains() {
        for text in [
            "x\"\n            - Effect: Allow\n              Action: \"*\"",
            "x\" # \\",
            "a\u{85}b\u{2028}c\u{7f}\u{0}\u{1f600}",
            "!Ref Ledger",
            "*log-delivery",
            "@SECRETS@",
            "HoldfastValue0",
            "${Parameter}\"\n- x",
        ] {
            assert_eq!(compared(|scalars| scalars.text(text)), Ok(()), "{text:?}");
            let arn = |scalars: &Scalars| scalars.secret_arn(text);
            assert_eq!(compared(arn), Ok(()), "{text:?}");
            let pattern = json!({ text: [text, 7, null, { text: true }] });
            let value = |scalars: &Scalars| scalars.value(&pattern);
            assert_eq!(compared(value), Ok(()), "{text:?}");
            assert!(quoted(text).is_ascii(), "{text:?}");
        }
    }

    #[test]
    fn a_raw_text_that_adds_a_statement_is_found() {
        let raw = "vendor\"\n    C: \"x";
        let write = |scalars: &Scalars| match scalars {
            Scalars::Serialized => format!("\"{raw}\""),
            Scalars::Placeholders(_) => scalars.text(raw),
        };
        let error = compared(write).expect_err("a new member");
        assert!(
            error.contains("would change what the template means"),
            "{error}"
        );
    }

    #[test]
    fn only_parameters_are_filled_in() {
        let text = Scalars::Serialized.text("${A} ${AWS::AccountId} ${Ledger.Arn} ${!x} ${");
        assert_eq!(
            text,
            "!Sub \"${A} ${!AWS::AccountId} ${!Ledger.Arn} ${!!x} ${!\""
        );
        assert_eq!(
            Scalars::Serialized.text("${AWS::AccountId}"),
            "\"${AWS::AccountId}\""
        );
    }
}
