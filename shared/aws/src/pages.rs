//! Pages of a tenant's lists, newest first, one query per page.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{IncidentKey, Key, LedgerError, List, QuestionKey, instant};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use crate::{
    item::{Item, key_item, key_of, read, text},
    ledger::{DynamoLedger, unavailable},
};

/// The place of an entry in a list: its time, and its id. The id of a question is
/// `{execution}.{step}`.
pub type PageEnd = (Timestamp, String);

/// The part of a list that a page is taken from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Window {
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The latest time.
    pub until: Option<Timestamp>,
    /// The place after which the page begins.
    pub after: Option<PageEnd>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// The entries, each with its place.
    pub entries: Vec<(PageEnd, T)>,
    /// The place after which the next page begins; none after the last page.
    pub next: Option<PageEnd>,
}

impl<T> Page<T> {
    /// The last page of a list, without an entry.
    pub fn empty() -> Self {
        Self {
            entries: Vec::new(),
            next: None,
        }
    }

    /// The page with at most `limit` entries. What it leaves out comes on the next page.
    pub(crate) fn cut(mut self, limit: usize) -> Self {
        if self.entries.len() > limit {
            self.entries.truncate(limit);
            self.next = self.entries.last().map(|(place, _)| place.clone());
        }
        self
    }
}

impl Window {
    /// The same part, as DynamoDB accepts it: it refuses a place outside of the times. `None` if
    /// nothing can lie in the part.
    fn accepted(&self) -> Option<Self> {
        let Self { from, until, after } = self;
        let before = |at: &Timestamp| from.is_some_and(|from| *at < from);
        if until.as_ref().is_some_and(before) {
            return None;
        }
        let after = after.clone();
        // If the place is later, the whole period follows it. If it is earlier, nothing does.
        let after = after.filter(|(at, _)| until.is_none_or(|until| *at <= until));
        if after.as_ref().is_some_and(|(at, _)| before(at)) {
            return None;
        }
        Some(Self {
            after,
            ..self.clone()
        })
    }
}

impl DynamoLedger {
    /// A query of a part of a list, newest first. `None` if nothing can lie in the part.
    pub(crate) fn query_window(&self, list: &List, window: &Window) -> Option<QueryFluentBuilder> {
        let Window { from, until, after } = window.accepted()?;
        let time =
            |at: Option<Timestamp>, open: &str| text(at.map_or_else(|| open.to_owned(), instant));
        let start = after.and_then(|(at, id)| {
            let mut start = key_item(&key_of_entry(list, &id)?);
            start.insert(list.index().to_owned(), text(list.hash()));
            start.insert(list.range().to_owned(), text(instant(at)));
            Some(start)
        });
        let query = self
            .query_list(list)
            .key_condition_expression("#list = :list AND #at BETWEEN :from AND :until")
            .expression_attribute_names("#at", list.range())
            .expression_attribute_values(":from", time(from, "0000"))
            .expression_attribute_values(":until", time(until, "9999-12-31T23:59:59.999Z"))
            .scan_index_forward(false)
            .set_exclusive_start_key(start);
        Some(query)
    }

    /// A page of a part of a list.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        list: &List,
        window: &Window,
        limit: usize,
    ) -> Result<Page<T>, LedgerError> {
        match self.query_window(list, window) {
            None => Ok(Page::empty()),
            Some(query) => {
                let query = query.limit(i32::try_from(limit).unwrap_or(i32::MAX));
                read_page(query, list, read).await
            }
        }
    }
}

/// The page that one query of `list` reads, each item read with `read`.
pub(crate) async fn read_page<T>(
    query: QueryFluentBuilder,
    list: &List,
    read: impl Fn(Item) -> Result<T, LedgerError>,
) -> Result<Page<T>, LedgerError> {
    let found = query.send().await.map_err(|error| unavailable(&error))?;
    let next = found.last_evaluated_key.as_ref();
    let next = next.map(|key| place_of(key, list)).transpose()?;
    let mut entries = Vec::new();
    for item in found.items.unwrap_or_default() {
        entries.push((place_of(&item, list)?, read(item)?));
    }
    Ok(Page { entries, next })
}

/// The place of an item in `list`, from its keys in the table and in the index.
fn place_of(item: &Item, list: &List) -> Result<PageEnd, LedgerError> {
    let place = || {
        let at = item.get(list.range())?.as_s().ok()?.parse().ok()?;
        let id = match key_of(item)? {
            Key::Execution(at) => at.execution,
            Key::Incident(incident) => incident.id,
            Key::Question(question) => format!("{}.{}", question.at.execution, question.step),
            _ => return None,
        };
        Some((at, id))
    };
    place().ok_or_else(|| LedgerError::Damaged("an item's key does not fit its list".to_owned()))
}

/// The key of the entry `id` of `list`; `None` if the list has no such entries.
fn key_of_entry(list: &List, id: &str) -> Option<Key> {
    let execution = |tenant: &String, id: &str| ExecutionKey {
        tenant: tenant.clone(),
        execution: id.to_owned(),
    };
    match list {
        List::Executions { tenant, .. } | List::OfSubject { tenant, .. } => {
            Some(Key::Execution(execution(tenant, id)))
        }
        List::Incidents { tenant, .. } => Some(Key::Incident(IncidentKey::new(tenant, id))),
        List::Questions(tenant) => {
            let (id, step) = id.split_once('.')?;
            Some(Key::Question(QuestionKey {
                at: execution(tenant, id),
                step: step.to_owned(),
            }))
        }
        List::Controls | List::Open { .. } | List::OpenIncidents => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(s: i64) -> Timestamp {
        Timestamp::constant(1_759_150_800 + s, 0)
    }

    fn window(from: Option<i64>, until: Option<i64>, after: Option<i64>) -> Window {
        Window {
            from: from.map(at),
            until: until.map(at),
            after: after.map(|after| (at(after), "f1".to_owned())),
        }
    }

    #[test]
    fn a_place_outside_of_the_times_is_not_sent() {
        let whole = window(Some(10), Some(20), None);
        let within = window(Some(10), Some(20), Some(15));
        for (given, accepted) in [
            (within.clone(), Some(within)),
            (window(Some(10), Some(20), Some(21)), Some(whole)),
            (window(Some(10), Some(20), Some(9)), None),
            (window(Some(20), Some(10), None), None),
            (
                window(None, None, Some(9)),
                Some(window(None, None, Some(9))),
            ),
        ] {
            assert_eq!(given.accepted(), accepted, "{given:?}");
        }
    }

    #[test]
    fn the_place_of_an_item_leads_back_to_its_key() {
        let tenant = || "acme".to_owned();
        let at_execution = ExecutionKey {
            tenant: tenant(),
            execution: "f1".to_owned(),
        };
        let question = QuestionKey {
            at: at_execution.clone(),
            step: "hold".to_owned(),
        };
        for (list, key, id) in [
            (
                List::executions(&at_execution),
                Key::Execution(at_execution.clone()),
                "f1",
            ),
            (
                List::Questions(tenant()),
                Key::Question(question),
                "f1.hold",
            ),
        ] {
            let mut item = key_item(&key);
            item.insert(list.range().to_owned(), text(instant(at(0))));
            let place = place_of(&item, &list).expect("a place");
            assert_eq!(place, (at(0), id.to_owned()));
            assert_eq!(key_of_entry(&list, &place.1), Some(key));
        }
    }

    #[test]
    fn a_page_that_is_cut_goes_on_after_its_last_entry() {
        let entry = |s: i64| ((at(s), format!("f{s}")), s);
        let page = Page {
            entries: vec![entry(3), entry(2), entry(1)],
            next: None,
        };
        assert_eq!(page.clone().cut(3), page);
        let cut = page.cut(2);
        assert_eq!(cut.next, Some((at(2), "f2".to_owned())));
        assert_eq!(cut.entries, [entry(3), entry(2)]);
    }
}
