//! The claims of a token that API Gateway verified, with the types that its issuer gave them.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::IdentityError;

/// Claims that the gateway must have read as the token has them.
const COMPARED: [&str; 2] = ["sub", "iss"];

/// The claims of the token in an `Authorization` header, after API Gateway accepted that token.
///
/// API Gateway passes each claim to the function as a text. A list arrives as `[a b c]`, so that a
/// list with the group `former platform-admin` looks like one with the group `platform-admin`:
/// <https://github.com/aws/aws-lambda-go/issues/591>, and
/// <https://github.com/aws-solutions-library-samples/guidance-for-claude-code-with-amazon-bedrock/issues/802>.
/// The token itself has the types. `verified` are the gateway's texts. They must agree on the
/// bearer and the issuer, so that no other token is read than the one that was verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// Reads the token of the header. The caller must have checked that the gateway verified one.
    pub fn read<'a>(
        header: &str,
        verified: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Self, IdentityError> {
        let claims = payload(header).ok_or_else(|| {
            IdentityError::NoSubject(
                "the header Authorization must be Bearer and one signed token (JWT)".to_owned(),
            )
        })?;
        match COMPARED
            .iter()
            .find(|name| claims.get(**name).and_then(Value::as_str) != verified(name))
        {
            None => Ok(Self(claims)),
            Some(name) => Err(IdentityError::NoSubject(format!(
                "the token's claim {name} must be a text, the one that API Gateway verified"
            ))),
        }
    }

    /// The value of a claim.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }
}

/// The payload of the token after `Bearer`, which API Gateway lets a caller leave out:
/// docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html.
fn payload(header: &str) -> Option<Map<String, Value>> {
    let token = match header.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token,
        _ => header,
    };
    let parts: Vec<_> = token.trim().split('.').collect();
    let [_, payload, _] = parts[..] else {
        return None;
    };
    if token.trim().contains(char::is_whitespace) {
        return None;
    }
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
