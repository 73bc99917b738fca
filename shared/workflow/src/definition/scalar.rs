//! Interprets an unquoted YAML scalar: as a JSON value, or as an ambiguity to be quoted.

use serde_json::Number;

use holdfast_ids::digest::is_rounded;

use super::{
    problem::{Problem, Span},
    tree::Kind,
};

/// Returns the value of unquoted `text`. Text that YAML versions read differently, or that JSON
/// cannot hold, is a problem.
pub(super) fn scalar(text: &str, at: Span, problems: &mut Vec<Problem>) -> Kind {
    match text {
        "" | "~" | "null" => return Kind::Null,
        "true" => return Kind::Bool(true),
        "false" => return Kind::Bool(false),
        _ => {}
    }
    if let Ok(number) = serde_json::from_str::<Number>(text) {
        // Digits that fit no integer were parsed as a float, and rounded.
        let rounded = number.is_f64() && !text.contains(['.', 'e', 'E']);
        if !rounded && !is_rounded(&number) {
            return Kind::Number(number);
        }
        let help = format!("beyond ±(2^53 - 1) JSON readers round: carry it as a text, \"{text}\"");
        problems.push(Problem::new(
            at,
            format!("the number {text} is too large"),
            help,
        ));
        return Kind::Null;
    }
    let lower = text.to_ascii_lowercase();
    let number_like = text.parse::<f64>().is_ok() && text.contains(|c: char| c.is_ascii_digit());
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
    problems.push(Problem::new(
        at,
        format!("`{text}` can be read in two ways"),
        help,
    ));
    Kind::Text(text.to_owned())
}
