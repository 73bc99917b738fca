//! Answers of the API: problems as errors, pages as one list, and members that this command reads.

use holdfast_ids::names::{quoted, sanitize};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Client;
use crate::report::Trouble;

/// The most characters of a problem's detail that are shown.
const SHOWN: usize = 1000;
/// The longest page that the API returns.
const PAGE: usize = 100;
/// The most pages that are followed. Pages of a filtered list can be empty although more follow.
const MOST_PAGES: usize = 1000;

/// The body of a successful answer, or the error that another status means.
pub(crate) fn expect_done(status: u16, body: Value) -> Result<Value, Trouble> {
    match status {
        200 | 202 => Ok(body),
        429 | 500.. => Err(Trouble::Unavailable(format!(
            "{}; the same command can be repeated",
            problem(status, &body)
        ))),
        _ => Err(Trouble::Refused(format!(
            "{}{}",
            problem(status, &body),
            hint(status, &body)
        ))),
    }
}

/// A problem document (RFC 9457) in one line, or what API Gateway answers itself.
fn problem(status: u16, body: &Value) -> String {
    let text = |member: &str| body[member].as_str().map(shown);
    let mut line = format!("the API answered {status}");
    if let Some(title) = text("title") {
        line.push_str(&format!(" {title}"));
    }
    let detail = text("detail").or_else(|| text("message"));
    let detail = detail.unwrap_or_else(|| "without a reason".to_owned());
    line.push_str(&format!(": {}", for_command(&detail)));
    for error in body["errors"].as_array().into_iter().flatten() {
        line.push_str(&format!(
            "\n  {}",
            shown(error.as_str().unwrap_or_default())
        ));
    }
    line
}

/// A message of the API, with options and commands in place of its parameters and requests.
pub(crate) fn for_command(message: &str) -> String {
    let options = [
        (
            "in the query, such as ?tenant=",
            "by --tenant, such as --tenant ",
        ),
        ("send \"new\": true", "add --new"),
        ("POST to its rollback", "use holdfast rollback"),
        ("POST to its cancel", "use holdfast cancel"),
        ("by PUT /v1/tenants/", "by holdfast tenants register "),
    ];
    let message = message.to_owned();
    options.iter().fold(message, |message, (of_api, option)| {
        message.replace(of_api, option)
    })
}

/// The remedy for a refusal whose text names none. The 401 of API Gateway has no problem type. The
/// 404 is that of an unknown workflow.
fn hint(status: u16, body: &Value) -> &'static str {
    let detail = body["detail"].as_str().unwrap_or_default();
    match status {
        401 if body["type"].is_null() => {
            "; API Gateway refuses the token: it is expired, or its issuer, audience or signature is \
             wrong; on the local stack, `make up` writes new tokens and `source .local/env` reads them"
        }
        404 if detail.starts_with("no workflow ") => {
            "; `holdfast workflows` lists those open to the tenant; to deploy a new file, run \
             `make up` on the local stack, else `holdfast compile`, `sam build` and `sam deploy`"
        }
        _ => "",
    }
}

fn shown(text: &str) -> String {
    sanitize(&text.chars().take(SHOWN).collect::<String>())
}

/// An answer as the members that this command reads.
pub(crate) fn typed<T: DeserializeOwned>(answer: &Value) -> Result<T, Trouble> {
    T::deserialize(answer).map_err(|error| {
        Trouble::Other(format!(
            "the API's answer is not what this release of the command reads: {}",
            quoted(&error.to_string())
        ))
    })
}

/// A list of the API: its path, its query and the member that has the items.
pub(crate) struct ListQuery<'a> {
    pub(crate) path: &'a str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) member: &'static str,
}

impl ListQuery<'_> {
    /// Reads pages until `limit` items are known or the list ends. The answer is one page in the
    /// API's form: its `next` is null if the list has no more items.
    pub(crate) fn read(&self, client: &Client, limit: usize) -> Result<Value, Trouble> {
        self.follow(limit, |query| client.get(self.path, query))
    }

    /// Follows the pages that `get` returns. A list that never ends is an error.
    fn follow(
        &self,
        limit: usize,
        mut get: impl FnMut(Vec<(&'static str, String)>) -> Result<(u16, Value), Trouble>,
    ) -> Result<Value, Trouble> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        for _ in 0..MOST_PAGES {
            let mut query = self.query.clone();
            query.push(("limit", (limit - items.len()).clamp(1, PAGE).to_string()));
            query.extend(cursor.clone().map(|cursor| ("cursor", cursor)));
            let (status, mut page) = get(query)?;
            if status == 404 && is_no_path(&page) {
                return Err(self.missing());
            }
            page = expect_done(status, page)?;
            if let Value::Array(more) = page[self.member].take() {
                items.extend(more);
            }
            let next = page["next"].as_str().map(str::to_owned);
            if next.is_none() || items.len() >= limit {
                return Ok(json!({ self.member: items, "next": next }));
            }
            if next == cursor {
                return Err(self.endless("names one page as its own next page"));
            }
            cursor = next;
        }
        Err(self.endless(&format!(
            "has more than {MOST_PAGES} pages, with {} items in them: narrow the list, or lower \
             --limit",
            items.len()
        )))
    }

    /// The error of a list whose end was not reached.
    fn endless(&self, why: &str) -> Trouble {
        Trouble::Other(format!("the API's list {} {why}", self.path))
    }

    /// The error of a list that the deployment does not serve.
    fn missing(&self) -> Trouble {
        Trouble::Refused(format!(
            "this API has no {}: the deployment runs an earlier release of Holdfast, or --api is \
             not the stack's output ApiUrl",
            self.path
        ))
    }
}

/// True if 404 is about the path: our function says so in every release, and API Gateway answers
/// without a type of problem. Otherwise it is about the tenant.
fn is_no_path(body: &Value) -> bool {
    let detail = body["detail"].as_str().unwrap_or_default();
    body["type"].is_null() || detail.starts_with("there is nothing at this path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_with_title_detail_and_sanitized_errors() {
        let body = json!({
            "title": "Invalid input",
            "detail": "the input violates the schema",
            "errors": ["/days: \u{1b}[2J40 is greater\nthan 30"],
        });
        let Err(Trouble::Refused(why)) = expect_done(400, body) else {
            panic!("400 is a refusal");
        };
        assert_eq!(
            why,
            "the API answered 400 Invalid input: the input violates the schema\n  \
             /days: \u{fffd}[2J40 is greater\u{fffd}than 30"
        );
    }

    /// The error of a list whose pages have this `next`, by the number of the page, and the number
    /// of pages that were read.
    fn endless(next: impl Fn(usize) -> String) -> (String, usize) {
        let list = ListQuery {
            path: "/v1/executions",
            query: Vec::new(),
            member: "executions",
        };
        let mut pages = 0;
        let read = list.follow(25, |_| {
            pages += 1;
            // A loop that does not end would hang this test.
            assert!(pages <= MOST_PAGES, "page {pages} is read");
            Ok((200, json!({ "executions": [], "next": next(pages) })))
        });
        match read {
            Err(Trouble::Other(why)) => (why, pages),
            _ => panic!("the list has no end"),
        }
    }

    #[test]
    fn a_list_without_an_end_is_an_error() {
        let (why, pages) = endless(|_| "same".to_owned());
        assert!(why.contains("names one page as its own next page"), "{why}");
        assert_eq!(pages, 2);
        let (why, pages) = endless(|page| page.to_string());
        assert!(
            why.contains("has more than 1000 pages, with 0 items"),
            "{why}"
        );
        assert_eq!(pages, MOST_PAGES);
    }

    #[test]
    fn a_missing_tenant_is_named_by_the_option_of_the_command() {
        // The text of functions/handlers/api/principal.rs.
        let detail = "the token names no tenant: name it in the query, such as ?tenant=acme";
        let api = include_str!("../../../functions/handlers/api/principal.rs");
        assert!(api.contains(detail), "the API's text changed");
        let body = json!({ "title": "Bad request", "detail": detail });
        let Err(Trouble::Refused(why)) = expect_done(400, body) else {
            panic!("400 is a refusal");
        };
        assert_eq!(
            why,
            "the API answered 400 Bad request: the token names no tenant: name it by --tenant, \
             such as --tenant acme"
        );
    }

    #[test]
    fn a_request_of_the_api_is_named_by_its_command() {
        // The texts of shared/ledger.
        let ended = "to undo an executed one, POST to its rollback";
        let ledger = include_str!("../../../shared/ledger/src/lifecycle.rs");
        assert!(ledger.contains(ended), "the API's text changed");
        assert_eq!(
            for_command(ended),
            "to undo an executed one, use holdfast rollback"
        );
        let closed = "a platform admin opens it by PUT /v1/tenants/";
        let ledger = include_str!("../../../shared/ledger/src/tenant.rs");
        assert!(ledger.contains(closed), "the API's text changed");
        assert_eq!(
            for_command(&format!("{closed}acme")),
            "a platform admin opens it by holdfast tenants register acme"
        );
    }

    #[test]
    fn an_unknown_workflow_is_refused_with_the_command_that_lists_the_known_ones() {
        // The text of functions/handlers/api/workflow.rs.
        let api = include_str!("../../../functions/handlers/api/workflow.rs");
        let known = api.contains("no workflow {} is open to this tenant");
        assert!(known, "the API's text changed");
        let detail = "no workflow \"WF-HOLD\" is open to this tenant";
        let body = json!({ "type": "/problems/not-found", "title": "Not found", "detail": detail });
        let Err(Trouble::Refused(why)) = expect_done(404, body) else {
            panic!("404 is a refusal");
        };
        let says = format!("{detail}; `holdfast workflows` lists those open to the tenant");
        assert!(why.contains(&says), "{why}");
    }

    #[test]
    fn an_answer_of_api_gateway_and_an_empty_one_are_shown_too() {
        let Err(Trouble::Refused(why)) = expect_done(401, json!({ "message": "Unauthorized" }))
        else {
            panic!("401 is a refusal");
        };
        assert_eq!(
            why,
            "the API answered 401: Unauthorized; API Gateway refuses the token: it is expired, or its \
             issuer, audience or signature is wrong; on the local stack, `make up` writes new tokens \
             and `source .local/env` reads them"
        );
        let Err(Trouble::Unavailable(why)) = expect_done(503, Value::Null) else {
            panic!("503 may pass");
        };
        assert_eq!(
            why,
            "the API answered 503: without a reason; the same command can be repeated"
        );
    }
}
