//! Defines a mistake in a definition: its place, its message and its fix.

use std::fmt;

/// A place in a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// Number of bytes before it.
    pub offset: usize,
    /// Length in bytes. It ends within its line.
    pub length: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

impl Span {
    /// Returns the first place of `needle` inside this span, or in the following lines of the same
    /// block. Returns the span itself if YAML escapes changed the text.
    pub(super) fn narrow(self, source: &str, needle: &str) -> Self {
        let Some(found) = source
            .get(self.offset..self.offset + self.length)
            .and_then(|text| text.find(needle))
        else {
            return self;
        };
        let before = &source[self.offset..self.offset + found];
        Self {
            offset: self.offset + found,
            length: needle.len(),
            column: self.column + before.chars().count(),
            ..self
        }
    }
}

/// A mistake in a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Place of the mistake.
    pub at: Span,
    /// Description of the mistake.
    pub message: String,
    /// Fix.
    pub help: String,
}

impl Problem {
    /// Creates a mistake at a place.
    pub fn new(at: Span, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            help: help.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}: {} ({})",
            self.at.line, self.at.column, self.message, self.help
        )
    }
}
