//! Checks the names of secrets that steps send: written out, and within Secrets Manager's grammar.

use super::{
    reader::Reader,
    tree::{Kind, Node},
};
use crate::compile::parameters_in;

/// Longest name of a secret, in characters
/// (docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html).
const MAX_NAME: usize = 512;

const LITERAL: &str =
    "write it out, or use a parameter: \"${ApiSecret}\"; the function may read only what is named";
const GRAMMAR: &str = "the name of one secret: 1 to 512 ASCII letters, digits and /_+=.@-, such as \
                       vendors/api, or its ARN, or a parameter: \"${ApiSecret}\"";

impl Reader<'_> {
    /// Requires the name of a secret to be literal, and so everything around it. The function may
    /// read every secret that a definition names, so no input may choose one, and no name may mean
    /// more than one.
    pub(super) fn secret_name(
        &mut self,
        input: Option<&Node>,
        info: Option<&holdfast_action::ActionInfo>,
    ) {
        let takes = info.is_some_and(|info| !info.input_schema["properties"]["auth"].is_null());
        let Some(input) = input.filter(|_| takes) else {
            return;
        };
        let auth = input.get("auth");
        let name = auth.and_then(|auth| auth.get("secret"));
        for (node, what) in [
            (
                Some(input),
                "the whole input, and in it the name of a secret,",
            ),
            (auth, "`auth`, and in it the name of a secret,"),
            (name, "the name of a secret"),
            (
                auth.and_then(|auth| auth.get("header")),
                "the header that carries a secret",
            ),
            (
                auth.and_then(|auth| auth.get("scheme")),
                "the scheme before a secret",
            ),
        ] {
            if let Some(Node {
                at,
                kind: Kind::Text(text),
            }) = node
                && text.contains("{%")
            {
                self.problem(*at, format!("{what} is an expression"), LITERAL);
                return;
            }
        }
        if let Some(Node {
            at,
            kind: Kind::Text(name),
        }) = name
            && !is_secret(name)
        {
            self.problem(
                *at,
                format!("{name:?} is not the name of a secret"),
                GRAMMAR,
            );
        }
    }
}

/// Returns whether a text names one secret, by its name or its ARN. A parameter replaces a part
/// that the deployer chooses.
fn is_secret(text: &str) -> bool {
    let text = parameters_in(text).fold(text.to_owned(), |text, name| {
        text.replace(&format!("${{{name}}}"), "P")
    });
    let Some(rest) = text.strip_prefix("arn:") else {
        return is_name(&text);
    };
    let parts: Vec<_> = rest.splitn(6, ':').collect();
    let [partition, service, region, account, kind, name] = parts[..] else {
        return false;
    };
    let word = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !text.is_empty() && text.chars().all(plain)
    };
    (service, kind) == ("secretsmanager", "secret")
        && [partition, region, account].into_iter().all(word)
        && is_name(name)
}

/// The characters that Secrets Manager allows in a name: see [`MAX_NAME`].
fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn a_secret_has_one_name_in_the_grammar_of_secrets_manager() {
        let longest = "x".repeat(512);
        for name in [
            "ap-system-token",
            "vendors/api_key+v1=2.3@eu",
            "${ApiSecret}",
            "${Stage}/api",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:vendors/api-AbCdEf",
            "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:${Name}",
            &longest,
        ] {
            assert!(is_secret(name), "{name}");
        }
        let too_long = "x".repeat(513);
        for name in [
            "",
            "*",
            "vendors/*",
            "vendors/ap?",
            "${AWS::StackName}",
            "${Ledger.Arn}",
            "a b",
            "a,b",
            "a\"\n- Effect: Allow",
            "ä",
            "arn:aws:secretsmanager:*:123456789012:secret:a",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:*",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a:b",
            "arn:aws:s3:::bucket",
            "arn:aws:ssm:eu-central-1:123456789012:secret:a",
            "arn:",
            &too_long,
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
