//! Idempotency keys that a gateway joined from several headers.

use crate::names::check_idempotency_key;

/// Returns whether a header's value is two idempotency keys: API Gateway joins a header that was
/// sent twice by a comma ([payload format 2.0]). Either one key is repeated, or the whole is no key
/// and every part is one. A key may have a comma, so that `k1,k2` is one key.
///
/// [payload format 2.0]: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
pub fn is_joined(key: &[u8]) -> bool {
    let parts = || key.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    let is_key = |key: &[u8]| {
        let text = std::str::from_utf8(key);
        text.is_ok_and(|text| check_idempotency_key(text).is_ok())
    };
    let first = parts().next();
    let repeated = parts().all(|part| Some(part) == first);
    parts().count() > 1 && (repeated || !is_key(key) && parts().all(is_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_a_gateway_joined_from_two_headers_is_refused() {
        for twice in ["k,k", "k, k", "k,k,k", ",", "k1, k2", "k1 ,k2, k3"] {
            assert!(is_joined(twice.as_bytes()), "{twice}");
        }
        for once in ["k", "order,7", "k,k2", "k,k,2", "", "a b", "k, a b", "k, "] {
            assert!(!is_joined(once.as_bytes()), "{once}");
        }
        let both = format!("{},{}", "k".repeat(200), "q".repeat(200));
        assert!(is_joined(both.as_bytes()), "longer than a key");
    }
}
