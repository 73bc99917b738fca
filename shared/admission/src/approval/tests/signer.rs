//! Signers of the tests, one for each algorithm.

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
        RsaKeyPair,
    },
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{super::*, claims};

pub(super) fn b64(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Signs bytes.
type Sign = dyn Fn(&[u8]) -> Vec<u8>;

/// A signer of approvals, and its entry in the key set.
pub(super) struct Signer {
    pub(super) alg: &'static str,
    pub(super) jwk: Value,
    sign: Box<Sign>,
}

pub(super) fn eddsa(seed: u8) -> Signer {
    let key = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a key");
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key()) });
    let sign = move |text: &[u8]| key.sign(text).as_ref().to_vec();
    Signer {
        alg: "EdDSA",
        jwk,
        sign: Box::new(sign),
    }
}

pub(super) fn es256() -> Signer {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": b64(x), "y": b64(y) });
    let sign = move |text: &[u8]| {
        let signed = key.sign(&SystemRandom::new(), text);
        signed.expect("a signature").as_ref().to_vec()
    };
    Signer {
        alg: "ES256",
        jwk,
        sign: Box::new(sign),
    }
}

pub(super) fn rs256() -> Signer {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    // PKCS #1: a sequence of n, which a zero keeps positive, and e.
    let der = key.public_key().as_ref();
    let jwk = json!({ "kty": "RSA", "n": b64(&der[9..265]), "e": b64(&der[267..]) });
    let sign = move |text: &[u8]| {
        let mut signature = vec![0; key.public_modulus_len()];
        let random = SystemRandom::new();
        key.sign(&RSA_PKCS1_SHA256, &random, text, &mut signature)
            .expect("a signature");
        signature
    };
    Signer {
        alg: "RS256",
        jwk,
        sign: Box::new(sign),
    }
}

impl Signer {
    /// The key set that lists this signer as `erp`, with the members of `other` put over it.
    pub(super) fn set(&self, other: Value) -> Value {
        let mut key = self.jwk.clone();
        let listed = json!({
            "kid": "erp", "alg": self.alg, "tenants": ["acme"], "workflows": ["WF-HOLD"],
        });
        for from in [listed, other] {
            for (name, value) in from.as_object().expect("members") {
                key[name] = value.clone();
            }
        }
        json!({ "keys": [key] })
    }

    pub(super) fn keys(&self) -> ApprovalKeys {
        ApprovalKeys::parse(&self.set(json!({})).to_string()).expect("a key set")
    }

    pub(super) fn header(&self) -> Value {
        json!({ "alg": self.alg, "kid": "erp", "typ": TYP })
    }

    /// A compact JWS over these texts.
    pub(super) fn jws(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", b64(header), b64(claims));
        let signature = b64((self.sign)(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    pub(super) fn honest(&self) -> String {
        self.jws(&self.header().to_string(), &claims().to_string())
    }
}
