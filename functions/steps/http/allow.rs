//! The allow-list of the `http` action: origins, and the inner networks that their names may
//! resolve to. Addresses are parsed and compared part by part, never as text.

use std::collections::BTreeMap;

use holdfast_action::StepError;
use reqwest::Url;

use super::address::stays_below;
use crate::client::{IpNet, parse_network};

/// The allow-list, read from the setting `HOLDFAST_HTTP_ALLOW`.
#[derive(Debug, Default)]
pub struct AllowList {
    origins: Vec<AllowedOrigin>,
    networks: Vec<IpNet>,
}

/// One origin, or one domain's subdomains, with an optional path prefix.
#[derive(Debug)]
pub(super) struct AllowedOrigin {
    /// True if the entry means every subdomain of the host, and not the host itself.
    subdomains: bool,
    origin: Url,
}

impl AllowList {
    /// Reads a list such as `https://api.example.com, https://*.example.com/v1, 10.1.0.0/16`. An
    /// empty list allows nothing.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut list = Self::default();
        for entry in text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
        {
            match parse_network(entry) {
                Some(network) => list.networks.push(network),
                None => list
                    .origins
                    .push(AllowedOrigin::parse(entry).map_err(|why| {
                        format!(
                            "HOLDFAST_HTTP_ALLOW: {entry:?} {why}; write an origin such as \
                         https://api.example.com, https://*.example.com or \
                         http://127.0.0.1:4600/v1, or a network such as 10.1.0.0/16"
                        )
                    })?),
            }
        }
        Ok(list)
    }

    /// The inner networks that a listed name may resolve to. A listed address needs none.
    pub(super) fn networks(&self) -> &[IpNet] {
        &self.networks
    }

    /// The origins that are listed in full, each once.
    pub(super) fn origins(&self) -> impl Iterator<Item = &Url> {
        let named = self.origins.iter().filter(|listed| !listed.subdomains);
        let named: BTreeMap<_, _> = named
            .map(|listed| (listed.origin.origin().ascii_serialization(), &listed.origin))
            .collect();
        named.into_values()
    }

    /// True if any listed origin needs TLS.
    pub(super) fn needs_tls(&self) -> bool {
        self.origins
            .iter()
            .any(|listed| listed.origin.scheme() == "https")
    }

    /// `text` as an allowed address, or the error that says why it is not allowed.
    pub fn check(&self, text: &str) -> Result<Url, StepError> {
        let refuse = |why: &str| Err(StepError::permanent(format!("url: {why}")));
        let Ok(mut url) = Url::parse(text) else {
            return refuse("not an absolute address such as https://api.example.com/path");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("user name and password do not belong in an address; use auth");
        }
        url.set_fragment(None);
        if !path_of(text).split(['/', '\\']).all(is_name) {
            return refuse("a segment . or .. leads elsewhere; write the path that is meant");
        }
        if self.origins.iter().any(|listed| listed.covers(&url)) {
            return Ok(url);
        }
        // The path is left out of the message, since it may carry a part of the payload.
        refuse(&format!(
            "{} or its path is not allowed; the parameter HttpAllow lists what is",
            shorten(&url.origin().ascii_serialization())
        ))
    }
}

impl AllowedOrigin {
    /// Reads one origin. The error completes a sentence about the entry.
    pub(super) fn parse(entry: &str) -> Result<Self, &'static str> {
        let subdomains = entry.contains("://*.");
        let Ok(origin) = Url::parse(&entry.replacen("://*.", "://", 1)) else {
            return Err("is not an address");
        };
        if !matches!(origin.scheme(), "http" | "https") {
            return Err("is neither http nor https");
        }
        if !origin.username().is_empty() || origin.password().is_some() {
            return Err("has a user name or password");
        }
        if origin.query().is_some() || origin.fragment().is_some() {
            return Err("has a query or fragment");
        }
        let host = origin.host_str().unwrap_or_default();
        if host.contains('*') {
            return Err("has a * elsewhere than first in the host");
        }
        if subdomains && (origin.domain().is_none() || !host.contains('.')) {
            return Err("needs a domain of two parts or more after the *");
        }
        Ok(Self { subdomains, origin })
    }

    /// True if the address lies on the origin and below its path.
    pub(super) fn covers(&self, url: &Url) -> bool {
        url.scheme() == self.origin.scheme()
            && url.port_or_known_default() == self.origin.port_or_known_default()
            && self.covers_host(url)
            && self.covers_path(url)
    }

    fn covers_host(&self, url: &Url) -> bool {
        if !self.subdomains {
            return url.host() == self.origin.host();
        }
        match (url.domain(), self.origin.domain()) {
            (Some(host), Some(parent)) => host
                .strip_suffix(parent)
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty()),
            _ => false,
        }
    }

    /// Compares whole segments, so that `/v1` does not cover `/v10`. The parser has already
    /// resolved `..` and `%2e%2e`.
    fn covers_path(&self, url: &Url) -> bool {
        let prefix = self.origin.path().trim_end_matches('/');
        let Some(rest) = url.path().strip_prefix(prefix) else {
            return false;
        };
        prefix.is_empty()
            || ((rest.is_empty() || rest.starts_with('/')) && url.path().split('/').all(is_flat))
    }
}

/// The part of an address before its query and fragment.
fn path_of(text: &str) -> &str {
    text.split(['?', '#']).next().unwrap_or_default()
}

/// True if a segment is no `.` or `..`, in any spelling.
fn is_name(part: &str) -> bool {
    // The parser of addresses removes tabs and line ends.
    let part = part.replace(['\t', '\r', '\n'], "").to_ascii_lowercase();
    stays_below(part.replace("%2e", ".").trim())
}

/// True if a segment is a name also for a target that decodes `%2f` early.
fn is_flat(part: &str) -> bool {
    let part = part.to_ascii_lowercase();
    !part.contains("%2f") && !part.contains("%5c") && is_name(&part)
}

/// The first 200 characters of an address.
pub(super) fn shorten(text: &str) -> &str {
    match text.char_indices().nth(200) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::AllowList;

    fn allows(list: &str, url: &str) -> bool {
        AllowList::parse(list).expect("a list").check(url).is_ok()
    }

    #[test]
    fn an_origin_allows_all_of_its_spellings_and_nothing_that_looks_like_it() {
        let list = "https://api.example.com, http://127.0.0.1:4600,http://[::1]:8080";
        for url in [
            "https://api.example.com",
            "HTTPS://API.Example.COM/any/path?and=query#fragment",
            "https://api.example.com:443/",
            "https://api.ex%61mple.com/",
            "https:\\\\api.example.com\\path",
            "http://127.0.0.1:4600/x",
            "http://2130706433:4600/x",
            "http://[0:0:0:0:0:0:0:1]:8080/",
        ] {
            assert!(allows(list, url), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://api.example.com./",
            "https://api.example.com.evil.test/",
            "https://evil.test/api.example.com",
            "https://evil.test\\@api.example.com/",
            "https://evil.test#@api.example.com/",
            "https://evil.test?https://api.example.com/",
            "https://api.example.com@evil.test/",
            "https://user@api.example.com/",
            "https://:pass@api.example.com/",
            "https://xapi.example.com/",
            "https://sub.api.example.com/",
            "https://example.com/",
            "https://api.example.com%2eevil.test/",
            "http://127.0.0.1/x",
            "http://127.0.0.1:46000/x",
            "http://127.0.0.2:4600/x",
            "http://localhost:4600/x",
            "http://[::ffff:127.0.0.1]:4600/x",
            "http://[::2]:8080/",
            "ftp://api.example.com/",
            "file:///etc/passwd",
            "data:text/plain,api.example.com",
            "//api.example.com/",
            "",
        ] {
            assert!(!allows(list, url), "{url}");
        }
    }

    #[test]
    fn no_spelling_of_an_inner_address_passes_for_a_listed_name() {
        let list = "https://api.example.com, http://api.example.com, http://*.example.com, \
                    169.254.0.0/16";
        for host in [
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "0xa9.254.0xa9fe",
            "169.254.43518",
            "[::ffff:169.254.169.254]",
            "[::ffff:a9fe:a9fe]",
            "[fd00:ec2::254]",
            "[::1]",
            "127.1",
            "0",
            "localhost",
            "api.example.com@169.254.169.254",
            "api.example.com:80@169.254.169.254",
            "169.254.169.254#.example.com",
            "169.254.169.254?.example.com",
            "169.254.169.254\\.example.com",
            "169.254.169.254%23.example.com",
            "169.254.169.254%00.example.com",
            "１６９.２５４.１６９.２５４",
            "ⓛocalhost",
            "[::1%25eth0]",
        ] {
            assert!(
                !allows(list, &format!("http://{host}/latest/meta-data/")),
                "{host}"
            );
        }
    }

    #[test]
    fn a_star_allows_subdomains_of_any_depth_but_not_the_domain_itself() {
        let list = "https://*.example.com";
        assert!(allows(list, "https://api.example.com/"));
        assert!(allows(list, "https://a.b.example.com/"));
        for url in [
            "https://example.com/",
            "https://.example.com/",
            "https://notexample.com/",
            "https://api.example.com.evil.test/",
            "https://api.example.com:444/",
            "http://api.example.com/",
        ] {
            assert!(!allows(list, url), "{url}");
        }
    }

    #[test]
    fn a_path_prefix_allows_whole_segments_below_it_and_no_way_out() {
        for list in ["https://a.example/v1", "https://a.example/v1/"] {
            for url in [
                "https://a.example/v1",
                "https://a.example/v1/",
                "https://a.example/v1?x=/../",
                "https://a.example/v1/holds/7.5/a..b",
            ] {
                assert!(allows(list, url), "{url}");
            }
            for url in [
                "https://a.example/",
                "https://a.example/v10",
                "https://a.example/V1/x",
                "https://a.example/v1/../admin",
                "https://a.example/v2/../v1/holds",
                "https://a.example/v1/%2e%2E/admin",
                "https://a.example/v1/..%2fadmin",
                "https://a.example/v1%2f..%2fadmin",
                "https://a.example/v1/..\\admin",
                "https://a.example/v1/..%5Cadmin",
                "https://a.example/v1/..;/admin",
                "https://a.example/v1/%2e.;x=1/admin",
                "https://a.example//v1/x",
            ] {
                assert!(!allows(list, url), "{url}");
            }
        }
    }

    #[test]
    fn a_dot_segment_is_refused_even_where_every_path_is_allowed() {
        for tail in [
            "..", ".", "a/../b", "%2e%2E/a", ".%2e", "a\\..\\b", "..;x/a", ".\t./a", ".. ",
        ] {
            let url = format!("https://a.example/v1/{tail}");
            assert!(!allows("https://a.example", &url), "{url}");
        }
        for tail in ["a..b", "...", "x?y=/../z", "x#/../", "%2e%2ea"] {
            let url = format!("https://a.example/v1/{tail}");
            assert!(allows("https://a.example", &url), "{url}");
        }
    }

    #[test]
    fn a_malformed_entry_is_refused_by_name() {
        for (entry, why) in [
            ("api.example.com", "is not an address"),
            ("localhost:4600", "is neither http nor https"),
            ("ftp://a.example", "is neither http nor https"),
            ("https://me:pass@a.example", "has a user name or password"),
            ("https://a.example?x=1", "has a query or fragment"),
            ("https://api.*.example", "has a * elsewhere"),
            ("https://*", "has a * elsewhere"),
            ("https://*.com", "needs a domain of two parts"),
            ("https://*.0.0.1", "needs a domain of two parts"),
            ("10.1.0.1/16", "is not an address"),
        ] {
            let error = AllowList::parse(&format!("https://ok.example, {entry}"))
                .expect_err("a wrong entry");
            let start = format!("HOLDFAST_HTTP_ALLOW: {entry:?} {why}");
            assert!(error.starts_with(&start), "{error}");
        }
    }

    #[test]
    fn certificates_are_needed_only_where_https_is_allowed() {
        let needs_tls = |list| AllowList::parse(list).expect("a list").needs_tls();
        assert!(!needs_tls(""));
        assert!(!needs_tls("http://127.0.0.1:4600"));
        assert!(needs_tls("http://127.0.0.1:4600, https://*.example.com"));
    }
}
