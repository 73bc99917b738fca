//! Tests of writing: under any fault, each receipt is in one digest, and each hour has one.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// Asserts that each digest follows the one before, each hour has one, and each of these receipts
/// is in exactly one.
fn whole(store: &Memory, receipts: &[String]) {
    let digests = store.digests();
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    let mut before: Option<&ReceiptDigest> = None;
    for digest in &digests {
        let follows = before.map(|before| before.until.as_str());
        assert!(follows.is_none_or(|until| until == digest.from));
        assert_eq!(
            digest.previous.as_ref().map(|link| &link.signature),
            before.and_then(|before| before.signature.as_ref())
        );
        for entry in &digest.receipts {
            *times.entry(entry.object.clone()).or_default() += 1;
        }
        before = Some(digest);
    }
    let once = receipts.iter().map(|object| (object.clone(), 1)).collect();
    assert_eq!(times, once);
}

#[test]
fn a_chain_begins_with_the_first_receipt_and_an_empty_hour_has_a_digest() {
    let store = Memory::new();
    assert_eq!(
        store.advance(hour("2026-11-26T09:00:00Z")),
        Ok(Progress::default())
    );
    let one = store.at(at("2026-11-26T10:05:00Z")).receipt("one");
    let two = store.at(at("2026-11-26T12:59:59Z")).receipt("two");
    let written = store.advance(hour("2026-11-26T12:00:00Z"));
    assert_eq!(
        written,
        Ok(Progress {
            digests: 3,
            receipts: 2
        })
    );
    let listed = |from: &str, receipts: &[&String]| {
        let receipts = receipts.iter().map(|one| (*one).clone()).collect();
        (from.to_owned(), receipts)
    };
    assert_eq!(
        store.listed(),
        [
            listed("2026-11-26T10:00:00Z", &[&one]),
            listed("2026-11-26T11:00:00Z", &[]),
            listed("2026-11-26T12:00:00Z", &[&two]),
        ]
    );
    whole(&store, &[one, two]);
}

#[test]
fn a_receipt_joins_the_hour_in_which_it_was_written() {
    let store = Memory::new();
    let one = store.at(at("2026-11-26T10:05:00Z")).receipt("one");
    let (late, bytes) = receipt(&signer(1), "acme", "late", at("2026-11-26T10:59:59Z"));
    store
        .at(at("2026-11-26T11:20:00Z"))
        .put(late.clone(), bytes);
    store
        .advance(hour("2026-11-26T11:00:00Z"))
        .expect("written");
    assert_eq!(store.listed()[1].1, std::slice::from_ref(&late));
    whole(&store, &[one, late]);
}

#[test]
fn a_receipt_listed_after_its_hours_digest_joins_the_next() {
    let store = Memory::new();
    let one = store.at(at("2026-11-26T10:05:00Z")).receipt("one");
    store
        .advance(hour("2026-11-26T10:00:00Z"))
        .expect("written");
    let unseen = store.at(at("2026-11-26T10:30:00Z")).receipt("unseen");
    store
        .advance(hour("2026-11-26T12:00:00Z"))
        .expect("written");
    assert_eq!(store.listed()[1].1, std::slice::from_ref(&unseen));
    whole(&store, &[one, unseen]);
}

#[test]
fn a_late_receipt_is_found_by_its_mark() {
    let store = Memory::new();
    let one = store.at(at("2026-11-20T10:05:00Z")).receipt("one");
    let (ended, written) = (at("2026-11-20T23:00:00Z"), at("2026-11-27T10:30:00Z"));
    assert!(is_late(ended, written) && !is_late(ended, at("2026-11-21T00:00:00Z")));
    let late = store.at(written).receipt_of_end("late", ended);
    store
        .advance(hour("2026-11-27T12:00:00Z"))
        .expect("written");
    whole(&store, &[one, late]);
}

#[test]
fn a_run_after_five_hours_writes_five_digests_in_order() {
    let store = Memory::new();
    let mut all = vec![store.at(at("2026-11-26T10:05:00Z")).receipt("first")];
    store
        .advance(hour("2026-11-26T10:00:00Z"))
        .expect("written");
    for n in 11..=15 {
        let then = at(&format!("2026-11-26T{n}:30:00Z"));
        all.push(store.at(then).receipt(&n.to_string()));
    }
    let written = store.advance(hour("2026-11-26T15:00:00Z"));
    assert_eq!(
        written,
        Ok(Progress {
            digests: 5,
            receipts: 5
        })
    );
    for (digest, object) in store.listed().iter().zip(&all) {
        assert_eq!(digest.1, std::slice::from_ref(object));
    }
    whole(&store, &all);
}

#[test]
fn of_two_concurrent_runs_one_writes_and_the_other_continues_from_it() {
    let store = Memory::new();
    let one = store.at(at("2026-11-26T10:05:00Z")).receipt("one");
    let other = store.clone();
    store.before_write(move || {
        // The second run also sees a receipt that the first did not see.
        let run = std::thread::spawn(move || {
            other.at(at("2026-11-26T10:06:00Z")).receipt("two");
            other.advance(hour("2026-11-26T11:00:00Z"))
        });
        run.join().expect("it runs").expect("written");
    });
    let lost = store.advance(hour("2026-11-26T12:00:00Z"));
    assert_eq!(
        lost,
        Ok(Progress {
            digests: 1,
            receipts: 0
        })
    );
    let two = store.listed()[0]
        .1
        .iter()
        .find(|object| **object != one)
        .cloned();
    whole(&store, &[one, two.expect("the winner listed both")]);
}

#[test]
fn a_receipt_written_after_an_early_digest_joins_a_later_one() {
    let store = Memory::new();
    let now = at("2026-11-26T10:05:00Z");
    let mut all = vec![store.at(now).receipt("one")];
    let early = Hour::newest_early(now);
    store.advance(early).expect("written");
    for n in 0..early.until().duration_since(now).as_hours() {
        let then = store.at(now + SignedDuration::from_hours(n));
        all.push(then.receipt(&n.to_string()));
    }
    store.advance(early.next()).expect("written");
    whole(&store, &all);
}

#[test]
fn a_run_that_dies_at_any_call_is_completed_by_the_next() {
    let fill = |store: &Memory| -> Vec<String> {
        let hours = ["10:05", "10:06", "11:30", "13:00"];
        let all = hours.iter().map(|then| {
            let then = at(&format!("2026-11-26T{then}:00Z"));
            store.at(then).receipt(&then.to_string())
        });
        all.collect()
    };
    let right = Memory::new();
    fill(&right);
    right
        .advance(hour("2026-11-26T13:00:00Z"))
        .expect("written");
    for calls in 0.. {
        let store = Memory::new();
        let all = fill(&store);
        store.dies_after(calls);
        let done = store.advance(hour("2026-11-26T13:00:00Z"));
        store.lives();
        store
            .advance(hour("2026-11-26T13:00:00Z"))
            .expect("written");
        whole(&store, &all);
        assert_eq!(store.listed(), right.listed(), "died after {calls} calls");
        if done.is_ok() {
            assert!(calls > 20, "{calls}");
            break;
        }
    }
}

#[test]
fn a_chain_does_not_continue_from_an_altered_or_missing_digest() {
    for place in [0, 1] {
        let store = Memory::new();
        store.at(at("2026-11-26T10:05:00Z")).receipt("one");
        store
            .advance(hour("2026-11-26T12:00:00Z"))
            .expect("written");
        let object = hour("2026-11-26T10:00:00Z").before(-place).object("acme");
        let mut bytes = store.remove(&object);
        let next = hour("2026-11-26T13:00:00Z");
        let missing = store.advance(next).expect_err("it is missing").to_string();
        assert!(missing.starts_with(&object), "{missing}");
        // The change is in the signature, so that the file still parses.
        let end = bytes.len() - 5;
        bytes[end] = if bytes[end] == b'A' { b'B' } else { b'A' };
        store.put(object.clone(), bytes);
        let altered = store.advance(next).expect_err("it is altered").to_string();
        assert!(altered.starts_with(&object), "{altered}");
    }
}

#[test]
fn a_tenant_with_a_chain_stays_in_it_without_any_receipt() {
    let store = Memory::new();
    let gone = store.at(at("2026-11-26T10:05:00Z")).receipt("one");
    store.put("receipts/globex/2026/11/26/x.json".to_owned(), Vec::new());
    store.put("receipts/Not A Tenant/x.json".to_owned(), Vec::new());
    store
        .advance(hour("2026-11-26T10:00:00Z"))
        .expect("written");
    store.remove(&gone);
    let queue =
        block_on(tenants(&store, &store, hour("2026-11-26T12:00:00Z"))).expect("it answers");
    assert_eq!(queue.recent, ["acme", "globex"]);
    store
        .advance(hour("2026-11-26T11:00:00Z"))
        .expect("written");
    assert_eq!(store.digests().len(), 2);
}

#[test]
fn the_largest_digest_is_within_the_readers_limit() {
    // The longest entry of a digest: object key, SHA-256 and time.
    let entry = Entry {
        object: receipt(&signer(1), &"t".repeat(63), "k", at("2026-11-26T10:00:00Z")).0,
        sha256: "0".repeat(64),
        written_at: "2026-11-26T10:00:00.000000000Z".to_owned(),
    };
    let one = serde_json::to_vec(&entry).expect("JSON").len() + 1;
    let most = MAX_RECEIPTS;
    assert!(
        most * one + 10_000 < holdfast_receipt::evidence::MAX_BYTES,
        "{one}"
    );
}

#[test]
fn a_backlog_of_more_than_a_day_is_listed_oldest_first() {
    let store = Memory::of_small_digests(1);
    let begun = at("2026-11-26T10:05:00Z");
    let written = (0..40).map(|n| {
        let at = begun + SignedDuration::from_secs(n);
        store.at(at).receipt(&n.to_string())
    });
    let all: Vec<_> = written.collect();
    let hours = (0..40).map(|n| Hour::of(begun).before(-n));
    for (n, hour) in hours.enumerate() {
        // Each run reads the end of the chain again.
        store.advance(hour).expect("written");
        let listed = store.listed().into_iter().flat_map(|(_, objects)| objects);
        assert_eq!(listed.collect::<Vec<_>>(), all[..=n], "{hour}");
    }
    whole(&store, &all);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Receipts are written at any time, up to two days after the end. Some are listed late. Runs
    /// come at any time; some are early, and some die.
    #[test]
    fn every_receipt_is_in_exactly_one_digest_under_any_fault(
        most in 1_usize..4,
        steps in prop::collection::vec((0_i64..200, 0_u8..5, 0_usize..40, 0_i64..=12), 1..40),
        delays in prop::collection::vec(prop_oneof![0_i64..=60, 0_i64..2_880], 40),
    ) {
        let store = Memory::of_small_digests(most);
        let mut now = at("2026-11-26T10:00:00Z");
        let mut all = Vec::new();
        for (n, (minutes, kind, calls, early)) in steps.into_iter().enumerate() {
            now += SignedDuration::from_mins(minutes);
            let seen_late = SignedDuration::from_mins(if kind == 1 { early * 10 } else { 0 });
            match kind {
                0 | 1 => all.push(store.at(now - seen_late).receipt(&n.to_string())),
                2 => {
                    let ended = now - SignedDuration::from_mins(delays[n]);
                    all.push(store.at(now).receipt_of_end(&n.to_string(), ended));
                }
                3 => {
                    store.dies_after(calls);
                    let _ = store.advance(Hour::newest_due(now));
                    store.lives();
                }
                _ => {
                    let last = Hour::newest_due(now).before(-early).min(Hour::newest_early(now));
                    store.advance(last).expect("it is written");
                }
            }
        }
        // The chain may have begun early, and each digest may be full.
        let last = Hour::newest_early(now + SignedDuration::from_hours(42));
        store.advance(last).expect("it is written");
        whole(&store, &all);
    }
}
