//! The credentials in the headers of a request, so that no kept answer repeats one.

use std::fmt;

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderValue, PROXY_AUTHORIZATION};

/// Fewest characters of a credential that give it away. Fewer may be a word of any answer.
const RUN: usize = 8;

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

    /// True if a text has one of them, in any case, and however its signs are escaped: the whole
    /// credential, or a long run of its letters and digits. At the end of the text, which may have
    /// been cut there, a beginning of either counts.
    pub(super) fn are_in(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        let plain = text.replace('\\', "");
        self.0.iter().any(|credential| {
            let credential = credential.to_ascii_lowercase();
            let mut runs = credential
                .split(|sign: char| !sign.is_ascii_alphanumeric())
                .filter(|run| run.len() >= RUN);
            shows(&text, &credential)
                || shows(&plain, &credential.replace('\\', ""))
                || runs.any(|run| shows(&text, run))
        })
    }
}

/// True if a text has the part, or ends with a long beginning of it.
fn shows(text: &str, part: &str) -> bool {
    let mut beginnings = (RUN..part.len()).filter_map(|length| part.get(..length));
    text.contains(part) || beginnings.any(|beginning| text.ends_with(beginning))
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

    fn bearing(value: &str) -> Credentials {
        let value = HeaderValue::from_str(value).expect("a value");
        Credentials::of(&HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }

    #[test]
    fn a_credential_is_found_however_its_signs_are_escaped_and_in_any_case() {
        let found = bearing("Bearer q7Rk+Zt5Lm2Wx9/aB==");
        for text in [
            r#"{"token":"q7Rk\u002BZt5Lm2Wx9\u002FaB=="}"#,
            "token=q7Rk%2BZt5Lm2Wx9%2FaB%3D%3D",
            "<p>q7Rk&#43;Zt5Lm2Wx9&#47;aB&#61;&#61;</p>",
            "Q7RK+ZT5LM2WX9/AB==",
            "q7rk zt5lm2wx9 ab",
        ] {
            assert!(found.are_in(text), "{text}");
        }
        for text in ["q7Rk and Zt5Lm2W", "unknown token", "Bearer"] {
            assert!(!found.are_in(text), "{text}");
        }
    }

    #[test]
    fn the_beginning_of_a_credential_at_the_end_of_a_cut_answer_is_found() {
        let found = bearing("Bearer q7Rk+Zt5Lm2Wx9/aB==");
        for text in [
            "no token q7Rk+Zt5",
            "no token q7Rk%2BZt5Lm2Wx",
            "NO TOKEN Q7RK+ZT5L",
        ] {
            assert!(found.are_in(text), "{text}");
        }
        for text in ["no token q7Rk+Zt", "no token q7Rk+Zt5 is known", "Bearer"] {
            assert!(!found.are_in(text), "{text}");
        }
    }
}
