//! Tests of the audit of an injured mirror: each injury is named with its first place.

use serde_json::Value;

use super::{
    auditing::{checked, mirror},
    *,
};
use holdfast_receipt::evidence::{Kind, seal};

/// Returns the first finding in an injured mirror, and the number of findings.
#[track_caller]
fn first(injure: impl FnOnce(&Memory, &[String])) -> (String, usize) {
    let (store, all) = mirror();
    injure(&store, &all);
    let findings = checked(&store).findings;
    let first = findings.first().expect("it is noticed").to_string();
    (first, findings.len())
}

/// Asserts that the injury at this object is the only finding.
#[track_caller]
fn only(what: &str, object: &str, why: &str, injure: impl FnOnce(&Memory, &[String])) {
    let (first, count) = first(injure);
    let begins = format!("{what}: {object}: ");
    assert!(first.starts_with(&begins) && first.contains(why), "{first}");
    assert_eq!(count, 1, "{first}");
}

fn digest(n: u8) -> String {
    hour(&format!("2026-11-26T{n}:00:00Z")).object("acme")
}

/// Returns the bytes with one of them changed.
fn flipped(mut bytes: Vec<u8>, place: usize) -> Vec<u8> {
    bytes[place] ^= 1;
    bytes
}

/// Returns the file with changes, signed by this key.
fn resigned(by: &MemorySigner, bytes: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut file = value(bytes);
    file.as_object_mut().expect("an object").remove("signature");
    change(&mut file);
    block_on(seal(by, Kind::Digest, file)).expect("it is signed")
}

#[test]
fn an_altered_byte_anywhere_in_a_receipt_or_digest_is_named() {
    let (store, all) = mirror();
    for object in [&all[2], &digest(12)] {
        let right = store.object(object).expect("it is there");
        for place in 0..right.len() {
            store.put(object.clone(), flipped(right.clone(), place));
            let first = checked(&store).findings.first().map(Finding::to_string);
            let first = first.unwrap_or_else(|| panic!("byte {place} of {object} is not missed"));
            assert!(
                first.starts_with(&format!("altered: {object}: ")),
                "{first}"
            );
        }
        store.put(object.clone(), right);
    }
}

#[test]
fn a_truncated_file_is_altered() {
    for cut in [0, 1, 100] {
        let (_, all) = mirror();
        only("altered", &all[1], "its SHA-256 is", |store, all| {
            let bytes = store.object(&all[1]).expect("it is there");
            store.put(all[1].clone(), bytes[..cut].to_vec());
        });
        only("altered", &digest(11), "not JSON", |store, _| {
            let bytes = store.object(&digest(11)).expect("it is there");
            store.put(digest(11), bytes[..cut].to_vec());
        });
    }
}

#[test]
fn a_removed_receipt_is_missing() {
    let (_, all) = mirror();
    only(
        "missing",
        &all[2],
        &format!("{} lists it", digest(12)),
        |store, all| {
            store.remove(&all[2]);
        },
    );
}

#[test]
fn a_removed_digest_is_missing_even_if_it_is_the_last() {
    for n in [11, 12, 13] {
        only(
            "missing",
            &digest(n),
            "a digest covers every hour",
            |store, _| {
                store.remove(&digest(n));
            },
        );
    }
    // The first digest: no other digest shows that the chain begins later.
    only(
        "missing",
        &digest(10),
        "a digest covers every hour",
        |store, _| {
            store.remove(&digest(10));
        },
    );
}

#[test]
fn a_renamed_receipt_is_moved_and_its_new_key_is_named() {
    let (_, all) = mirror();
    let elsewhere = "receipts/acme/2026/11/27/elsewhere.json";
    only("moved", &all[1], elsewhere, |store, all| {
        let bytes = store.remove(&all[1]);
        store.put(elsewhere.to_owned(), bytes);
    });
}

#[test]
fn two_swapped_receipts_are_moved() {
    let (first, count) = first(|store, all| {
        let (one, two) = (store.remove(&all[0]), store.remove(&all[1]));
        store.put(all[0].clone(), two);
        store.put(all[1].clone(), one);
    });
    assert!(first.starts_with("moved: receipts/acme/"), "{first}");
    assert!(
        first.contains("it holds the bytes of receipts/acme/"),
        "{first}"
    );
    assert_eq!(count, 2);
}

#[test]
fn an_added_receipt_is_named_even_if_it_is_signed() {
    let (object, bytes) = receipt(&signer(1), "acme", "added", at("2026-11-26T10:10:00Z"));
    let place = object.clone();
    only(
        "added",
        &object,
        "no digest lists it, though it ended at",
        move |store, _| {
            store.put(place, bytes);
        },
    );
    let forged = receipt(&signer(9), "acme", "forged", at("2026-11-26T10:10:00Z"));
    let place = forged.0.clone();
    only("added", &place, "not in the key set", move |store, _| {
        store.put(forged.0, forged.1)
    });
    let stray = "receipts/acme/2026/11/26/notes.txt";
    only("added", stray, "it is not JSON", move |store, _| {
        store.put(stray.to_owned(), b"hello".to_vec());
    });
}

#[test]
fn a_copy_of_a_receipt_is_added() {
    let copy = "receipts/acme/2026/11/26/copy.json";
    only(
        "added",
        copy,
        "it is a copy of receipts/acme/",
        |store, all| {
            let bytes = store.object(&all[0]).expect("it is there");
            store.put(copy.to_owned(), bytes);
        },
    );
}

#[test]
fn another_tenants_receipt_is_added_or_altered() {
    let (object, bytes) = receipt(&signer(1), "globex", "theirs", at("2026-11-26T10:10:00Z"));
    let here = object.replace("/globex/", "/acme/");
    let (place, other) = (here.clone(), bytes.clone());
    only(
        "added",
        &here,
        &format!("it belongs at {object}"),
        move |store, _| {
            store.put(place, other);
        },
    );
    let (_, all) = mirror();
    only("altered", &all[0], "its SHA-256 is", move |store, all| {
        store.put(all[0].clone(), bytes);
    });
}

#[test]
fn a_digest_that_replaces_another_is_moved() {
    only(
        "moved",
        &digest(12),
        "the hour from 2026-11-26T11:00:00Z",
        |store, _| {
            let older = store.object(&digest(11)).expect("it is there");
            store.put(digest(12), older);
        },
    );
    only(
        "moved",
        &digest(11),
        "a digest of tenant globex",
        |store, _| {
            let mine = store.object(&digest(11)).expect("it is there");
            let theirs = resigned(&signer(1), &mine, |file| file["tenant"] = "globex".into());
            store.put(digest(11), theirs);
        },
    );
}

#[test]
fn a_resigned_digest_is_altered_or_breaks_the_chain() {
    let again = |by: u8, n: u8, change: fn(&mut Value)| {
        move |store: &Memory, _: &[String]| {
            let bytes = store.object(&digest(n)).expect("it is there");
            store.put(digest(n), resigned(&signer(by), &bytes, change));
        }
    };
    only(
        "altered",
        &digest(12),
        "not in the key set",
        again(9, 12, |_| {}),
    );
    let leaves_out = |file: &mut Value| file["receipts"] = serde_json::json!([]);
    let why = "not the digest that the next one follows: its SHA-256 is";
    only("altered", &digest(12), why, again(1, 12, leaves_out));
    let begins = |file: &mut Value| {
        file.as_object_mut().expect("an object").remove("previous");
    };
    let (first, _) = first(again(1, 13, begins));
    let blamed = format!("altered: {}: ", digest(12));
    assert!(
        first.starts_with(&blamed) && first.contains("says none"),
        "{first}"
    );
}

#[test]
fn a_receipt_that_a_signed_digest_lists_must_be_signed_itself() {
    let store = Memory::new();
    let then = at("2026-11-26T10:05:00Z");
    let (object, bytes) = receipt(&signer(9), "acme", "forged", then);
    store.at(then).put(object.clone(), bytes);
    store
        .advance(hour("2026-11-26T13:00:00Z"))
        .expect("written");
    let first = checked(&store).findings[0].to_string();
    assert!(
        first.starts_with(&format!("altered: {object}: ")),
        "{first}"
    );
    assert!(first.contains("not in the key set"), "{first}");
}

#[test]
fn an_overwritten_receipt_is_altered_even_if_a_later_digest_lists_it() {
    let store = Memory::new();
    let object = store.at(at("2026-11-26T10:05:00Z")).receipt("one");
    store
        .advance(hour("2026-11-26T10:00:00Z"))
        .expect("written");
    let (_, other) = receipt(&signer(1), "acme", "other", at("2026-11-26T10:05:00Z"));
    store
        .at(at("2026-11-27T12:05:00Z"))
        .put(object.clone(), other);
    store
        .advance(hour("2026-11-27T13:00:00Z"))
        .expect("written");
    let findings = checked(&store).findings;
    let first = findings[0].to_string();
    assert!(
        first.starts_with(&format!("altered: {object}: ")),
        "{first}"
    );
}

#[test]
fn a_stray_file_among_the_digests_is_added() {
    let stray = "digests/acme/2026/11/26/10.txt";
    only("added", stray, "no digest has this name", |store, _| {
        store.put(stray.to_owned(), Vec::new());
    });
}
