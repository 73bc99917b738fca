//! Where the `http` action may send requests: origins, compared part by part after parsing, never as text.

use holdfast_core::action::StepError;
use reqwest::Url;

/// The list of places, from the setting.
#[derive(Debug, Default)]
pub(super) struct AllowList(Vec<Place>);

/// One origin, or one domain's subdomains, with an optional path prefix.
#[derive(Debug)]
struct Place {
    /// Whether it stands for every subdomain of the host, not for the host itself.
    subdomains: bool,
    origin: Url,
}

impl AllowList {
    /// Reads `https://api.example.com, https://*.example.com/v1, http://127.0.0.1:4600`. Nothing listed allows nothing.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        text.split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty())
            .map(Place::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether any place needs TLS.
    pub(super) fn needs_tls(&self) -> bool {
        self.0.iter().any(|place| place.origin.scheme() == "https")
    }

    /// Parses `text` as an address that may be asked, or says why it may not.
    pub(super) fn check(&self, text: &str) -> Result<Url, StepError> {
        let refuse = |why: &str| Err(StepError::permanent(format!("url: {why}")));
        let Ok(mut url) = Url::parse(text) else {
            return refuse("not an absolute address such as https://api.example.com/path");
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refuse("user name and password do not belong in an address; use auth");
        }
        url.set_fragment(None);
        if self.0.iter().any(|place| place.covers(&url)) {
            return Ok(url);
        }
        let mut shown = url.clone();
        shown.set_query(None);
        refuse(&format!(
            "{} is not allowed; the parameter HttpAllow lists what is",
            shorten(shown.as_str())
        ))
    }
}

impl Place {
    fn parse(entry: &str) -> Result<Self, String> {
        let wrong = |why: &str| {
            Err(format!(
                "HOLDFAST_HTTP_ALLOW: {entry:?} {why}; write an origin such as https://api.example.com, \
                 https://*.example.com or http://127.0.0.1:4600/v1"
            ))
        };
        let subdomains = entry.contains("://*.");
        let Ok(origin) = Url::parse(&entry.replacen("://*.", "://", 1)) else {
            return wrong("is not an address");
        };
        if !matches!(origin.scheme(), "http" | "https") {
            return wrong("is neither http nor https");
        }
        if !origin.username().is_empty() || origin.password().is_some() {
            return wrong("has a user name or password");
        }
        if origin.query().is_some() || origin.fragment().is_some() {
            return wrong("has a query or fragment");
        }
        let host = origin.host_str().unwrap_or_default();
        if host.contains('*') {
            return wrong("has a * elsewhere than first in the host");
        }
        if subdomains && (origin.domain().is_none() || !host.contains('.')) {
            return wrong("needs a domain of two parts or more after the *");
        }
        Ok(Self { subdomains, origin })
    }

    fn covers(&self, url: &Url) -> bool {
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

    /// By whole parts, so that `/v1` does not cover `/v10`; the parser has already resolved `..` and `%2e%2e`.
    fn covers_path(&self, url: &Url) -> bool {
        let prefix = self.origin.path().trim_end_matches('/');
        let Some(rest) = url.path().strip_prefix(prefix) else {
            return false;
        };
        prefix.is_empty()
            || ((rest.is_empty() || rest.starts_with('/'))
                && url.path().split('/').all(stays_below))
    }
}

/// Whether a part of a path is only a name, also for a target that decodes `%2f` early or reads `..;x` as `..`.
fn stays_below(part: &str) -> bool {
    let part = part
        .to_ascii_lowercase()
        .replace("%2e", ".")
        .replace("%2f", "/")
        .replace("%5c", "\\");
    let name = part.split(';').next().unwrap_or_default();
    !part.contains(['/', '\\']) && name != "." && name != ".."
}

/// At most 200 characters of an address.
fn shorten(text: &str) -> &str {
    match text.char_indices().nth(200) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
