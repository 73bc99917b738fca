//! Tests of short-lived keys: what their certificates admit, when a key is replaced, and each
//! reason for a refusal.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::*;
use holdfast_ids::digest::canonical;

const DEPLOYMENT: &str = "210987654321/eu-central-1/holdfast";

/// A clock that a test sets. Each secret differs from the one before.
#[derive(Clone)]
struct TestHost(Arc<Mutex<(Timestamp, u8)>>, Arc<Mutex<Vec<String>>>);

impl TestHost {
    fn at(time: &str) -> Self {
        Self(Arc::new(Mutex::new((moment(time), 0x10))), Arc::default())
    }

    fn set(&self, time: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = moment(time);
    }
}

impl SealerHost for TestHost {
    fn time(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn random(&self, secret: &mut [u8]) -> Result<(), String> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.1 += 1;
        secret.fill(state.1);
        Ok(())
    }

    fn certified(&self, kid: &str, not_after: Timestamp) {
        let mut keys = self.1.lock().unwrap_or_else(PoisonError::into_inner);
        keys.push(format!("{kid} until {not_after}"));
    }
}

/// A signer that counts its signatures, and can refuse all of them.
#[derive(Clone)]
struct CountingSigner {
    key: MemorySigner,
    /// The number of signatures, and whether the signer refuses.
    state: Arc<Mutex<(u32, bool)>>,
}

impl CountingSigner {
    fn new(byte: u8) -> Self {
        let (key, state) = (signer(byte), Arc::default());
        Self { key, state }
    }

    fn signatures(&self) -> u32 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn refuse(&self, refuses: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).1 = refuses;
    }
}

impl Signer for CountingSigner {
    fn kid(&self) -> &str {
        self.key.kid()
    }

    async fn sign(&self, sha256: [u8; 32]) -> Result<Vec<u8>, SignError> {
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if state.1 {
                return Err(SignError("an outage".to_owned()));
            }
            state.0 += 1;
        }
        self.key.sign(sha256).await
    }

    async fn keys(&self) -> Result<Jwks, SignError> {
        self.key.keys().await
    }
}

fn moment(time: &str) -> Timestamp {
    format!("2026-11-29T{time}Z").parse().expect("a time")
}

/// A receipt of an execution that ended at this time of the day.
fn ended(time: &str) -> Value {
    json!({
        "deployment": DEPLOYMENT, "execution_id": "0123", "status": "EXECUTED",
        "timestamp": moment(time).to_string(),
    })
}

/// The sealer of a process that starts at ten o'clock, with its signer and its clock.
fn process() -> (
    CertifiedSealer<CountingSigner, TestHost>,
    CountingSigner,
    TestHost,
) {
    let (signer, host) = (CountingSigner::new(1), TestHost::at("10:00:00"));
    let sealer = CertifiedSealer::new(signer.clone(), host.clone(), DEPLOYMENT, "7");
    (sealer, signer, host)
}

fn sealed_by(sealer: &impl Seal, receipt: Value) -> Vec<u8> {
    block_on(sealer.receipt(receipt)).expect("it is sealed")
}

/// The key that signed a receipt, by the key set of key 1, or the reason for its refusal.
fn signatory_of(bytes: &[u8]) -> Result<Signatory, String> {
    signatory(&open(bytes)?, Kind::Receipt, &keys(&[&signer(1)]))
}

fn certificate_of(bytes: &[u8]) -> Option<Certificate> {
    signatory_of(bytes).expect("it verifies").certificate
}

/// The certificate of the short-lived key 9, valid from a quarter to ten until eleven.
fn certificate() -> Value {
    let public = signer(9).public().to_value();
    json!({
        "deployment": DEPLOYMENT,
        "function_version": "7",
        "jwk": { "crv": "P-256", "kty": "EC", "x": public["x"], "y": public["y"] },
        "not_after": "2026-11-29T11:00:00Z",
        "not_before": "2026-11-29T09:45:00Z",
    })
}

/// A compact JWS of this payload by key `by`.
fn compact(by: &MemorySigner, kind: Kind, payload: &[u8]) -> String {
    let input = signing_input(by.kid(), kind, payload).expect("a header");
    let signature = block_on(by.sign(input.sha256())).expect("it is signed");
    input.compact(&from_der(&signature).expect("DER"))
}

fn certified(by: &MemorySigner, certificate: &Value) -> String {
    compact(
        by,
        Kind::Certificate,
        &canonical(certificate).expect("JSON"),
    )
}

/// The receipt with this certificate, signed by key 9.
fn forged(mut receipt: Value, certificate: &str) -> Vec<u8> {
    receipt["certificate"] = certificate.into();
    block_on(seal(&signer(9), Kind::Receipt, receipt)).expect("it is signed")
}

#[test]
fn one_signature_of_the_deployments_key_serves_an_hour_of_receipts() {
    let (sealer, kms, host) = process();
    for time in ["10:00:00", "10:20:00", "11:00:00"] {
        host.set(time);
        let bytes = sealed_by(&sealer, ended(time));
        let signatory = signatory_of(&bytes).expect("it verifies");
        assert_eq!(signatory.kid, kms.kid());
        let certificate = signatory.certificate.expect("a short-lived key signed");
        assert_eq!(certificate.deployment, DEPLOYMENT);
        assert_eq!(certificate.function_version, "7");
        block_on(sealer.verify(&bytes)).expect("a later writer adopts it");
    }
    assert_eq!(kms.signatures(), 1);
}

#[test]
fn a_process_that_was_frozen_past_the_hour_signs_with_a_new_key() {
    let (sealer, kms, host) = process();
    let key = |time| certificate_of(&sealed_by(&sealer, ended(time))).map(|one| one.jwk);
    let first = key("10:00:00").expect("a short-lived key signed");
    host.set("18:30:00");
    let second = key("18:30:00").expect("a short-lived key signed");
    assert_ne!(first, second);
    assert_eq!(kms.signatures(), 2);
}

#[test]
fn each_new_key_is_reported_once_with_the_end_of_its_certificate() {
    let (sealer, _, host) = process();
    let expected = ["10:00:00", "10:20:00", "18:30:00"].map(|time| {
        host.set(time);
        let certificate = certificate_of(&sealed_by(&sealer, ended(time)));
        let certificate = certificate.expect("a short-lived key signed");
        format!("{} until {}", certificate.jwk.kid(), certificate.not_after)
    });
    let reported = host.1.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*reported, [&*expected[0], &*expected[2]]);
}

#[test]
fn only_an_end_over_15_minutes_before_the_key_was_made_has_the_deployments_own_signature() {
    let (sealer, kms, host) = process();
    let cases = [
        ("10:00:00", "10:00:00", true),
        ("10:59:00", "10:00:00", true),
        ("10:59:00", "09:45:00", true),
        ("10:59:00", "09:44:59", false),
        ("11:00:00", "09:45:00", true),
        // The key's hour is over: the next key covers the last 15 minutes only.
        ("11:00:01", "10:45:01", true),
        ("11:00:01", "10:45:00", false),
        // No key covers it, and none is made.
        ("15:00:00", "10:00:00", false),
    ];
    for (signed_at, ended_at, is_certified) in cases {
        host.set(signed_at);
        let signatory = signatory_of(&sealed_by(&sealer, ended(ended_at)));
        let signatory = signatory.expect("it verifies");
        assert_eq!(signatory.kid, kms.kid());
        let certified = signatory.certificate.is_some();
        assert_eq!(certified, is_certified, "{ended_at} signed at {signed_at}");
    }
    assert_eq!(host.1.lock().expect("not poisoned").len(), 2);
}

#[test]
fn an_outage_of_the_deployments_key_stops_no_receipt_while_a_short_lived_key_is_valid() {
    let (sealer, kms, host) = process();
    kms.refuse(true);
    let refused = block_on(sealer.receipt(ended("10:00:00")));
    assert!(matches!(refused, Err(SealError::Signer(_))), "{refused:?}");
    kms.refuse(false);
    sealed_by(&sealer, ended("10:00:00"));
    kms.refuse(true);
    host.set("10:59:00");
    sealed_by(&sealer, ended("10:59:00"));
    host.set("11:00:01");
    let refused = block_on(sealer.receipt(ended("11:00:01")));
    assert!(matches!(refused, Err(SealError::Signer(_))), "{refused:?}");
}

#[test]
fn an_altered_byte_of_a_certified_receipt_is_refused() {
    let (sealer, ..) = process();
    let bytes = sealed_by(&sealer, ended("10:00:00"));
    signatory_of(&bytes).expect("it is as it was signed");
    for place in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[place] ^= 1;
        signatory_of(&altered).expect_err("it was altered");
    }
}

#[test]
fn each_misuse_of_a_stolen_key_is_refused_with_its_reason() {
    let right = certified(&signer(1), &certificate());
    signatory_of(&forged(ended("10:00:00"), &right)).expect("what the certificate admits");
    let elsewhere = {
        let mut receipt = ended("10:00:00");
        receipt["deployment"] = "210987654321/eu-central-1/staging".into();
        receipt
    };
    let nowhere = {
        let mut receipt = ended("10:00:00");
        receipt
            .as_object_mut()
            .expect("an object")
            .remove("deployment");
        receipt
    };
    let cases = [
        (
            ended("11:00:01"),
            "is later than the time of its certificate",
        ),
        (
            ended("09:44:59"),
            "is earlier than the time of its certificate",
        ),
        (elsewhere, "its certificate is of the deployment"),
        (nowhere, "and its own is none"),
        (
            json!({ "deployment": DEPLOYMENT, "timestamp": "soon" }),
            "its timestamp is no time",
        ),
    ];
    for (receipt, why) in cases {
        let error = signatory_of(&forged(receipt, &right)).expect_err(why);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn a_certificate_counts_only_as_the_deployments_key_signed_it() {
    let own = signer(1);
    let with = |name: &str, value: Value| {
        let mut changed = certificate();
        changed[name] = value;
        certified(&own, &changed)
    };
    let payload = canonical(&certificate()).expect("JSON");
    let spaced = [payload.as_slice(), b" "].concat();
    let mut jwk = certificate()["jwk"].clone();
    jwk["d"] = "AQ".into();
    let mut other_use = certificate()["jwk"].clone();
    other_use["use"] = "enc".into();
    let (head, signature) = {
        let right = certified(&own, &certificate());
        let (head, signature) = right.rsplit_once('.').expect("a JWS");
        (head.to_owned(), signature.to_owned())
    };
    let cases = [
        (
            certified(&signer(2), &certificate()),
            "which is not in the key set",
        ),
        (
            certified(&signer(9), &certificate()),
            "which is not in the key set",
        ),
        (with("ca", true.into()), "unknown field `ca`"),
        (
            with("not_after", "2026-11-30T10:00:00Z".into()),
            "at most 2 hours",
        ),
        (
            with("not_after", "2026-11-29T09:00:00Z".into()),
            "at most 2 hours",
        ),
        (
            with("not_after", "2026-11-29T12:00:00+01:00".into()),
            "not the canonical JSON",
        ),
        (with("jwk", jwk), "it holds a private key"),
        (with("jwk", other_use), "crv, kty, x and y alone"),
        (
            with("jwk", signer(8).public().to_value()),
            "crv, kty, x and y alone",
        ),
        (
            compact(&own, Kind::Certificate, &spaced),
            "not the canonical JSON",
        ),
        (
            compact(&own, Kind::Receipt, &payload),
            "typ is \"holdfast-receipt+jws\"",
        ),
        (
            compact(&own, Kind::Digest, &payload),
            "typ is \"holdfast-digest+jws\"",
        ),
        (
            format!("{head}.{}", signature.replace(char::is_alphabetic, "A")),
            "does not fit",
        ),
        (head, "not a compact JWS"),
    ];
    for (certificate, why) in cases {
        let error = signatory_of(&forged(ended("10:00:00"), &certificate)).expect_err(why);
        assert!(error.starts_with("its certificate: "), "{why}: {error}");
        assert!(error.contains(why), "{why}: {error}");
    }
}

#[test]
fn a_certificate_of_another_key_and_one_without_need_are_refused() {
    let mut receipt = ended("10:00:00");
    receipt["certificate"] = certified(&signer(1), &certificate()).into();
    for other in [signer(8), signer(1)] {
        let bytes = block_on(seal(&other, Kind::Receipt, receipt.clone())).expect("signed");
        let error = signatory_of(&bytes).expect_err("key 9 is certified");
        assert!(error.contains("and its certificate is of key"), "{error}");
    }
    receipt["certificate"] = 7.into();
    let bytes = block_on(seal(&signer(9), Kind::Receipt, receipt)).expect("signed");
    let error = signatory_of(&bytes).expect_err("a number");
    assert_eq!(error, "its certificate is not a text");
}

#[test]
fn a_short_lived_key_signs_no_digest() {
    let mut digest = ended("10:00:00");
    digest["certificate"] = certified(&signer(1), &certificate()).into();
    let bytes = block_on(seal(&signer(9), Kind::Digest, digest)).expect("signed");
    let sealed = open(&bytes).expect("it is sealed");
    let set = keys(&[&signer(1)]);
    let error = signatory(&sealed, Kind::Digest, &set).expect_err("a digest");
    assert!(error.contains("which is not in the key set"), "{error}");
    let error = signatory(&sealed, Kind::Receipt, &set).expect_err("it is no receipt");
    assert!(error.contains("something else was signed"), "{error}");
}

#[test]
fn a_receipt_of_a_retired_key_and_its_certificates_stays_valid() {
    let (sealer, ..) = process();
    let bytes = sealed_by(&sealer, ended("10:00:00"));
    let set = keys(&[&signer(2), &signer(1)]);
    let sealed = open(&bytes).expect("it is sealed");
    let found = signatory(&sealed, Kind::Receipt, &set).expect("it verifies");
    assert_eq!(found.kid, signer(1).public().kid());
    signatory(&sealed, Kind::Receipt, &keys(&[&signer(2)])).expect_err("an unknown key");
}
