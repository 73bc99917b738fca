//! Attacks by files that a thief of a short-lived key forges. `tests/support/verify.py` refuses
//! each of them with its reason, by another JOSE library than ours. So does our own verifier. These
//! tests need no stack.

use std::{fs, process::Command};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_executor::block_on;
use holdfast_ids::digest::{canonical, sha256_hex};
use holdfast_receipt::evidence::{
    Jwks, Kind, MemorySigner, Signer, from_der, open, signatory, with_signature,
};
use serde_json::{Value, json};

use crate::none_succeeded;

const DEPLOYMENT: &str = "210987654321/eu-central-1/holdfast";

/// The key pair whose secret consists of this byte.
fn signer(byte: u8) -> MemorySigner {
    MemorySigner::new(&[byte; 32]).expect("a key")
}

/// The key of the deployment, which the key set has.
fn deployment_key() -> MemorySigner {
    signer(1)
}

/// The short-lived key, which the thief has.
fn stolen_key() -> MemorySigner {
    signer(9)
}

/// The members of an object, with a member set to a value or, if it is null, removed.
fn with(mut object: Value, name: &str, value: impl Into<Value>) -> Value {
    let members = object.as_object_mut().expect("an object");
    match value.into() {
        Value::Null => members.remove(name),
        value => members.insert(name.to_owned(), value),
    };
    object
}

fn header(by: &MemorySigner, kind: Kind) -> Value {
    json!({ "alg": "ES256", "kid": by.kid(), "typ": kind.typ() })
}

/// The header, the payload and the signature of a JWS, each in base64url.
fn signed(by: &MemorySigner, header: &[u8], payload: &[u8]) -> [String; 3] {
    let [header, payload] = [header, payload].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    let hash = sha256_hex(format!("{header}.{payload}").as_bytes());
    let byte = |n: usize| u8::from_str_radix(&hash[2 * n..2 * n + 2], 16).expect("hex");
    let der = block_on(by.sign(std::array::from_fn(byte))).expect("it is signed");
    let signature = from_der(&der).expect("DER");
    [header, payload, BASE64_URL_SAFE_NO_PAD.encode(signature)]
}

fn bytes(value: &Value) -> Vec<u8> {
    canonical(value).expect("JSON")
}

/// The certificate of the stolen key, valid from a quarter to ten until eleven.
fn certificate() -> Value {
    let public = stolen_key().public().to_value();
    json!({
        "deployment": DEPLOYMENT,
        "function_version": "7",
        "jwk": { "crv": "P-256", "kty": "EC", "x": public["x"], "y": public["y"] },
        "not_after": "2026-11-29T11:00:00Z",
        "not_before": "2026-11-29T09:45:00Z",
    })
}

/// The compact JWS of a certificate.
fn certified(by: &MemorySigner, certificate: &Value) -> String {
    let header = header(by, Kind::Certificate);
    signed(by, &bytes(&header), &bytes(certificate)).join(".")
}

/// A certificate that the deployment's key signed, with one member changed.
fn certified_with(name: &str, value: impl Into<Value>) -> String {
    certified(&deployment_key(), &with(certificate(), name, value))
}

fn receipt() -> Value {
    json!({
        "certificate": certified(&deployment_key(), &certificate()),
        "deployment": DEPLOYMENT,
        "execution_id": "0123",
        "status": "EXECUTED",
        "timestamp": "2026-11-29T10:00:00Z",
    })
}

/// The sealed file of a key, with this header.
fn sealed_under(by: &MemorySigner, header: &[u8], value: Value) -> Vec<u8> {
    let [header, _, signature] = signed(by, header, &bytes(&value));
    with_signature(value, &format!("{header}..{signature}")).expect("it is sealed")
}

fn sealed(by: &MemorySigner, kind: Kind, value: Value) -> Vec<u8> {
    sealed_under(by, &bytes(&header(by, kind)), value)
}

/// The receipt with one member changed, signed by the stolen key.
fn forged(name: &str, value: impl Into<Value>) -> Vec<u8> {
    sealed(&stolen_key(), Kind::Receipt, with(receipt(), name, value))
}

/// A forged receipt, and a part of the reason why Python refuses it.
type Forgery = (Vec<u8>, &'static str);

/// Receipts whose certificate the deployment did not sign, or not for this.
fn forged_certificates() -> Vec<Forgery> {
    let own = deployment_key();
    let kinds = |kind| signed(&own, &bytes(&header(&own, kind)), &bytes(&certificate())).join(".");
    let right = certified(&own, &certificate());
    let (unsigned, _) = right.rsplit_once('.').expect("a JWS");
    let spaced = [bytes(&certificate()), b" ".to_vec()].concat();
    let certificate_header = bytes(&header(&own, Kind::Certificate));
    let spaced = signed(&own, &certificate_header, &spaced).join(".");
    let key = || certificate()["jwk"].clone();
    let cases: [(Value, &str); 16] = [
        (certified(&stolen_key(), &certificate()).into(), "and only"),
        (certified(&signer(2), &certificate()).into(), "and only"),
        (
            format!("{unsigned}.{}", "A".repeat(86)).into(),
            "BadSignature",
        ),
        (kinds(Kind::Receipt).into(), "typ is holdfast-receipt+jws"),
        (kinds(Kind::Digest).into(), "typ is holdfast-digest+jws"),
        (spaced.into(), "certificate is not canonical JSON"),
        (certified_with("ca", true).into(), "has the members"),
        (
            certified_with("function_version", Value::Null).into(),
            "has the members",
        ),
        (
            certified_with("deployment", "another").into(),
            "the deployment another, not of",
        ),
        (
            certified_with("not_after", "2026-11-29T11:45:01Z").into(),
            "two hours at most",
        ),
        (
            certified_with("not_after", "2026-11-29T09:00:00Z").into(),
            "two hours at most",
        ),
        (
            certified_with("not_after", "2026-11-29T12:00:00+01:00").into(),
            "not_after is no time",
        ),
        (
            certified_with("jwk", with(key(), "d", "AQ")).into(),
            "crv, kty, x and y",
        ),
        (
            certified_with("jwk", with(key(), "use", "sig")).into(),
            "crv, kty, x and y",
        ),
        (
            certified_with("jwk", with(key(), "crv", "P-384")).into(),
            "crv, kty, x and y",
        ),
        (7.into(), "certificate is not a text"),
    ];
    let cases = cases.into_iter();
    cases
        .map(|(certificate, why)| (forged("certificate", certificate), why))
        .collect()
}

/// Receipts that the stolen key may not sign, under its true certificate.
fn forged_receipts() -> Vec<Forgery> {
    let (own, stolen) = (deployment_key(), stolen_key());
    let usual = || header(&stolen, Kind::Receipt);
    let under = |header: Value| sealed_under(&stolen, &bytes(&header), receipt());
    let reordered = format!(
        r#"{{"typ":"holdfast-receipt+jws","alg":"ES256","kid":"{}"}}"#,
        stolen.kid()
    );
    let alone = "alg, kid and typ alone";
    vec![
        (
            forged("timestamp", "2026-11-29T11:00:01Z"),
            "outside its certificate's time",
        ),
        (
            forged("timestamp", "2026-11-29T09:44:59Z"),
            "outside its certificate's time",
        ),
        (forged("timestamp", "soon"), "timestamp is no time"),
        (forged("timestamp", Value::Null), "timestamp is no time"),
        (
            forged("deployment", "210987654321/eu-central-1/staging"),
            "eu-central-1/staging",
        ),
        (forged("deployment", Value::Null), "not of None"),
        (forged("certificate", Value::Null), "and only"),
        (sealed(&own, Kind::Receipt, receipt()), "and only"),
        (sealed(&signer(8), Kind::Receipt, receipt()), "and only"),
        (
            sealed(&stolen, Kind::Digest, receipt()),
            "typ is holdfast-digest+jws",
        ),
        (
            sealed(&stolen, Kind::Certificate, receipt()),
            "typ is holdfast-certificate+jws",
        ),
        (under(with(usual(), "alg", "none")), "alg is none"),
        (under(with(usual(), "typ", Value::Null)), alone),
        (under(with(usual(), "kid", Value::Null)), alone),
        (under(with(usual(), "crit", json!(["exp"]))), alone),
        (
            under(with(usual(), "jwk", stolen.public().to_value())),
            alone,
        ),
        (under(with(usual(), "cty", "json")), alone),
        (
            sealed_under(&stolen, reordered.as_bytes(), receipt()),
            alone,
        ),
    ]
}

/// The id of the key by which Python verifies a file, or the reason why Python refuses it.
fn python(file: &[u8], kind: Kind) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let [file_path, keys_path] = ["file.json", "keys.json"].map(|name| folder.path().join(name));
    let keys = json!({ "keys": [deployment_key().public().to_value()] });
    fs::write(&file_path, file).expect("it is written");
    fs::write(&keys_path, keys.to_string()).expect("it is written");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/support/verify.py");
    let mut command = Command::new("python3");
    let command = command.arg(script).args([file_path, keys_path]);
    let ran = command.arg(kind.typ()).output();
    let ran = ran.expect("the Python that make up installs");
    let text = |output| String::from_utf8_lossy(output).trim().to_owned();
    match ran.status.success() {
        true => Ok(text(&ran.stdout)),
        false => Err(text(&ran.stderr)),
    }
}

fn ours(file: &[u8], kind: Kind) -> Result<String, String> {
    let keys = json!({ "keys": [deployment_key().public().to_value()] });
    let keys = Jwks::parse(keys.to_string().as_bytes())?;
    Ok(signatory(&open(file)?, kind, &keys)?.kid)
}

#[test]
fn no_file_that_a_stolen_key_forges_is_verified_by_another_jose_library() {
    let (own, stolen) = (deployment_key(), stolen_key());
    let direct = with(receipt(), "certificate", Value::Null);
    for (honest, kind) in [
        (sealed(&stolen, Kind::Receipt, receipt()), Kind::Receipt),
        (sealed(&own, Kind::Receipt, direct.clone()), Kind::Receipt),
        (sealed(&own, Kind::Digest, direct), Kind::Digest),
    ] {
        let right = Ok(own.kid().to_owned());
        assert_eq!(python(&honest, kind), right);
        assert_eq!(ours(&honest, kind), right);
    }
    let receipts = forged_certificates().into_iter().chain(forged_receipts());
    let mut forgeries: Vec<_> = receipts
        .map(|(file, why)| (file, Kind::Receipt, why))
        .collect();
    let digest = sealed(&stolen, Kind::Digest, receipt());
    forgeries.push((digest, Kind::Digest, "and only"));
    let mut succeeded = Vec::new();
    for (file, kind, why) in forgeries {
        match python(&file, kind) {
            Err(reason) if reason.contains(why) => {}
            other => succeeded.push(format!("{why}: {other:?}")),
        }
        if ours(&file, kind).is_ok() {
            succeeded.push(format!("{why}: by our verifier"));
        }
    }
    none_succeeded(&succeeded);
}
