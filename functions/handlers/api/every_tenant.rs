//! Pages of a list of one tenant, or of the lists of every tenant merged, newest first.
//!
//! The merged list is stored nowhere: a page asks the list of each registered tenant. So a start
//! writes nothing that all tenants share (decision 0095).

use std::future::Future;

use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_aws::{MergedEnd, Page, PageEnd, Window, merged, unfinished, window_of};
use holdfast_ledger::LedgerError;
use jiff::Timestamp;

use crate::api::{app::App, page::Cursor, principal::ListCaller, problem::Problem};

/// Number of tenants whose list is read at the same time.
const AT_ONCE: usize = 16;

/// The fewest entries of each tenant's list that are read at once.
const SHARE_MIN: usize = 10;

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

/// The tenants whose lists the caller asks for: one, or every registered one.
pub(crate) async fn tenants_of(app: &App, caller: &ListCaller) -> Result<Vec<String>, Problem> {
    if let Some(tenant) = &caller.tenant {
        return Ok(vec![tenant.clone()]);
    }
    let registered = app.tenants.registry().registered_tenants().await?;
    Ok(registered.into_iter().map(|one| one.tenant).collect())
}

/// The newest entries of the tenants' lists, at most `limit` of all, and whether there are more.
///
/// Each list is read by its share of `limit`, and further only where the newest entries require
/// it. So at most `limit` entries are read beyond a share of each list. `read` reads a page of one
/// list, of at most the given length.
pub(crate) async fn newest<T, R>(
    tenants: Vec<String>,
    limit: usize,
    read: impl Fn(String, Window, usize) -> R + Sync,
) -> Result<(Vec<T>, bool), LedgerError>
where
    T: Send,
    R: Future<Output = Result<Page<T>, LedgerError>> + Send,
{
    let share = (limit / tenants.len().max(1)).max(SHARE_MIN);
    let reads = tenants.into_iter().map(|tenant| {
        let page = read(tenant.clone(), Window::default(), share);
        async move { Ok::<_, LedgerError>((tenant, page.await?)) }
    });
    let reads: Vec<_> = reads.collect();
    let mut parts: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    while let Some((tenant, page)) = unfinished(&mut parts, limit) {
        let window = Window {
            after: page.next.take(),
            ..Window::default()
        };
        let further = read(tenant.clone(), window, share).await?;
        page.entries.extend(further.entries);
        page.next = further.next;
    }
    let page = merged(parts, limit);
    let entries = page.entries.into_iter().map(|(_, value)| value);
    Ok((entries.collect(), page.next.is_some()))
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// The times in seconds of a tenant's entries, newest first: the first tenant has 700 and the
    /// newest, others have 20 each.
    fn entries(tenant: usize) -> Vec<i64> {
        match tenant {
            0 => (0..700).map(|n| 2_000_000 - n).collect(),
            _ => (0..20)
                .map(|n| 2_000_000 - 100 * n - tenant as i64)
                .collect(),
        }
    }

    #[tokio::test]
    async fn the_newest_entries_are_found_without_reading_so_many_of_each_tenant() {
        for tenants in [1, 2, 60, 600] {
            let looked_at = AtomicUsize::new(0);
            let read = |tenant: String, window: Window, limit: usize| {
                let entries = entries(tenant.parse().expect("a number")).into_iter();
                let after = window.after.map(|(at, _)| at.as_second());
                let mut left = entries.filter(|at| after.is_none_or(|after| *at < after));
                let entries: Vec<_> = left.by_ref().take(limit).collect();
                looked_at.fetch_add(entries.len(), Ordering::Relaxed);
                let place = |at: i64| (Timestamp::constant(at, 0), String::new());
                let next = entries.last().filter(|_| left.next().is_some());
                let page = Page {
                    next: next.map(|at| place(*at)),
                    entries: entries.iter().map(|at| (place(*at), *at)).collect(),
                };
                async { Ok(page) }
            };
            let names = (0..tenants).map(|tenant| format!("{tenant:04}"));
            let (found, more) = newest(names.collect(), 500, read).await.expect("read");
            let mut all: Vec<_> = (0..tenants).flat_map(entries).collect();
            all.sort_by_key(|at| std::cmp::Reverse(*at));
            assert!(more);
            assert_eq!(found, all[..500], "{tenants} tenants");
            let share = (500 / tenants).max(SHARE_MIN);
            let looked_at = looked_at.into_inner();
            assert!(
                looked_at <= 500 + share * tenants,
                "{looked_at} at {tenants}"
            );
        }
    }
}
