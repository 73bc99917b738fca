//! Judges what a definition writes out of a request as the action does, before an execution fails.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{address::Part, headers::from_input};

/// A part of a request that the action refuses in every execution.
#[derive(Debug, PartialEq)]
pub struct RefusedLiteral {
    /// The text in the definition.
    pub text: String,
    /// The reason.
    pub why: String,
}

/// Returns the literal headers and segments of `path` of a definition's input that are refused.
pub fn refused_literals(input: &Value) -> Vec<RefusedLiteral> {
    let mut refused = Vec::new();
    for (name, value) in input["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().filter(|text| is_literal(text));
        let one = BTreeMap::from([(name.clone(), value.unwrap_or_default().to_owned())]);
        if let Err(error) = from_input(&one) {
            refused.push(RefusedLiteral {
                text: name.clone(),
                why: error.message,
            });
        }
    }
    for (n, value) in input["path"].as_array().into_iter().flatten().enumerate() {
        let literal = value.as_str().is_none_or(is_literal);
        let part = literal.then(|| serde_json::from_value::<Part>(value.clone()).ok());
        if let Some(Err(why)) = part.flatten().map(|part| part.segment()) {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let why = format!("path[{n}] {why}");
            refused.push(RefusedLiteral { text, why });
        }
    }
    refused
}

/// True for a text without an expression and without a parameter of the template.
fn is_literal(text: &str) -> bool {
    !text.starts_with("{%") && !text.contains("${")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_the_action_refuses_of_a_literal_is_named_and_an_expression_is_not_judged() {
        let input = json!({
            "headers": {
                "Authorization": "{% $input.v %}", "Host": "h", "X-A": "a\r\nb", "X-B": "${Name}",
                "X-C": "{% 'é' %}", "X-D": "d",
            },
            "path": ["..", "a/../b", "", "{% '..' %}", "${Name}", 7, "a", "a/b"],
        });
        let refused = refused_literals(&input);
        let texts: Vec<_> = refused.iter().map(|one| one.text.as_str()).collect();
        assert_eq!(texts, ["Authorization", "Host", "X-A", "..", "a/../b", ""]);
        assert!(refused[0].why.contains("use auth"), "{refused:?}");
        assert!(refused[3].why.starts_with("path[0] "), "{refused:?}");
    }
}
