//! The address of an `http` step: a literal origin with a fixed path, and escaped parts of the path
//! and the query.

use holdfast_action::StepError;
use reqwest::Url;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AllowList, Input};

/// Largest integer that every reader of JSON keeps, 2^53 - 1.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// A segment of a path or a value of a query.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Part {
    /// Every character but ASCII letters, digits and -._~ is escaped.
    Text(String),
    /// A whole number within ±(2^53 - 1).
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
}

impl Part {
    fn text(&self) -> Result<String, &'static str> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::Integer(number) if number.unsigned_abs() > INTEGER_MAX => {
                Err("is a number beyond ±(2^53 - 1), which readers round; send it as a text")
            }
            Self::Integer(number) => Ok(number.to_string()),
            Self::Boolean(value) => Ok(value.to_string()),
        }
    }

    /// One segment of a path. A part that a target could read as `..` is refused, also if the
    /// target decodes `%2F` early or reads `..;x` as `..`.
    pub(super) fn segment(&self) -> Result<String, &'static str> {
        let text = self.text()?;
        if text.is_empty() {
            return Err("is empty; every part of a path has a character");
        }
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err("has a control character, or a space at an end, which targets drop");
        }
        match text.split(['/', '\\']).all(stays_below) {
            true => Ok(escaped(&text)),
            false => Err("is or contains a segment . or .., which leads out of the path"),
        }
    }
}

/// The allowed address of a request.
pub(super) fn address(allow: &AllowList, input: &Input) -> Result<Url, StepError> {
    let mut url = allow.check(&input.url)?;
    if input.path.is_empty() && input.query.is_empty() {
        return Ok(url);
    }
    if !input.path.is_empty() {
        let mut path = url.path().trim_end_matches('/').to_owned();
        for (n, part) in input.path.iter().enumerate() {
            path.push('/');
            path += &part.segment().map_err(|why| refused("path", n, why))?;
        }
        url.set_path(&path);
    }
    if let Some((name, _)) = url
        .query_pairs()
        .find(|(name, _)| input.query.contains_key(&**name))
    {
        let why = "is in the url already, and a target may take either";
        return Err(refused("query", name, why));
    }
    let fixed = url.query().map(str::to_owned);
    let mut pairs: Vec<_> = fixed.into_iter().filter(|one| !one.is_empty()).collect();
    for (name, value) in &input.query {
        let value = value.text().map_err(|why| refused("query", name, why))?;
        pairs.push(format!("{}={}", escaped(name), escaped(&value)));
    }
    url.set_query((!pairs.is_empty()).then(|| pairs.join("&")).as_deref());
    // The list may end at a path, which the parts must stay below.
    allow.check(url.as_str())
}

fn refused(field: &str, place: impl std::fmt::Display, why: &str) -> StepError {
    StepError::permanent(format!("{field}[{place}] {why}"))
}

/// True if a segment of a path is only a name, also for a target that reads `..;x` as `..`.
pub(super) fn stays_below(segment: &str) -> bool {
    let name = segment.split(';').next().unwrap_or_default();
    name != "." && name != ".."
}

/// Percent-encodes every byte but the unreserved characters (RFC 3986, section 2.3).
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{AllowList, Input, address};

    fn url(list: &str, mut input: Value) -> Result<String, String> {
        input["method"] = "GET".into();
        let input: Input = serde_json::from_value(input).map_err(|error| error.to_string())?;
        let list = AllowList::parse(list).expect("a list");
        let url = address(&list, &input).map_err(|error| error.message)?;
        Ok(url.into())
    }

    #[test]
    fn a_part_is_one_segment_or_one_value_whatever_it_contains() {
        let list = "https://a.example";
        for (part, sent) in [
            (json!("V-100"), "V-100"),
            (json!("a/b"), "a%2Fb"),
            (json!("a?b#c&d=e"), "a%3Fb%23c%26d%3De"),
            (json!("%2e%2e"), "%252e%252e"),
            (json!("a bü"), "a%20b%C3%BC"),
            (json!("..a"), "..a"),
            (json!(7), "7"),
            (json!(true), "true"),
        ] {
            let input = json!({ "url": "https://a.example/v1/", "path": ["holds", part] });
            assert_eq!(
                url(list, input),
                Ok(format!("https://a.example/v1/holds/{sent}"))
            );
            let input = json!({ "url": "https://a.example?to=ap", "query": { "q&x": part } });
            assert_eq!(
                url(list, input),
                Ok(format!("https://a.example/?to=ap&q%26x={sent}"))
            );
        }
    }

    #[test]
    fn a_part_that_leads_out_of_the_path_is_refused() {
        let list = "https://a.example";
        for part in [
            json!(""),
            json!("."),
            json!(".."),
            json!("../admin"),
            json!("a/../b"),
            json!("..\\admin"),
            json!("..;x/admin"),
            json!(9_007_199_254_740_992_i64),
        ] {
            let input = json!({ "url": "https://a.example/v1", "path": ["holds", part] });
            let error = url(list, input).expect_err("a way out");
            assert!(error.starts_with("path[1] is "), "{error}");
        }
        for part in [".. ", "..\t", "..\0", " a"] {
            let input = json!({ "url": "https://a.example/v1", "path": ["holds", part] });
            let error = url(list, input).expect_err("a target may trim it");
            assert!(
                error.starts_with("path[1] has a control character"),
                "{error}"
            );
        }
        for part in [json!(null), json!(["a"]), json!({})] {
            let input = json!({ "url": "https://a.example/v1", "path": [part] });
            assert!(url(list, input).is_err(), "{part}");
        }
    }

    #[test]
    fn a_query_replaces_no_part_of_the_literal_one() {
        let with =
            |name: &str| json!({ "url": "https://a.example/pay?to=ap", "query": { name: "x" } });
        let list = "https://a.example";
        assert_eq!(
            url(list, with("note")),
            Ok("https://a.example/pay?to=ap&note=x".to_owned())
        );
        let error = url(list, with("to")).expect_err("it is there already");
        assert!(error.starts_with("query[to] is in the url"), "{error}");
    }

    #[test]
    fn parts_stay_below_the_listed_path() {
        let list = "https://a.example/v1";
        let input = |part: &str| json!({ "url": "https://a.example/v1", "path": [part] });
        assert!(url(list, input("holds")).is_ok());
        assert!(
            url(list, input("a/b")).is_err(),
            "a target may decode %2F early"
        );
    }
}
