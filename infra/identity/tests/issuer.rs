//! Tokens verify by the published key, and by no other.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use holdfast_identity::Issuer;
use serde_json::{Value, json};

fn verifies(token: &str, keys: &Value) -> bool {
    let (signed, signature) = token.rsplit_once('.').expect("three parts");
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
    let number = |name: &str| bytes(keys["keys"][0][name].as_str().expect("a number"));
    let key = RsaPublicKeyComponents {
        n: number("n"),
        e: number("e"),
    };
    key.verify(
        &RSA_PKCS1_2048_8192_SHA256,
        signed.as_bytes(),
        &bytes(signature),
    )
    .is_ok()
}

#[test]
fn a_token_verifies_by_the_key_set_of_its_issuer_and_of_no_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("issuer.der");
    let issuer = Issuer::open(&file).expect("a new key");
    let again = Issuer::open(&file).expect("the same key");
    let token = issuer.token(&json!({ "sub": "zoe" })).expect("a token");
    assert!(verifies(&token, &again.key_set().expect("a key set")));
    let other = Issuer::new()
        .expect("another key")
        .key_set()
        .expect("a key set");
    assert!(!verifies(&token, &other));
    let kids = [
        issuer.header()["kid"].clone(),
        other["keys"][0]["kid"].clone(),
    ];
    assert_ne!(kids[0], kids[1]);
}

#[test]
fn a_file_that_is_no_key_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("issuer.der");
    std::fs::write(&file, "hello").expect("written");
    Issuer::open(&file).expect_err("no key");
    assert_eq!(std::fs::read(&file).expect("read"), b"hello");
}
