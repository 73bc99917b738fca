//! Tests of the head: it shows what was written even if the store has lost it.

use super::*;

/// Three receipts in three hours, with the last digest at 12:00.
fn three() -> (Memory, Vec<String>) {
    let store = Memory::new();
    let receipts = ["10:05", "11:05", "12:05"].map(|then| {
        let then = at(&format!("2026-11-26T{then}:00Z"));
        store.at(then).receipt(&then.to_string())
    });
    store
        .advance(hour("2026-11-26T12:00:00Z"))
        .expect("written");
    (store, receipts.to_vec())
}

fn digests_from(text: &str) -> Vec<String> {
    let first = hour(text);
    let hours = (0..).map(|n| first.before(-n));
    hours
        .take_while(|one| *one <= hour("2026-11-26T12:00:00Z"))
        .map(|one| one.object("acme"))
        .collect()
}

#[test]
fn a_receipt_deleted_with_all_later_digests_breaks_the_chain() {
    for from in 10..=12 {
        let (store, receipts) = three();
        store.remove(&receipts[from - 10]);
        let gone = digests_from(&format!("2026-11-26T{from}:00:00Z"));
        for object in &gone {
            store.remove(object);
        }
        let before = store.digests();
        let refused = store.advance(hour("2026-11-26T13:00:00Z"));
        let refused = refused.expect_err("an object was deleted");
        let last = hour("2026-11-26T12:00:00Z").object("acme");
        let why = "the chain is broken: it is missing, and was the last one written";
        assert_eq!(refused.to_string(), format!("{last}: {why}"));
        assert_eq!(store.digests(), before, "nothing was written again");
    }
}

#[test]
fn a_tenant_without_any_object_left_is_still_checked() {
    let (store, receipts) = three();
    for object in receipts.iter().chain(&digests_from("2026-11-26T10:00:00Z")) {
        store.remove(object);
    }
    let queue =
        block_on(tenants(&store, &store, hour("2026-11-26T12:00:00Z"))).expect("it answers");
    assert_eq!(queue.recent, ["acme"]);
    let refused = store.advance(hour("2026-11-26T13:00:00Z"));
    refused.expect_err("an object was deleted");
}

#[test]
fn another_digest_of_the_last_hour_breaks_the_chain() {
    let (store, receipts) = three();
    let last = hour("2026-11-26T12:00:00Z");
    let right = store.remove(&last.object("acme"));
    // The other digest lacks the receipt and is signed by the right key.
    let other = Memory::new();
    for (object, (written_at, bytes)) in store.held.lock().unwrap().objects.clone() {
        other.at(written_at).put(object, bytes);
    }
    other.remove(&receipts[2]);
    other.advance(last).expect("written");
    let again = other.object(&last.object("acme")).expect("a digest");
    assert_ne!(again, right);
    store.put(last.object("acme"), again);
    let refused = store.advance(last.next()).expect_err("it is another");
    assert!(refused.to_string().contains("not the digest"), "{refused}");
    store.put(last.object("acme"), right);
    store
        .advance(last.next())
        .expect("the written digest is restored");
}

#[test]
fn a_chain_without_a_head_gets_one_before_its_next_digest() {
    let (store, _) = three();
    let head = store.stored_head().expect("it has one");
    store.held.lock().unwrap().heads.clear();
    // Before the next digest is written, the head already names the last one.
    store.before_write({
        let other = store.clone();
        move || assert_eq!(other.stored_head(), Some(head))
    });
    let next = hour("2026-11-26T13:00:00Z");
    store.advance(next).expect("written");
    assert_eq!(store.stored_head().map(|head| head.hour), Some(next));
}

#[test]
fn a_chain_does_not_continue_from_a_digest_that_does_not_name_the_last() {
    let (store, _) = three();
    let next = hour("2026-11-26T13:00:00Z");
    let elsewhere = Memory::new();
    elsewhere.at(at("2026-11-26T13:05:00Z")).receipt("other");
    elsewhere.advance(next).expect("written");
    let planted = elsewhere.object(&next.object("acme")).expect("a digest");
    store.put(next.object("acme"), planted);
    let refused = store.advance(next).expect_err("it begins another chain");
    assert!(refused.to_string().contains("does not name"), "{refused}");
    assert_eq!(
        store.stored_head().map(|head| head.hour),
        Some(next.before(1)),
        "the head stays"
    );
}

#[test]
fn a_digest_that_another_key_signed_is_not_adopted() {
    let next = hour("2026-11-26T13:00:00Z");
    for without_head in [false, true] {
        let (store, _) = three();
        let head = store.stored_head().expect("it has one");
        // The planted digest continues the chain, as far as its content says.
        let (copy, _) = three();
        copy.advance(next).expect("written");
        let bytes = copy.object(&next.object("acme")).expect("a digest");
        let mut value: Value = serde_json::from_slice(&bytes).expect("JSON");
        value
            .as_object_mut()
            .expect("an object")
            .remove("signature");
        let planted = block_on(seal(&signer(9), Kind::Digest, value)).expect("sealed");
        store.put(next.object("acme"), planted);
        if without_head {
            store.held.lock().unwrap().heads.clear();
        }
        let refused = store.advance(next).expect_err("it is not ours");
        assert!(refused.to_string().contains("not adopted"), "{refused}");
        let expected = (!without_head).then_some(head);
        assert_eq!(store.stored_head(), expected, "the head stays");
    }
}

#[test]
fn a_tenant_whose_digest_is_written_costs_one_read() {
    let (store, _) = three();
    for last in ["2026-11-26T12:00:00Z", "2026-11-26T11:00:00Z"] {
        // A second call would get no answer.
        store.dies_after(2);
        assert_eq!(store.advance(hour(last)), Ok(Progress::default()));
    }
}

#[test]
fn a_head_only_goes_forward() {
    let head = |text, bytes: &[u8]| Head::of(hour(text), bytes);
    let stored = head("2026-11-26T12:00:00Z", b"one");
    let follows = |next: Head| next.may_follow(Some(&stored));
    assert!(stored.may_follow(None) && follows(stored.clone()));
    assert!(follows(head("2026-11-26T13:00:00Z", b"two")));
    assert!(!follows(head("2026-11-26T12:00:00Z", b"two")));
    assert!(!follows(head("2026-11-26T11:00:00Z", b"one")));
}
