//! Public keys as a JSON Web Key Set (RFC 7517): EC P-256 keys, each named by its RFC 7638
//! thumbprint.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use p256::{PublicKey, ecdsa::VerifyingKey, pkcs8::DecodePublicKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use holdfast_ids::names::quoted;

/// A public EC P-256 key.
#[derive(Debug, Clone, PartialEq)]
pub struct Jwk {
    key: VerifyingKey,
    kid: String,
    x: String,
    y: String,
}

impl Jwk {
    pub(super) fn of(key: VerifyingKey) -> Self {
        // SEC 1: 0x04, then both coordinates with 32 bytes each.
        let point = key.to_sec1_point(false);
        let (x, y) = point.as_bytes()[1..].split_at(32);
        let (x, y) = (
            BASE64_URL_SAFE_NO_PAD.encode(x),
            BASE64_URL_SAFE_NO_PAD.encode(y),
        );
        // RFC 7638, section 3: exactly the required members, in this order, without white space.
        let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes()));
        Self { key, kid, x, y }
    }

    /// Reads DER SubjectPublicKeyInfo, which KMS `GetPublicKey` returns.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, String> {
        let key = PublicKey::from_public_key_der(der)
            .map_err(|error| format!("not the DER of a public key of P-256: {error}"))?;
        Ok(Self::of(key.into()))
    }

    /// The RFC 7638 thumbprint of the key with SHA-256: 43 characters of base64url.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// The key in the JSON form of RFC 7517.
    pub fn to_value(&self) -> Value {
        json!({
            "alg": "ES256", "crv": "P-256", "kid": self.kid, "kty": "EC", "use": "sig", "x": self.x, "y": self.y
        })
    }

    /// Reads one member of `keys`; `None` if its type is another, which RFC 7517 lets a reader
    /// ignore.
    fn from_value(value: &Value) -> Result<Option<Self>, String> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        if text("kty").ok_or("kty is missing")? != "EC" || text("crv") != Some("P-256") {
            return Ok(None);
        }
        if value.get("d").is_some() {
            return Err("it holds a private key (d): publish the public half only".to_owned());
        }
        let coordinate = |name: &str| {
            let bytes = text(name).and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok());
            bytes.filter(|bytes| bytes.len() == 32).ok_or(format!(
                "{name} must be 32 bytes in base64url without padding"
            ))
        };
        let point = [vec![4], coordinate("x")?, coordinate("y")?].concat();
        let key = VerifyingKey::from_sec1_bytes(&point)
            .map_err(|_| "x and y are no point of P-256".to_owned())?;
        let key = Self::of(key);
        match value.get("kid") {
            Some(kid) if kid.as_str() != Some(&key.kid) => Err(format!(
                "its kid must be its RFC 7638 thumbprint, {}",
                key.kid
            )),
            _ => Ok(Some(key)),
        }
    }
}

/// The form of a key in a certificate: the members of its RFC 7638 thumbprint and no other.
pub(super) mod members {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
    use serde_json::{Value, json};

    use super::Jwk;

    fn value(key: &Jwk) -> Value {
        json!({ "crv": "P-256", "kty": "EC", "x": key.x, "y": key.y })
    }

    pub(in crate::evidence) fn serialize<S: Serializer>(
        key: &Jwk,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        value(key).serialize(to)
    }

    pub(in crate::evidence) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Jwk, D::Error> {
        let found = Value::deserialize(from)?;
        let key = Jwk::from_value(&found).map_err(|why| D::Error::custom(format!("jwk: {why}")))?;
        key.filter(|key| value(key) == found).ok_or_else(|| {
            D::Error::custom("jwk: it must be an EC key of P-256 with crv, kty, x and y alone")
        })
    }
}

/// The trusted keys. Retired keys stay in the set, so that the files that they signed remain valid.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Jwks {
    keys: Vec<Jwk>,
}

impl Jwks {
    /// A set of these keys, the current key first.
    pub fn new(keys: Vec<Jwk>) -> Self {
        Self { keys }
    }

    /// Reads a key set with at least one key of P-256. The error names the wrong key and its fault.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| format!("the key set is not JSON: {error}"))?;
        let all = value
            .get("keys")
            .and_then(Value::as_array)
            .ok_or("a key set is an object with a list `keys` (RFC 7517)")?;
        let mut keys = Vec::new();
        for (n, value) in all.iter().enumerate() {
            let key = Jwk::from_value(value).map_err(|error| format!("keys[{n}]: {error}"))?;
            keys.extend(key);
        }
        if keys.is_empty() {
            return Err(
                "the key set has no EC key of P-256, the kind that signs receipts".to_owned(),
            );
        }
        Ok(Self { keys })
    }

    /// The set in the JSON form of RFC 7517, which the API returns.
    pub fn to_value(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(Jwk::to_value).collect();
        json!({ "keys": keys })
    }

    /// Finds the key with this id.
    pub fn find(&self, kid: &str) -> Result<&Jwk, String> {
        self.keys.iter().find(|key| key.kid == kid).ok_or_else(|| {
            let known: Vec<&str> = self.keys.iter().map(Jwk::kid).collect();
            format!(
                "it is signed with key {}, which is not in the key set; that has {}",
                quoted(kid),
                known.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use p256::pkcs8::EncodePublicKey;

    use super::*;
    use crate::evidence::MemorySigner;

    fn key(byte: u8) -> Jwk {
        MemorySigner::new(&[byte; 32])
            .expect("a key")
            .public()
            .clone()
    }

    #[test]
    fn a_key_set_reads_what_it_writes() {
        let keys = Jwks::new(vec![key(1), key(2)]);
        let text = keys.to_value().to_string();
        assert_eq!(Jwks::parse(text.as_bytes()), Ok(keys));
    }

    #[test]
    fn a_kid_is_the_thumbprint_that_another_library_computes() {
        // The public key of RFC 7515, appendix A.3; its thumbprint as computed by the Python
        // library joserfc.
        let set = br#"{"keys":[{"kty":"EC","crv":"P-256",
            "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
        let keys = Jwks::parse(set).expect("a key set");
        assert_eq!(
            keys.keys[0].kid(),
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
        );
    }

    #[test]
    fn the_der_of_a_public_key_is_the_same_key() {
        let key = key(3);
        let der = key.key().to_public_key_der().expect("DER");
        assert_eq!(Jwk::from_spki_der(der.as_bytes()), Ok(key));
        let error = Jwk::from_spki_der(b"no").expect_err("no DER");
        assert!(error.starts_with("not the DER of a public key"), "{error}");
    }

    #[test]
    fn keys_of_another_type_are_ignored() {
        let mut set = Jwks::new(vec![key(1)]).to_value();
        let keys = set["keys"].as_array_mut().expect("a list");
        keys.push(json!({ "kty": "RSA", "n": "AQ", "e": "AQAB" }));
        keys.push(json!({ "kty": "EC", "crv": "P-384" }));
        let read = Jwks::parse(set.to_string().as_bytes());
        assert_eq!(read, Ok(Jwks::new(vec![key(1)])));
    }

    #[test]
    fn the_error_of_a_wrong_key_set_names_the_key_and_its_fault() {
        let good = key(1).to_value();
        let with = |name: &str, value: Value| {
            let mut key = good.clone();
            key[name] = value;
            json!({ "keys": [good, key] }).to_string()
        };
        let cases = [
            ("{".to_owned(), "not JSON"),
            ("[]".to_owned(), "a list `keys`"),
            (r#"{"keys":[]}"#.to_owned(), "no EC key of P-256"),
            (r#"{"keys":[7]}"#.to_owned(), "keys[0]: kty is missing"),
            (with("d", json!("AQ")), "keys[1]: it holds a private key"),
            (with("x", json!("AQ")), "keys[1]: x must be 32 bytes"),
            (
                with("y", good["x"].clone()),
                "keys[1]: x and y are no point",
            ),
            (
                with("kid", json!("mine")),
                "keys[1]: its kid must be its RFC 7638 thumbprint",
            ),
        ];
        for (set, text) in cases {
            let error = Jwks::parse(set.as_bytes()).expect_err(&set);
            assert!(error.contains(text), "{set}: {error}");
        }
    }
}
