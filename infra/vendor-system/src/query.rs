//! The query of a request: its pairs, and the refusal of names that a route does not know.

use axum::{extract, http::Uri};

use crate::problem::Problem;

/// The pairs of a query, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn of(uri: &Uri) -> Self {
        // Every text splits into pairs. A route refuses the names that it does not know.
        extract::Query::try_from_uri(uri)
            .map(|extract::Query(pairs)| Self(pairs))
            .unwrap_or_default()
    }

    /// The first value of `name`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Refuses unknown names and repeated ones, since a misspelt filter must not list everything.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        let right = match known {
            [] => "no query parameters".to_owned(),
            _ => format!("each at most once: {}", known.join(", ")),
        };
        for (at, (name, _)) in self.0.iter().enumerate() {
            let what = if !known.contains(&name.as_str()) {
                "unknown query parameter"
            } else if self.0[..at].iter().any(|(earlier, _)| earlier == name) {
                "query parameter given twice"
            } else {
                continue;
            };
            return Err(Problem::bad_request(what)
                .at(format!("query parameter `{name}`"))
                .expected(right));
        }
        Ok(())
    }

    /// True if `name` is absent, or if its value is one of `values`.
    pub(crate) fn admits(&self, name: &str, values: &[Option<&str>]) -> bool {
        self.get(name)
            .is_none_or(|wanted| values.contains(&Some(wanted)))
    }
}
