//! Tests of quiet tenants: their digests span the hours without receipts, and thousands of them
//! delay no other tenant.

use holdfast_receipt::chain::{Fault, SPAN_MAX};

use super::{
    super::{ChainHeads, Queue},
    *,
};

const FIRST: &str = "2026-11-20T10:00:00Z";

/// A store in which `acme` had one receipt, and a run in each of the `hours` after its hour.
fn quiet_for(hours: i64) -> Memory {
    let store = Memory::new();
    store.at(at(FIRST)).receipt("one");
    for n in 0..=hours {
        store.advance(after(n)).expect("written");
    }
    store
}

/// The hour that is `hours` after the first one.
fn after(hours: i64) -> Hour {
    hour(FIRST).before(-hours)
}

/// The hours that each digest covers.
fn spans(store: &Memory) -> Vec<i64> {
    let digests = store.digests().into_iter();
    digests
        .map(|digest| {
            at(&digest.until)
                .duration_since(at(&digest.from))
                .as_hours()
        })
        .collect()
}

fn audited(store: &Memory, due: Hour) -> Audit {
    audit(store, "acme", hour(FIRST)..due, due, &keys()).expect("there is a chain")
}

#[test]
fn after_a_day_without_receipts_one_digest_a_day_covers_every_hour() {
    let store = quiet_for(3 * 24 + 5);
    let mut expected = vec![1; 25];
    expected.extend([24, 24]);
    assert_eq!(spans(&store), expected);
    for due in [after(3 * 24 + 1), after(3 * 24 + 6), after(4 * 24)] {
        assert_eq!(audited(&store, due).findings, [], "{due}");
    }
}

#[test]
fn a_quiet_tenants_next_receipt_ends_the_span_in_its_hour() {
    let store = quiet_for(24 + 7);
    let then = after(24 + 8).from() + SignedDuration::from_mins(5);
    let woken = store.at(then).receipt("two");
    store.advance(after(24 + 8)).expect("written");
    let last = store.digests().pop().expect("a digest");
    assert_eq!((spans(&store).pop(), last.receipts.len()), (Some(8), 1));
    assert_eq!(last.receipts[0].object, woken);
    // The tenant is no longer quiet.
    store.advance(after(24 + 9)).expect("written");
    assert_eq!(spans(&store).pop(), Some(1));
    assert_eq!(audited(&store, after(24 + 10)).findings, []);
}

#[test]
fn hours_that_are_not_due_get_a_digest_each_so_that_concurrent_runs_agree() {
    let store = quiet_for(24);
    store
        .advance_by(after(24 + 5), after(24 + 2))
        .expect("written");
    assert_eq!(spans(&store), vec![1; 24 + 6]);
}

/// A quiet tenant costs two reads and two lists an hour: its head, its last digest, its receipts
/// and its marks.
#[test]
fn a_quiet_hour_costs_four_requests_and_no_write() {
    let store = quiet_for(2 * 24);
    let before = store.digests();
    store.dies_after(5);
    assert_eq!(store.advance(after(2 * 24 + 3)), Ok(Progress::default()));
    store.lives();
    assert_eq!(store.digests(), before);
}

#[test]
fn a_removed_digest_of_a_quiet_tenant_is_missing() {
    let all = quiet_for(3 * 24).digests().len();
    for n in 0..all {
        let store = quiet_for(3 * 24);
        let digest = store.digests().remove(n);
        let last = Hour::of(at(&digest.until)).before(1);
        store.remove(&last.object("acme"));
        let findings = audited(&store, after(3 * 24 + 1)).findings;
        assert!(!findings.is_empty(), "digest {n}");
        assert!(findings.iter().all(|one| one.fault == Fault::Missing));
        // The hours after the last digest were missed one by one, and others name the one digest.
        let named = findings.iter().any(|one| one.object == last.object("acme"));
        assert!(named, "digest {n}: {findings:?}");
        assert!(findings.len() == 1 || n + 1 == all, "{findings:?}");
    }
}

/// A run writes the digest and dies before its head. Then a receipt of an earlier hour appears.
#[test]
fn a_digest_of_a_run_that_died_is_adopted_and_no_hour_is_covered_twice() {
    for early in [0, 3] {
        let store = quiet_for(24 + 7);
        let hours = [8, 7].map(|n| after(24 + n).from() + SignedDuration::from_mins(5));
        let one = store.at(hours[0]).receipt("two");
        // Head, five reads and lists, and the digest; its answer is lost.
        let died = (5..40).find(|calls| {
            store.dies_after(*calls);
            let died = store.advance(after(24 + 8)).is_err();
            store.lives();
            died && store.object(&after(24 + 8).object("acme")).is_some()
        });
        assert!(died.is_some(), "a run left a digest without a head");
        let two = store.at(hours[1]).receipt("three");
        let last = after(24 + 9 + early);
        store.advance_by(last, after(24 + 9)).expect("written");
        let listed: Vec<_> = store
            .listed()
            .into_iter()
            .flat_map(|(_, all)| all)
            .collect();
        assert_eq!(listed[1..], [one, two]);
        assert_eq!(audited(&store, last.next()).findings, []);
    }
}

#[test]
fn a_receipt_in_hours_without_a_digest_is_added_even_if_the_tenant_was_quiet() {
    let store = quiet_for(24 + 7);
    store.at(after(24 + 2).from()).receipt("hidden");
    let findings = audited(&store, after(24 + 8)).findings;
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].fault, Fault::Added);
}

#[test]
fn a_digest_that_covers_another_digests_hours_is_altered() {
    let store = quiet_for(2 * 24);
    let object = after(2 * 24).object("acme");
    let mut file = value(&store.object(&object).expect("a digest"));
    file.as_object_mut().expect("an object").remove("signature");
    let first = at(file["from"].as_str().expect("a time")) - SignedDuration::from_hours(1);
    file["from"] = first.to_string().into();
    file["until"] = (after(2 * 24).from()).to_string().into();
    let forged = block_on(seal(&signer(1), Kind::Digest, file)).expect("signed");
    store.put(after(2 * 24 - 1).object("acme"), forged);
    let findings = audited(&store, after(2 * 24 + 1)).findings;
    assert_eq!(findings[0].fault, Fault::Altered, "{findings:?}");
}

#[test]
fn a_span_of_more_than_a_day_is_no_digest() {
    let first = after(0);
    let digest = |last| ReceiptDigest::new("acme", (first, last), Vec::new(), None);
    for (span, right) in [
        (1, true),
        (SPAN_MAX, true),
        (SPAN_MAX + 1, false),
        (0, false),
    ] {
        let last = after(span - 1);
        assert_eq!(digest(last).check("acme", last).is_ok(), right, "{span}");
    }
}

fn heads(quiet: usize, cursor: Option<&str>) -> ChainHeads {
    let mut heads = ChainHeads::default();
    for n in 0..quiet {
        let hour = after((n % 20) as i64);
        heads.hours.insert(format!("quiet-{n:05}"), hour);
    }
    heads.hours.insert("acme".to_owned(), after(24));
    heads.hours.insert("zeta".to_owned(), after(23));
    // Digests of hours that are not over were requested.
    heads.hours.insert("early".to_owned(), after(30));
    heads.cursor = cursor.map(str::to_owned);
    heads
}

#[test]
fn recent_tenants_come_before_thousands_of_quiet_ones() {
    let named = ["new", "quiet-00007", "Not A Tenant"].map(str::to_owned);
    let queue = Queue::of(named, &heads(5_000, None), after(24));
    assert_eq!(queue.recent, ["acme", "early", "new", "zeta"]);
    assert_eq!(queue.quiet.len(), 5_000);
    assert!(queue.quiet.is_sorted());
}

/// Each run has time for 700 quiet tenants only.
#[test]
fn runs_that_stop_early_reach_every_quiet_tenant_once_before_any_twice() {
    let (mut reached, mut cursor) = (Vec::new(), None);
    while reached.len() < 5_000 {
        let queue = Queue::of([], &heads(5_000, cursor.as_deref()), after(24));
        assert_eq!(
            queue.recent,
            ["acme", "early", "zeta"],
            "each run begins with them"
        );
        let some = queue.quiet.into_iter().take(700);
        reached.extend(some);
        cursor = reached.last().cloned();
    }
    reached.truncate(5_000);
    let mut names = reached.clone();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 5_000);
}
