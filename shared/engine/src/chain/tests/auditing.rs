//! Tests of the audit of an intact mirror, and of the range that it covers.

use holdfast_receipt::chain::Fault;

use super::*;

/// Four hours of `acme`, with receipts in the first, third and fourth, and one that no digest can
/// list yet.
pub(super) fn mirror() -> (Memory, Vec<String>) {
    let store = Memory::new();
    let all = ["10:05", "10:06", "12:30", "13:10"].map(|then| {
        let then = at(&format!("2026-11-26T{then}:00Z"));
        store.at(then).receipt(&then.to_string())
    });
    store
        .advance(hour("2026-11-26T13:00:00Z"))
        .expect("written");
    store.at(at("2026-11-26T14:00:05Z")).receipt("newer");
    (store, all.to_vec())
}

pub(super) fn check(store: &Memory, from: &str, until: &str) -> Result<Audit, String> {
    audit(store, "acme", hour(from)..hour(until), hour(until), &keys())
}

/// The audit of all four hours.
pub(super) fn checked(store: &Memory) -> Audit {
    check(store, "2026-11-26T10:00:00Z", "2026-11-26T14:00:00Z").expect("there is a chain")
}

#[test]
fn an_intact_mirror_passes() {
    let audit = checked(&mirror().0);
    assert_eq!(audit.findings, []);
    assert_eq!((audit.receipts, audit.newer, audit.older), (4, 1, 0));
    assert_eq!(
        audit.kids.into_iter().collect::<Vec<_>>(),
        [signer(1).public().kid()]
    );
}

#[test]
fn a_range_within_the_chain_ignores_the_rest() {
    let (store, all) = mirror();
    // The first hour is outside the range.
    store.remove(&all[0]);
    let audit = check(&store, "2026-11-26T11:00:00Z", "2026-11-26T13:00:00Z");
    let audit = audit.expect("there is a chain");
    assert_eq!((audit.findings, audit.receipts), (vec![], 1));
}

#[test]
fn a_mirror_of_the_range_alone_passes() {
    let (store, _) = mirror();
    for n in [10, 11, 13] {
        store.remove(&hour(&format!("2026-11-26T{n}:00:00Z")).object("acme"));
    }
    let audit = check(&store, "2026-11-26T12:00:00Z", "2026-11-26T13:00:00Z");
    let audit = audit.expect("there is a chain");
    assert_eq!(audit.findings, []);
    assert_eq!((audit.receipts, audit.older, audit.newer), (1, 2, 2));
}

#[test]
fn a_range_that_begins_before_the_chain_is_checked_from_its_first_digest() {
    let (store, _) = mirror();
    let audit = check(&store, "2026-11-20T00:00:00Z", "2026-11-26T14:00:00Z");
    let audit = audit.expect("there is a chain");
    assert_eq!(audit.findings, []);
    assert_eq!(audit.hours.start, hour("2026-11-26T10:00:00Z"));
    let none = check(&store, "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
    assert_eq!(
        none.expect_err("there is nothing to check"),
        "the chain of tenant acme begins at 2026-11-26T10:00:00Z, after the range"
    );
    let none = audit_without_a_chain(&store);
    assert!(none.contains("no digest of tenant globex"), "{none}");
}

#[test]
fn a_digest_that_is_not_due_is_not_missed() {
    let (store, _) = mirror();
    let (first, last) = (hour("2026-11-26T10:00:00Z"), hour("2026-11-30T00:00:00Z"));
    let audited = |from: Hour, due| audit(&store, "acme", from..last, due, &keys());
    let audit = audited(first, hour("2026-11-26T14:00:00Z")).expect("there is a chain");
    assert_eq!(audit.findings, []);
    assert_eq!(audit.hours.end, hour("2026-11-26T14:00:00Z"));
    let audit = audited(first, hour("2026-11-26T15:00:00Z")).expect("there is a chain");
    let missing: Vec<_> = audit.findings.iter().map(|one| one.fault).collect();
    assert_eq!(missing, [Fault::Missing]);
    // A digest that was requested early is checked although it is not due.
    store.remove(&hour("2026-11-26T12:00:00Z").object("acme"));
    let audit = audited(first, hour("2026-11-26T11:00:00Z")).expect("there is a chain");
    assert_eq!(audit.findings[0].fault, Fault::Missing);
    let later = hour("2026-11-27T00:00:00Z");
    let none = audited(later, hour("2026-11-26T14:00:00Z")).expect_err("nothing is due");
    assert!(none.contains("due at 2026-11-26T15:15:00Z"), "{none}");
}

fn audit_without_a_chain(store: &Memory) -> String {
    let hours = hour("2026-11-26T10:00:00Z")..hour("2026-11-26T14:00:00Z");
    audit(store, "globex", hours.clone(), hours.end, &keys()).expect_err("it has no chain")
}

#[test]
fn a_retired_key_still_verifies_its_signatures() {
    let (store, _) = mirror();
    let then = at("2026-11-26T14:30:00Z");
    let (object, bytes) = receipt(&signer(2), "acme", "new key", then);
    store.at(then).put(object, bytes);
    let last = hour("2026-11-26T14:00:00Z");
    block_on(advance(&store, &store, &signer(2), "acme", last, last)).expect("written");
    let both = Jwks::new(vec![signer(2).public().clone(), signer(1).public().clone()]);
    let hours = hour("2026-11-26T10:00:00Z")..last.next();
    let audit = audit(&store, "acme", hours.clone(), hours.end, &both).expect("there is a chain");
    assert_eq!((audit.findings, audit.kids.len()), (vec![], 2));
}

/// `HOLDFAST_WRITE_SCHEMAS=1 cargo test -p holdfast-engine published` rewrites the schema.
#[test]
fn the_published_schema_is_that_of_the_code_and_digests_match_it() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas");
    let file = folder.join("digest.json");
    let right = format!("{:#}\n", ReceiptDigest::schema());
    if std::env::var_os("HOLDFAST_WRITE_SCHEMAS").is_some() {
        std::fs::write(&file, &right).expect("docs can be written");
    }
    let stored = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(stored, right, "{} is stale", file.display());
    let schema = jsonschema::validator_for(&ReceiptDigest::schema()).expect("a schema");
    let (store, _) = mirror();
    for n in 10..14 {
        let object = hour(&format!("2026-11-26T{n}:00:00Z")).object("acme");
        let digest = value(&store.object(&object).expect("a digest"));
        assert!(schema.is_valid(&digest), "{digest}");
    }
}
