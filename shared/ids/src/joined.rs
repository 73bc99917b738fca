//! Idempotency keys that a gateway joined from several headers.

/// Returns whether an idempotency key is one text repeated: API Gateway joins a header that was
/// sent twice by a comma ([payload format 2.0]).
///
/// [payload format 2.0]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
pub fn is_joined(key: &[u8]) -> bool {
    let mut parts = key.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let first = parts.next();
    let mut rest = parts.peekable();
    rest.peek().is_some() && rest.all(|part| Some(part) == first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_gateway_joined_from_two_headers_is_refused() {
        for twice in ["k,k", "k, k", "k,k,k", ","] {
            assert!(is_joined(twice.as_bytes()), "{twice}");
        }
        for once in ["k", "order,7", "k,k2", "k,k,2", ""] {
            assert!(!is_joined(once.as_bytes()), "{once}");
        }
    }
}
