//! Notices: the one line for people in an event, and the link to its page.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::about::About;
use holdfast_ids::names::is_hidden;

/// Longest notice, in characters. A section of Slack has at most 3,000
/// (<https://docs.slack.dev/reference/block-kit/blocks/section-block>).
const NOTICE_MAX: usize = 1_000;

/// The members by which a person can act on an event. Events of earlier versions have none of
/// them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Notice {
    /// One line for people. It has no quotation mark, backslash, angle bracket or ampersand, so
    /// that any template can hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// The address of the page or of the door that decides. It contains no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Notice {
    /// A notice of this text. The link is added where the event is published.
    pub(crate) fn new(text: &str) -> Self {
        Self {
            notice: Some(plain(text)),
            link: None,
        }
    }
}

/// The base of links to incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    base: String,
}

impl Links {
    /// Links below `base`, such as `https://console.example.com` or the API's `/v1`.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
        }
    }

    /// The address of an incident. Tenants and ids need no escapes.
    pub(crate) fn incident(&self, tenant: &str, id: &str) -> String {
        format!("{}/incidents/{id}?tenant={tenant}", self.base)
    }
}

/// `WORKFLOW of TENANT (SUBJECT)`.
pub(crate) fn whose(about: &About) -> String {
    let (workflow, tenant) = (&about.workflow, &about.tenant);
    let subject = about
        .subject
        .as_ref()
        .map(|subject| format!(" ({subject})"));
    format!("{workflow} of {tenant}{}", subject.unwrap_or_default())
}

/// A time to the minute, as people read it.
pub(crate) fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// Makes one plain line of a text that an input can decide.
///
/// EventBridge inserts a value into a template without escapes
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html>).
/// Therefore the line has no character that ends a JSON string, or opens a tag or a mention, and no
/// `://`.
fn plain(text: &str) -> String {
    let shown = text.chars().map(|c| match c {
        '"' => '\u{201d}',
        '`' => '\u{2019}',
        '\\' => '\u{ff3c}',
        '<' => '\u{2039}',
        '>' => '\u{203a}',
        '&' => '\u{ff06}',
        '[' | '{' => '(',
        ']' | '}' => ')',
        c if c.is_whitespace() || is_hidden(c) => ' ',
        c => c,
    });
    let shown: String = shown.collect();
    let words: Vec<_> = shown.split_whitespace().collect();
    let line = words.join(" ").replace("://", ": //");
    if line.chars().count() <= NOTICE_MAX {
        return line;
    }
    let cut: String = line.chars().take(NOTICE_MAX - 1).collect();
    cut + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_is_one_line_that_no_template_takes_for_syntax() {
        for (text, shown) in [
            ("Hold 60000 to v-17?", "Hold 60000 to v-17?"),
            (r#"a", "x": "b"#, "a”, ”x”: ”b"),
            ("a\nb\r\n\tc\u{202e}\u{2028}d", "a b c d"),
            (r"a\u0022\n", "a＼u0022＼n"),
            (
                "<!channel> <https://evil.example|pay>",
                "‹!channel› ‹https: //evil.example|pay›",
            ),
            (
                "[pay](https://evil.example) `x` {{y}}",
                "(pay)(https: //evil.example) ’x’ ((y))",
            ),
            ("R&D &lt;", "R＆D ＆lt;"),
            ("Zoë 名前 €", "Zoë 名前 €"),
        ] {
            assert_eq!(plain(text), shown);
        }
        let long = plain(&"é".repeat(5_000));
        assert_eq!(long.chars().count(), NOTICE_MAX);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_link_names_the_incident_and_its_tenant_and_nothing_else() {
        for base in [
            "https://console.example.com",
            "https://console.example.com/",
        ] {
            assert_eq!(
                Links::new(base).incident("acme", "i1"),
                "https://console.example.com/incidents/i1?tenant=acme"
            );
        }
    }
}
