//! Defines the texts of a definition: literals, and expressions between `{%` and `%}`.

use holdfast_expression::expression_in;
use serde::Serialize;

/// A text that may be an expression. It serializes as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Text {
    /// A text that means itself.
    Literal(String),
    /// A text that is evaluated.
    Expression(Expression),
}

/// An expression. It serializes as it was written, with its `{% %}`, so that digests stay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Expression(String);

impl Expression {
    /// Returns the expression that fills `text`, if one does.
    pub fn read(text: &str) -> Option<Self> {
        expression_in(text).map(|_| Self(text.to_owned()))
    }

    /// Returns the JSONata between `{%` and `%}`.
    pub fn jsonata(&self) -> &str {
        expression_in(&self.0).unwrap_or_default()
    }

    /// Returns the expression as it was written.
    pub fn written(&self) -> &str {
        &self.0
    }
}

impl Text {
    /// Returns the JSONata of an expression, or the literal.
    pub fn content(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Expression(expression) => expression.jsonata(),
        }
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        match Expression::read(&text) {
            Some(expression) => Self::Expression(expression),
            None => Self::Literal(text),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self::Literal(String::new())
    }
}
