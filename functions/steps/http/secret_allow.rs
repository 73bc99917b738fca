//! The rule of `SecretAllow`: the origins that may receive each secret.

use holdfast_action::StepError;
use reqwest::Url;

use super::allow::{AllowedOrigin, shorten};

/// The origins of each secret, read from the setting `HOLDFAST_SECRET_ALLOW`.
#[derive(Debug, Default)]
pub struct SecretAllowList {
    entries: Vec<(String, AllowedOrigin)>,
}

impl SecretAllowList {
    /// Reads a list such as `vendors/api=https://api.example.com, mail=https://*.example.com`. An
    /// empty list allows no secret. A name with several entries has several origins.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim);
        let entries = entries.filter(|entry| !entry.is_empty()).map(|entry| {
            parse_entry(entry).map_err(|why| {
                format!(
                    "HOLDFAST_SECRET_ALLOW: {entry:?} {why}; write the name of a secret and an \
                     origin, such as vendors/api=https://api.example.com"
                )
            })
        });
        let entries = entries.collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// Refuses a secret that is not listed for the address. The name is compared as the definition
    /// writes it: a name and the ARN of the same secret differ.
    pub fn check(&self, secret: &str, url: &Url) -> Result<(), StepError> {
        let of_secret =
            |(name, origin): &(String, AllowedOrigin)| name == secret && origin.covers(url);
        if self.entries.iter().any(of_secret) {
            return Ok(());
        }
        // The path is left out of the message, since it may carry a part of the payload.
        let origin = url.origin().ascii_serialization();
        let origin = shorten(&origin);
        Err(StepError::permanent(format!(
            "auth: the secret {secret:?} is not allowed for {origin} or its path; to allow it, add \
             {secret}={origin} to the parameter SecretAllow"
        )))
    }

    /// Refuses a secret that is listed for no address.
    pub(super) fn check_name(&self, secret: &str) -> Result<(), StepError> {
        if self.entries.iter().any(|(name, _)| name == secret) {
            return Ok(());
        }
        Err(StepError::permanent(format!(
            "the parameter SecretAllow lists no origin for it: add {secret}=ORIGIN"
        )))
    }
}

/// Reads `NAME=ORIGIN`. A name may contain `=` itself, but no `://`.
fn parse_entry(entry: &str) -> Result<(String, AllowedOrigin), &'static str> {
    let scheme = entry.find("://").unwrap_or_default();
    let Some((name, _)) = entry[..scheme].rsplit_once('=') else {
        return Err("is not NAME=ORIGIN");
    };
    // Of a name or an ARN, as in Secrets Manager's API reference, CreateSecret.
    let fits = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-:".contains(c);
    if name.is_empty() || !name.chars().all(fits) {
        return Err("has no name or ARN of one secret before the =");
    }
    Ok((
        name.to_owned(),
        AllowedOrigin::parse(&entry[name.len() + 1..])?,
    ))
}

#[cfg(test)]
mod tests {
    use reqwest::Url;

    use super::SecretAllowList;

    fn allows(list: &str, secret: &str, url: &str) -> bool {
        let list = SecretAllowList::parse(list).expect("a list");
        let url = Url::parse(url).expect("an address");
        list.check(secret, &url).is_ok()
    }

    #[test]
    fn an_empty_list_allows_no_secret() {
        for list in ["", " , "] {
            assert!(!allows(list, "a", "https://a.example/"), "{list:?}");
        }
    }

    #[test]
    fn a_secret_is_allowed_for_its_own_origins_alone() {
        let list = "a=https://a.example, a=https://*.a.example:8443, b=https://b.example/v1,\
                    k==https://k.example,\
                    arn:aws:secretsmanager:eu-west-1:210987654321:secret:c-AbCdEf=http://10.0.0.7:80";
        for (secret, url) in [
            ("a", "https://a.example/any?x=1"),
            ("a", "https://A.EXAMPLE:443/"),
            ("a", "https://x.a.example:8443/"),
            ("b", "https://b.example/v1/x"),
            ("k=", "https://k.example/"),
            (
                "arn:aws:secretsmanager:eu-west-1:210987654321:secret:c-AbCdEf",
                "http://10.0.0.7/",
            ),
        ] {
            assert!(allows(list, secret, url), "{secret} {url}");
        }
        for (secret, url) in [
            ("a", "https://b.example/v1/x"),
            ("a", "http://a.example/"),
            ("a", "https://a.example:8443/"),
            ("a", "https://x.a.example/"),
            ("a", "https://a.example.evil.test/"),
            ("b", "https://a.example/"),
            ("b", "https://b.example/v10"),
            ("A", "https://a.example/"),
            ("a=", "https://a.example/"),
            ("k", "https://k.example/"),
            ("", "https://a.example/"),
            ("c", "http://10.0.0.7/"),
            ("c-AbCdEf", "http://10.0.0.7/"),
        ] {
            assert!(!allows(list, secret, url), "{secret} {url}");
        }
    }

    #[test]
    fn the_refusal_says_what_to_add_without_the_path() {
        let url = Url::parse("https://a.example/of/payload?x=1").expect("an address");
        let refused = SecretAllowList::default().check("vendors/api", &url);
        assert_eq!(
            refused.expect_err("nothing is listed").message,
            "auth: the secret \"vendors/api\" is not allowed for https://a.example or its path; to \
             allow it, add vendors/api=https://a.example to the parameter SecretAllow"
        );
    }

    #[test]
    fn a_malformed_entry_is_refused_by_name() {
        for (entry, why) in [
            ("a", "is not NAME=ORIGIN"),
            ("https://a.example", "is not NAME=ORIGIN"),
            (
                "https://a.example?a=https://b.example",
                "is not NAME=ORIGIN",
            ),
            ("a=b.example", "is not NAME=ORIGIN"),
            ("=https://a.example", "has no name or ARN"),
            ("*=https://a.example", "has no name or ARN"),
            ("a b=https://a.example", "has no name or ARN"),
            ("a=ftp://a.example", "is neither http nor https"),
            ("a=https://*", "has a * elsewhere"),
            ("a=https://me:pass@a.example", "has a user name or password"),
        ] {
            let error = SecretAllowList::parse(&format!("ok=https://ok.example, {entry}"))
                .expect_err("a wrong entry");
            let start = format!("HOLDFAST_SECRET_ALLOW: {entry:?} {why}");
            assert!(error.starts_with(&start), "{error}");
        }
    }
}
