//! A development issuer: an RSA key in a file, tokens that it signs, the documents that verify
//! them, and the sign-in of people by one click.
//!
//! It proves no identity. Every process that can read the key's file can sign any token. Never
//! deploy it.

mod server;
mod sign_in;

pub use server::router;
pub use sign_in::Settings;

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{KeyPair as _, RSA_PKCS1_SHA256},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// A key that signs tokens.
#[derive(Debug)]
pub struct Issuer {
    key: KeyPair,
    kid: String,
}

impl Issuer {
    /// An issuer with a new key.
    pub fn new() -> io::Result<Self> {
        let key = KeyPair::generate(KeySize::Rsa2048);
        key.map(Self::of)
            .map_err(|_| io::Error::other("no key could be made"))
    }

    /// The issuer with the key in this file. A missing file gets a new key.
    pub fn open(file: &Path) -> io::Result<Self> {
        if !file.exists() {
            let new = Self::new()?;
            let der = new.key.as_der();
            let der = der.map_err(|_| io::Error::other("the key cannot be written"))?;
            let mut written = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(file)?;
            written.write_all(der.as_ref())?;
            return Ok(new);
        }
        let key = KeyPair::from_pkcs8(&std::fs::read(file)?);
        key.map(Self::of)
            .map_err(|why| io::Error::other(format!("not an RSA key in PKCS #8: {why}")))
    }

    fn of(key: KeyPair) -> Self {
        let kid = URL_SAFE_NO_PAD.encode(&Sha256::digest(key.public_key().as_ref())[..12]);
        Self { key, kid }
    }

    /// The header of the issuer's tokens.
    pub fn header(&self) -> Value {
        json!({ "alg": "RS256", "typ": "JWT", "kid": self.kid })
    }

    /// A token with these claims.
    pub fn token(&self, claims: &Value) -> io::Result<String> {
        let unsigned = unsigned(&self.header(), claims);
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random = SystemRandom::new();
        let signed = self.key.sign(
            &RSA_PKCS1_SHA256,
            &random,
            unsigned.as_bytes(),
            &mut signature,
        );
        signed.map_err(|_| io::Error::other("the token cannot be signed"))?;
        Ok(format!("{unsigned}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The document `/.well-known/jwks.json` with the public key.
    pub fn key_set(&self) -> io::Result<Value> {
        let public = self.key.public_key().as_ref();
        let (modulus, exponent) =
            numbers(public).ok_or_else(|| io::Error::other("the public key has another form"))?;
        Ok(json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode(modulus), "e": URL_SAFE_NO_PAD.encode(exponent),
        }] }))
    }
}

/// The document `/.well-known/openid-configuration` of the issuer at `url`.
pub fn configuration(url: &str) -> Value {
    json!({
        "issuer": url,
        "jwks_uri": format!("{url}/.well-known/jwks.json"),
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "end_session_endpoint": format!("{url}/signed-out"),
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "token_endpoint_auth_methods_supported": ["none"],
    })
}

/// The part of a token that is signed: its header and its claims.
pub fn unsigned(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

/// Modulus and exponent of a PKCS #1 public key: a sequence of two integers.
fn numbers(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inside, _) = element(der, 0x30)?;
    let (modulus, rest) = element(inside, 0x02)?;
    let (exponent, _) = element(rest, 0x02)?;
    // A leading zero only keeps the number positive.
    Some((modulus.strip_prefix(&[0]).unwrap_or(modulus), exponent))
}

/// The content of the first DER element of `der`, if it has this tag, and the bytes after it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
        let length = bytes
            .iter()
            .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        (length, rest)
    };
    (found == tag).then_some(())?;
    rest.split_at_checked(length)
}
