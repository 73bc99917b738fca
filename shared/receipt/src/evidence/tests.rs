//! Tests of sealed files: only the key that signed a file verifies it, and only unaltered.

use futures_executor::block_on;
use serde_json::{Value, json};

use super::*;

mod certificates;

fn signer(byte: u8) -> MemorySigner {
    MemorySigner::new(&[byte; 32]).expect("a key")
}

fn keys(signers: &[&MemorySigner]) -> Jwks {
    let keys: Vec<Value> = signers
        .iter()
        .map(|signer| signer.public().to_value())
        .collect();
    Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).expect("a key set")
}

fn receipt() -> Value {
    json!({ "execution_id": "0123", "status": "EXECUTED" })
}

fn sealed(by: &MemorySigner) -> Vec<u8> {
    block_on(by.receipt(receipt())).expect("it is signed")
}

#[test]
fn the_key_of_a_sealed_receipt_verifies_it_after_a_rotation_too() {
    let (old, new) = (signer(1), signer(2));
    let bytes = sealed(&old);
    for set in [keys(&[&old]), keys(&[&new, &old])] {
        let sealed = open(&bytes).expect("it is sealed");
        let kid = verify(&sealed.jws, Kind::Receipt, &sealed.payload, &set);
        assert_eq!(kid.as_deref(), Ok(old.public().kid()));
    }
}

#[test]
fn an_altered_byte_another_key_and_another_kind_are_refused() {
    let (own, other) = (signer(1), signer(2));
    let bytes = sealed(&own);
    let check = |bytes: &[u8], kind, set: &Jwks| {
        open(bytes).and_then(|sealed| {
            verify(&sealed.jws, kind, &sealed.payload, set).map_err(|error| error.to_string())
        })
    };
    let set = keys(&[&own]);
    check(&bytes, Kind::Receipt, &set).expect("it is as it was signed");
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 1;
        check(&altered, Kind::Receipt, &set).expect_err("it was altered");
    }
    check(&bytes, Kind::Digest, &set).expect_err("it is a receipt");
    check(&bytes, Kind::Receipt, &keys(&[&other])).expect_err("its key is not among them");
}

#[test]
fn an_unsigned_receipt_is_not_taken_for_a_sealed_one() {
    let bytes = block_on(NoSigner.receipt(receipt())).expect("canonical JSON");
    open(&bytes).expect_err("it has no signature");
}
