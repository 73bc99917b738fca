//! Defines what an expression takes from outside, and the mark by which a text is an expression.

/// One name that an expression takes from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Use {
    /// `$name`, and the first field that is read from it, if any.
    Variable(String, Option<String>),
    /// `$name(…)`.
    Function(String),
    /// `name(…)`, which calls no function.
    BareFunction(String),
    /// `name` without a context to read it from.
    BareField(String),
    /// `$` or `$$` without a context.
    Context(&'static str),
    /// `??` or `?:`. JSONata 2.1.0 added them, and Step Functions evaluates JSONata 2.0.6.
    NewerOperator(&'static str),
    /// A call that may read the clock without saying so, and the fix.
    Clock(&'static str),
}

/// One read of a free variable: `$states.input.id` is the variable `states` and the path `input`,
/// `id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read {
    /// Name of the variable, without `$`.
    pub variable: String,
    /// Fields that follow the name directly.
    pub path: Vec<String>,
    /// Number of these fields below which alone it reads. A filter reads other fields too, and so
    /// do `%` and `@`.
    pub depth: usize,
}

/// Returns the text between `{%` and `%}`, if all of `text` is one expression.
pub fn expression_in(text: &str) -> Option<&str> {
    text.strip_prefix("{%")
        .and_then(|rest| rest.strip_suffix("%}"))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_an_expression_as_a_whole_or_not_at_all() {
        assert_eq!(expression_in("{% $input.a %}"), Some("$input.a"));
        assert_eq!(expression_in("a {% $input.a %}"), None);
        assert_eq!(expression_in("{%%}"), Some(""));
        assert_eq!(expression_in("{%}"), None);
    }
}
