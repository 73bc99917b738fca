//! The credentials in the headers of a request, so that no kept answer repeats one.

use std::fmt;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, PROXY_AUTHORIZATION};

/// The texts of credentials: each value, and its last word without the scheme.
#[derive(Clone, Default)]
pub(super) struct Credentials(Vec<String>);

impl Credentials {
    /// The credentials among these headers. A value from a secret is marked as sensitive.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let carries = |(name, value): &(_, &HeaderValue)| {
            let named = [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name);
            named || value.is_sensitive()
        };
        let headers = headers.iter().map(|(name, value)| (name.clone(), value));
        let values = headers
            .filter(carries)
            .filter_map(|(_, value)| value.to_str().ok());
        let texts = values.flat_map(|value| [Some(value), value.split(' ').next_back()]);
        let texts = texts.flatten().filter(|text| !text.is_empty());
        Self(texts.map(str::to_owned).collect())
    }

    /// True if a text has one of them, also as a JSON string writes it.
    pub(super) fn are_in(&self, text: &str) -> bool {
        let plain = text.replace('\\', "");
        self.0.iter().any(|credential| {
            text.contains(credential) || plain.contains(&credential.replace('\\', ""))
        })
    }
}

/// Without the texts.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_found_with_or_without_its_scheme_and_escaped() {
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::from_str(text).expect("a value");
        headers.insert("authorization", value("Bearer s3/c\"ret"));
        let mut key = value("k-17");
        key.set_sensitive(true);
        headers.insert("x-key", key);
        headers.insert("x-plain", value("plain"));
        let found = Credentials::of(&headers);
        for text in [
            "got Bearer s3/c\"ret",
            r#"{"token":"s3\/c\"ret"}"#,
            "key k-17 is unknown",
        ] {
            assert!(found.are_in(text), "{text}");
        }
        assert!(!found.are_in("plain Bearer"));
        assert_eq!(format!("{found:?}"), "Credentials(4)");
    }
}
