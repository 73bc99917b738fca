//! A mistake in a definition: where it is, what is wrong, what would be right.

use std::fmt;

/// A place in a source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Span {
    /// Bytes before it.
    pub offset: usize,
    /// Its length in bytes; never beyond the end of its line.
    pub length: usize,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
}

impl Span {
    /// The first place inside this one (or after it, in the following lines of the same block) where `needle` stands;
    /// the span itself where it is not found, as in text that YAML escapes change.
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

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub at: Span,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: String,
}

impl Problem {
    /// A mistake at a place.
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
