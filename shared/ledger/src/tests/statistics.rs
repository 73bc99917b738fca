//! Statistics under repeated and partly failed deliveries of the stream: every change counts once.

use std::{cell::RefCell, collections::BTreeMap, sync::Mutex};

use futures_executor::block_on;
use jiff::Timestamp;

use crate::{
    Addition, Contribution, ContributionGroup, LedgerError, Statistics, StatisticsKey,
    StatisticsMark, StatisticsStore, add_contributions,
};

/// A store that fails at random: before it writes, or after, so that the answer is lost.
struct FailingStore {
    marks: Mutex<BTreeMap<StatisticsMark, String>>,
    sums: Mutex<BTreeMap<StatisticsKey, Statistics>>,
    seed: Mutex<RefCell<u64>>,
    fails: bool,
}

impl FailingStore {
    fn random(&self, below: usize) -> usize {
        let seed = self.seed.lock().expect("one thread");
        let mut seed = seed.borrow_mut();
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (*seed >> 33) as usize % below
    }
}

impl StatisticsStore for FailingStore {
    async fn add_group(
        &self,
        group: &ContributionGroup,
        _: Timestamp,
    ) -> Result<Addition, LedgerError> {
        let lost = || LedgerError::Unavailable("no answer".to_owned());
        let luck = if self.fails { self.random(4) } else { 3 };
        if luck == 0 {
            return Err(lost());
        }
        let mut marks = self.marks.lock().expect("one thread");
        if let Some(last) = marks.get(&group.mark) {
            return Ok(Addition::Covered(last.clone()));
        }
        marks.insert(group.mark.clone(), group.last.clone());
        let mut sums = self.sums.lock().expect("one thread");
        let sums = sums.entry(group.mark.of.clone()).or_default();
        sums.add(&group.sums);
        match luck {
            1 => Err(lost()),
            _ => Ok(Addition::Done),
        }
    }
}

fn place(n: usize) -> StatisticsKey {
    StatisticsKey {
        tenant: "acme".to_owned(),
        hour: Timestamp::constant(1_759_150_800, 0),
        workflow: format!("WF-{n}"),
    }
}

/// A shard of the stream: the place that each change contributes to, if any.
type Shard = Vec<Option<usize>>;

/// Delivers a part of a shard. The sequence numbers of the shards lie between each other's.
/// Returns whether a mark covers more, and `None` after an error.
fn deliver(
    store: &FailingStore,
    (n, shard): (usize, &Shard),
    from: usize,
    to: usize,
) -> Option<bool> {
    let mut places: BTreeMap<usize, Vec<Contribution>> = BTreeMap::new();
    for (at, place) in shard.iter().enumerate().take(to).skip(from) {
        if let Some(place) = place {
            places.entry(*place).or_default().push(Contribution {
                sequence: (at * 10 + n).to_string(),
                sums: Statistics {
                    started: 1,
                    ..Statistics::default()
                },
            });
        }
    }
    let now = Timestamp::UNIX_EPOCH;
    let mut covers_more = false;
    for (at, all) in &places {
        let added = block_on(add_contributions(store, &place(*at), all, now));
        // As in the function: after an error, other places may or may not be written.
        covers_more |= added.ok()?;
    }
    Some(covers_more)
}

#[test]
fn every_change_counts_once_however_a_stream_repeats_its_batches() {
    for seed in 0..100 {
        let store = FailingStore {
            marks: Mutex::default(),
            sums: Mutex::default(),
            seed: Mutex::new(RefCell::new(seed)),
            fails: true,
        };
        let shards: Vec<Shard> = (0..3)
            .map(|_| {
                let change = |_| match store.random(4) {
                    3 => None,
                    place => Some(place),
                };
                (0..60).map(change).collect()
            })
            .collect();
        let mut done = vec![vec![0]; shards.len()];
        while let Some(n) = (0..shards.len()).find(|n| done[*n].last() < Some(&60)) {
            let n = (n + store.random(shards.len())) % shards.len();
            let last = *done[n].last().expect("a start");
            // Mostly the next batch; at times one that was delivered before, whose place in the
            // stream was lost.
            let from = match store.random(5) {
                0 => done[n][store.random(done[n].len())],
                _ => last,
            };
            let to = (last + store.random(12)).clamp(last, 60);
            while deliver(&store, (n, &shards[n]), from, to.max(last)).is_none() {}
            if to > last {
                done[n].push(to);
            }
        }
        let mut expected: BTreeMap<usize, u64> = BTreeMap::new();
        for at in shards.iter().flatten().flatten() {
            *expected.entry(*at).or_default() += 1;
        }
        let sums = store.sums.lock().expect("one thread");
        let counted: BTreeMap<_, _> = sums.iter().map(|(at, sums)| (at, sums.started)).collect();
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(n, sum)| (place(n), sum))
            .collect();
        let expected: BTreeMap<_, _> = expected.iter().map(|(at, sum)| (at, *sum)).collect();
        assert_eq!(counted, expected, "seed {seed}");
    }
}

#[test]
fn a_batch_that_is_delivered_once_is_one_write_for_each_place() {
    let store = FailingStore {
        marks: Mutex::default(),
        sums: Mutex::default(),
        seed: Mutex::default(),
        fails: false,
    };
    let shard = vec![Some(0), Some(1), None, Some(0), Some(0)];
    assert_eq!(deliver(&store, (0, &shard), 0, 5), Some(false));
    assert_eq!(store.marks.lock().expect("one thread").len(), 2);
}

#[test]
fn a_cut_repeat_of_a_counted_batch_begins_again_where_its_mark_is_found() {
    let store = FailingStore {
        marks: Mutex::default(),
        sums: Mutex::default(),
        seed: Mutex::default(),
        fails: false,
    };
    let shard = vec![Some(0); 6];
    let deliver = |from, to| deliver(&store, (0, &shard), from, to);
    assert_eq!(deliver(0, 6), Some(false));
    // The answer was lost, and the repeat published three changes alone.
    assert_eq!(deliver(0, 3), Some(true));
    assert_eq!(deliver(0, 6), Some(false));
    let sums = store.sums.lock().expect("one thread");
    assert_eq!(sums[&place(0)].started, 6);
}
