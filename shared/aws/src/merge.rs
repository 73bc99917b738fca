//! Merges pages of several lists that are sorted alike, newest first, into one page.
//!
//! Entries of one time are sorted by their list, so that the place of an entry and its list are
//! enough to continue.

use std::cmp::Reverse;

use jiff::SignedDuration;

use crate::pages::{Page, PageEnd, Window};

/// The place of an entry in merged lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergedEnd<L> {
    /// The list of the entry.
    pub list: L,
    /// Its place in that list.
    pub place: PageEnd,
}

/// A page of merged lists.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedPage<L, T> {
    /// The entries, each with its place.
    pub entries: Vec<(MergedEnd<L>, T)>,
    /// The place after which the next page begins; none after the last page.
    pub next: Option<MergedEnd<L>>,
}

impl<L: Clone, T> MergedPage<L, T> {
    /// The page with at most `limit` entries. What it leaves out comes on the next page.
    pub fn cut(mut self, limit: usize) -> Self {
        if self.entries.len() > limit {
            self.entries.truncate(limit);
            self.next = self.entries.last().map(|(end, _)| end.clone());
        }
        self
    }
}

/// The part of `list` that lies in `window` and follows the place in the merged lists.
pub fn window_of<L: Ord>(list: &L, window: &Window, after: Option<&MergedEnd<L>>) -> Window {
    let Some(MergedEnd { list: last, place }) = after else {
        return window.clone();
    };
    if list == last {
        return Window {
            after: Some(place.clone()),
            ..window.clone()
        };
    }
    let (at, _) = place;
    let until = match list < last {
        // This list's entries of that time precede the place.
        true => at.saturating_sub(SignedDuration::from_millis(1)),
        false => Ok(*at),
    };
    let until = until.unwrap_or(jiff::Timestamp::MIN);
    Window {
        from: window.from,
        until: Some(window.until.map_or(until, |latest| latest.min(until))),
        after: None,
    }
}

/// Merges the pages of lists. The page ends where the first of the lists was not read further.
pub fn merged<L: Ord + Clone, T>(parts: Vec<(L, Page<T>)>, limit: usize) -> MergedPage<L, T> {
    let order = |end: &MergedEnd<L>| (Reverse(end.place.0), end.list.clone());
    let mut horizon: Option<MergedEnd<L>> = None;
    let mut entries = Vec::new();
    for (list, page) in parts {
        let end = |place| MergedEnd {
            list: list.clone(),
            place,
        };
        let read = page.entries.into_iter();
        entries.extend(read.map(|(place, value)| (end(place), value)));
        horizon = horizon
            .into_iter()
            .chain(page.next.map(end))
            .min_by_key(order);
    }
    // The sort is stable: entries of one list keep their order.
    entries.sort_by_key(|(end, _)| order(end));
    if let Some(horizon) = &horizon {
        entries.retain(|(end, _)| order(end) <= order(horizon));
    }
    MergedPage {
        entries,
        next: horizon,
    }
    .cut(limit)
}

/// The list that must be read further before the merged page has `limit` entries; none if all
/// lists end before.
pub fn unfinished<L: Ord, T>(
    parts: &mut [(L, Page<T>)],
    limit: usize,
) -> Option<&mut (L, Page<T>)> {
    let ends = parts.iter().enumerate().filter_map(|(n, (list, page))| {
        let (at, _) = page.next.as_ref()?;
        Some(((Reverse(*at), list), n))
    });
    let (horizon, n) = ends.min()?;
    let read = parts.iter().flat_map(|(list, page)| {
        let entries = page.entries.iter();
        entries.map(move |((at, _), _)| (Reverse(*at), list))
    });
    let before = read.filter(|entry| *entry <= horizon).count();
    if before < limit {
        parts.get_mut(n)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const LISTS: [&str; 3] = ["acme", "acme-2", "globex"];

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
    fn pages_of_merged_lists_have_every_entry_once_in_order() {
        for seed in 0..500 {
            let mut number = numbers(seed);
            let (limit, more) = (1 + number(4) as usize, number(4) as usize);
            let mut lists = vec![Vec::new(); LISTS.len()];
            for n in 0..number(40) {
                let place = (at(number(6) as i64), format!("{n:040x}"));
                lists[number(3) as usize].push((place, number(2) == 0));
            }
            for list in &mut lists {
                list.sort_by_key(|((at, _), _): &(PageEnd, bool)| Reverse(*at));
            }
            let (mut after, mut seen) = (None, Vec::new());
            for page in 0.. {
                assert!(page < 200, "seed {seed}: the pages do not end");
                let parts = LISTS.iter().zip(&lists).map(|(name, list)| {
                    let window = window_of(name, &Window::default(), after.as_ref());
                    (*name, query(list, &window, limit + more, limit))
                });
                let page = merged(parts.collect(), limit);
                assert!(page.entries.len() <= limit, "seed {seed}");
                seen.extend(page.entries);
                match page.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            let order =
                |(end, _): &(MergedEnd<&'static str>, bool)| (Reverse(end.place.0), end.list);
            assert!(seen.is_sorted_by_key(order), "seed {seed}");
            let mut found: Vec<_> = seen.into_iter().map(|(end, _)| end.place.1).collect();
            let all = lists.into_iter().flatten().filter(|(_, kept)| *kept);
            let mut all: Vec<_> = all.map(|((_, id), _)| id).collect();
            found.sort();
            all.sort();
            assert_eq!(found, all, "seed {seed}");
        }
    }
}
