//! Pages of a list of one tenant, or of the lists of every tenant merged, newest first.
//!
//! The merged list is stored nowhere: a page asks the list of each registered tenant. So a start
//! writes nothing that all tenants share (decision 0095).

use std::{cmp::Reverse, future::Future};

use futures_util::{StreamExt, TryStreamExt, stream};
use holdfast_aws::{Page, PageEnd, Window};
use holdfast_ledger::LedgerError;
use jiff::{SignedDuration, Timestamp};

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
        let window = window(wanted, wanted.until, after);
        let Page { entries, next } = read(tenant.clone(), window).await?;
        return Ok(MergedPage {
            entries: entries_of(tenant, entries).collect(),
            next: next.map(|place| Cursor {
                place,
                tenant: None,
            }),
        });
    }
    let tenants = app.tenants.registry().registered_tenants().await?;
    let reads = tenants.into_iter().map(|registered| {
        let window = window_of(&registered.tenant, wanted);
        let page = read(registered.tenant.clone(), window);
        async move { Ok::<_, LedgerError>((registered.tenant, page.await?)) }
    });
    let reads: Vec<_> = reads.collect();
    let parts: Vec<_> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
    Ok(merged(parts, wanted.limit))
}

fn window(wanted: &PageRequest, until: Option<Timestamp>, after: Option<PageEnd>) -> Window {
    Window {
        from: wanted.from,
        until,
        after,
    }
}

/// The part of a tenant's list that follows the place in the merged list. Entries of one time are
/// sorted by tenant.
fn window_of(tenant: &str, wanted: &PageRequest) -> Window {
    let Some(Cursor {
        place: (at, id),
        tenant: last,
    }) = &wanted.after
    else {
        return window(wanted, wanted.until, None);
    };
    let last = last.as_deref().unwrap_or_default();
    if tenant == last {
        return window(wanted, wanted.until, Some((*at, id.clone())));
    }
    let until = match tenant < last {
        // This tenant's entries of that time precede the place.
        true => at.saturating_sub(SignedDuration::from_millis(1)),
        false => Ok(*at),
    };
    let until = until.unwrap_or(Timestamp::MIN);
    let until = wanted.until.map_or(until, |wanted| wanted.min(until));
    window(wanted, Some(until), None)
}

fn entries_of<T>(tenant: &str, entries: Vec<(PageEnd, T)>) -> impl Iterator<Item = Entry<T>> {
    entries.into_iter().map(move |(place, value)| Entry {
        tenant: tenant.to_owned(),
        place,
        value,
    })
}

/// Merges the pages of tenants. The page ends where the first of the lists was not read further.
fn merged<T>(parts: Vec<(String, Page<T>)>, limit: usize) -> MergedPage<T> {
    let order = |place: &PageEnd, tenant: &str| (Reverse(place.0), tenant.to_owned());
    let mut horizon: Option<Cursor> = None;
    let mut entries = Vec::new();
    for (
        tenant,
        Page {
            entries: read,
            next,
        },
    ) in parts
    {
        entries.extend(entries_of(&tenant, read));
        let next = next.map(|place| Cursor {
            place,
            tenant: Some(tenant),
        });
        horizon = [horizon, next]
            .into_iter()
            .flatten()
            .min_by_key(|one| order(&one.place, one.tenant.as_deref().unwrap_or_default()));
    }
    // The sort is stable: entries of one tenant keep their order.
    entries.sort_by_key(|entry| order(&entry.place, &entry.tenant));
    if let Some(Cursor { place, tenant }) = &horizon {
        let last = order(place, tenant.as_deref().unwrap_or_default());
        entries.retain(|entry| order(&entry.place, &entry.tenant) <= last);
    }
    MergedPage {
        entries,
        next: horizon,
    }
    .cut(limit, true)
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
    use super::*;

    const TENANTS: [&str; 3] = ["acme", "acme-2", "globex"];

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_759_150_800_000 + ms).expect("a time")
    }

    /// A page of a list as a query with a filter answers it: it looks at `looked_at` entries and
    /// leaves out those that the filter does not keep.
    fn query(
        list: &[(PageEnd, bool)],
        window: &Window,
        looked_at: usize,
        limit: usize,
    ) -> Page<bool> {
        let begin = match &window.after {
            Some(after) => {
                1 + list
                    .iter()
                    .position(|(place, _)| place == after)
                    .expect("it")
            }
            None => 0,
        };
        let within = |(at, _): &PageEnd| window.until.is_none_or(|until| *at <= until);
        let rest = list[begin..].iter().filter(|(place, _)| within(place));
        let rest: Vec<_> = rest.cloned().collect();
        let looked = &rest[..looked_at.min(rest.len())];
        let mut entries: Vec<_> = looked.iter().filter(|(_, kept)| *kept).cloned().collect();
        let mut next = (rest.len() > looked_at)
            .then(|| looked.last().map(|(place, _)| place.clone()))
            .flatten();
        if entries.len() > limit {
            entries.truncate(limit);
            next = entries.last().map(|(place, _)| place.clone());
        }
        Page { entries, next }
    }

    /// The numbers of a linear congruential generator.
    fn numbers(mut state: u64) -> impl FnMut(u64) -> u64 {
        move |below| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) % below
        }
    }

    #[test]
    fn pages_over_all_tenants_have_every_entry_once_in_order() {
        for seed in 0..500 {
            let mut number = numbers(seed);
            let (limit, more) = (1 + number(4) as usize, number(4) as usize);
            let mut lists = vec![Vec::new(); TENANTS.len()];
            for n in 0..number(40) {
                let place = (at(number(6) as i64), format!("{n:040x}"));
                lists[number(3) as usize].push((place, number(2) == 0));
            }
            for list in &mut lists {
                list.sort_by_key(|((at, _), _): &(PageEnd, bool)| Reverse(*at));
            }
            let mut wanted = PageRequest {
                limit,
                ..PageRequest::default()
            };
            let mut seen = Vec::new();
            for page in 0.. {
                assert!(page < 200, "seed {seed}: the pages do not end");
                let parts = TENANTS.iter().zip(&lists).map(|(tenant, list)| {
                    let page = query(list, &window_of(tenant, &wanted), limit + more, limit);
                    ((*tenant).to_owned(), page)
                });
                let page = merged(parts.collect(), limit);
                assert!(page.entries.len() <= limit, "seed {seed}");
                seen.extend(page.entries);
                match page.next {
                    Some(next) => wanted.after = Some(next),
                    None => break,
                }
            }
            let order = |entry: &Entry<bool>| (Reverse(entry.place.0), entry.tenant.clone());
            assert!(seen.is_sorted_by_key(order), "seed {seed}");
            let mut found: Vec<_> = seen.into_iter().map(|entry| entry.place.1).collect();
            let all = lists.into_iter().flatten().filter(|(_, kept)| *kept);
            let mut all: Vec<_> = all.map(|((_, id), _)| id).collect();
            found.sort();
            all.sort();
            assert_eq!(found, all, "seed {seed}");
        }
    }
}
