//! Pages of a list of one tenant, or of the lists of every tenant merged, newest first.
//!
//! The merged list is stored nowhere: a page asks the list of each registered tenant. So a start
//! writes nothing that all tenants share (decision 0095).

use std::future::Future;

use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_aws::{MergedEnd, Page, PageEnd, Window, merged, window_of};
use holdfast_ledger::LedgerError;
use jiff::Timestamp;

use crate::api::{app::App, page::Cursor, principal::ListCaller, problem::Problem};

/// Number of tenants whose list is read at the same time.
const AT_ONCE: usize = 16;

/// The part of a list that a request asks for.
#[derive(Debug, Clone, Default)]
pub(crate) struct PageRequest {
    /// The earliest time.
    pub(crate) from: Option<Timestamp>,
    /// The latest time.
    pub(crate) until: Option<Timestamp>,
    /// The place after which the page begins.
    pub(crate) after: Option<Cursor>,
    /// The length of the page.
    pub(crate) limit: usize,
}

/// An entry of a list, with its tenant and its place in the tenant's own list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry<T> {
    pub(crate) tenant: String,
    pub(crate) place: PageEnd,
    pub(crate) value: T,
}

/// A page of one list or of several.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MergedPage<T> {
    pub(crate) entries: Vec<Entry<T>>,
    /// The place after which the next page begins; none after the last page.
    pub(crate) next: Option<Cursor>,
}

/// Reads a page with `read`, which reads a part of one tenant's list.
pub(crate) async fn page_of<T, R>(
    app: &App,
    caller: &ListCaller,
    wanted: &PageRequest,
    read: impl Fn(String, Window) -> R + Sync,
) -> Result<MergedPage<T>, Problem>
where
    T: Send,
    R: Future<Output = Result<Page<T>, LedgerError>> + Send,
{
    if let Some(tenant) = &caller.tenant {
        let after = wanted.after.as_ref().map(|after| after.place.clone());
        let window = Window {
            from: wanted.from,
            until: wanted.until,
            after,
        };
        let Page { entries, next } = read(tenant.clone(), window).await?;
        let entries = entries.into_iter();
        return Ok(MergedPage {
            entries: entries.map(|read| entry(tenant.clone(), read)).collect(),
            next: next.map(|place| Cursor {
                place,
                tenant: None,
            }),
        });
    }
    let tenants = app.tenants.registry().registered_tenants().await?;
    let reads = tenants.into_iter().map(|registered| {
        let window = window(&registered.tenant, wanted);
        let page = read(registered.tenant.clone(), window);
        async move { Ok::<_, LedgerError>((registered.tenant, page.await?)) }
    });
    let reads: Vec<_> = reads.collect();
    let parts: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    let page = merged(parts, wanted.limit);
    let entries = page.entries.into_iter();
    Ok(MergedPage {
        entries: entries
            .map(|(end, value)| entry(end.list, (end.place, value)))
            .collect(),
        next: page.next.map(|end| Cursor {
            place: end.place,
            tenant: Some(end.list),
        }),
    })
}

fn entry<T>(tenant: String, (place, value): (PageEnd, T)) -> Entry<T> {
    Entry {
        tenant,
        place,
        value,
    }
}

/// The part of a tenant's list that follows the place in the merged list.
fn window(tenant: &str, wanted: &PageRequest) -> Window {
    let whole = Window {
        from: wanted.from,
        until: wanted.until,
        after: None,
    };
    let after = wanted
        .after
        .clone()
        .map(|Cursor { place, tenant }| MergedEnd {
            list: tenant.unwrap_or_default(),
            place,
        });
    window_of(&tenant.to_owned(), &whole, after.as_ref())
}

impl<T> MergedPage<T> {
    /// The page with at most `limit` entries. What it leaves out comes on the next page.
    pub(crate) fn cut(mut self, limit: usize, merged: bool) -> Self {
        if self.entries.len() > limit {
            self.entries.truncate(limit);
            self.next = self.entries.last().map(|last| Cursor {
                place: last.place.clone(),
                tenant: merged.then(|| last.tenant.clone()),
            });
        }
        self
    }
}
