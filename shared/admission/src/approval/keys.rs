//! The public keys of systems of approvals, as a JSON Web Key Set whose keys name the tenants and
//! workflows that they are for.

use std::sync::Arc;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde::{Deserialize, de::IgnoredAny};

use super::sent::{Parts, TYP, parts};
use holdfast_ids::names::{check_tenant, check_text, is_workflow_id, quoted};

/// The word for every tenant or every workflow.
const ALL: &str = "*";

/// The keys whose signed approvals a deployment accepts. The default accepts none.
#[derive(Debug, Clone, Default)]
pub struct ApprovalKeys {
    keys: Arc<[ApprovalKey]>,
}

#[derive(Debug)]
struct ApprovalKey {
    kid: String,
    algorithm: Algorithm,
    public: PublicKey,
    tenants: Vec<String>,
    workflows: Vec<String>,
}

/// An algorithm by its name in JOSE. A key has one, whatever a header claims, so that neither
/// `none` nor an HMAC under a public key is ever tried (RFC 8725, section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Algorithm {
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
            Self::EdDsa => "EdDSA",
        }
    }
}

#[derive(Debug)]
enum PublicKey {
    Parsed(ParsedPublicKey),
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
}

/// A key set as the deployment lists it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// A key of RFC 7517, with the tenants and workflows that it may approve for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Jwk {
    kty: String,
    kid: String,
    alg: Algorithm,
    tenants: Vec<String>,
    workflows: Vec<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    d: Option<IgnoredAny>,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default, rename = "key_ops")]
    _operations: Option<Vec<String>>,
}

impl ApprovalKeys {
    /// Reads a key set, as JSON or its base64, in which no shell and no parameter file changes a
    /// quotation mark. An empty text lists no key. The error names the wrong key and its fault.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        if !text.starts_with('{') {
            let json = BASE64_STANDARD.decode(text).ok();
            let json = json.and_then(|bytes| String::from_utf8(bytes).ok());
            let json = json.filter(|json| json.trim_start().starts_with('{'));
            let json =
                json.ok_or("no key set of approvals: neither a JSON object nor its base64")?;
            return Self::parse(&json);
        }
        let set: KeySet = serde_json::from_str(text).map_err(|error| {
            format!(
                "no key set of approvals: {error}; each key has kty, kid, alg, its public members, \
                 tenants and workflows"
            )
        })?;
        let mut keys: Vec<ApprovalKey> = Vec::new();
        for (n, jwk) in set.keys.into_iter().enumerate() {
            let key = jwk.key().map_err(|why| format!("keys[{n}]: {why}"))?;
            if keys.iter().any(|other| other.kid == key.kid) {
                return Err(format!("keys[{n}]: another key has its kid"));
            }
            keys.push(key);
        }
        Ok(Self { keys: keys.into() })
    }

    /// Verifies that a listed key signed this approval for `tenant` and `workflow`.
    pub(super) fn verify(&self, jws: &str, tenant: &str, workflow: &str) -> Result<(), String> {
        let Parts {
            header,
            claims,
            signed,
            signature,
        } = parts(jws)?;
        let kid = quoted(&header.kid);
        let key = self.keys.iter().find(|key| key.kid == header.kid);
        let key = key.ok_or_else(|| format!("its key {kid} is not listed in this deployment"))?;
        if header.typ != TYP {
            return Err(format!("the typ of its header is not {TYP}"));
        }
        if header.alg != key.algorithm.name() {
            return Err(format!(
                "its alg is {}, and key {kid} is for {}",
                quoted(&header.alg),
                key.algorithm.name()
            ));
        }
        if !key.public.signed(signed.as_bytes(), &signature) {
            return Err(format!(
                "its signature does not fit: key {kid} signed another text"
            ));
        }
        let mut against = Vec::new();
        if !is_among(&key.tenants, tenant) {
            against.push(format!("key {kid} is not for tenant {tenant}"));
        }
        if !is_among(&key.workflows, workflow) {
            against.push(format!("key {kid} is not for {workflow}"));
        }
        if claims.tenant != tenant {
            against.push(format!("it is for tenant {}", claims.tenant));
        }
        if claims.workflow_id != workflow {
            against.push(format!("it is for {}", claims.workflow_id));
        }
        match against.is_empty() {
            true => Ok(()),
            false => Err(against.join("; ")),
        }
    }
}

fn is_among(listed: &[String], name: &str) -> bool {
    listed.iter().any(|one| one == ALL || one == name)
}

impl PublicKey {
    fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Parsed(key) => key.verify_sig(message, signature),
            Self::Rsa(key) => key.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
        }
        .is_ok()
    }
}

impl Jwk {
    fn key(self) -> Result<ApprovalKey, String> {
        if self.d.is_some() {
            return Err("it holds a private key (d): list the public half only".to_owned());
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err("its use is not sig".to_owned());
        }
        check_text("kid", &self.kid)?;
        check_names("tenants", &self.tenants, |name| check_tenant(name).is_ok())?;
        check_names("workflows", &self.workflows, is_workflow_id)?;
        Ok(ApprovalKey {
            public: self.public()?,
            algorithm: self.alg,
            kid: self.kid,
            tenants: self.tenants,
            workflows: self.workflows,
        })
    }

    fn public(&self) -> Result<PublicKey, String> {
        let bytes = |name: &str, member: &Option<String>| {
            let text = member.as_deref().unwrap_or_default();
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok();
            bytes
                .filter(|bytes| !bytes.is_empty())
                .ok_or(format!("{name} must be bytes in base64url without padding"))
        };
        let coordinate = |name: &str, member: &Option<String>| {
            bytes(name, member).and_then(|bytes| match bytes.len() {
                32 => Ok(bytes),
                _ => Err(format!("{name} must be 32 bytes")),
            })
        };
        match (self.alg, self.kty.as_str(), self.crv.as_deref()) {
            (Algorithm::Es256, "EC", Some("P-256")) => {
                // SEC 1: 0x04, then both coordinates with 32 bytes each.
                let point = [
                    vec![4],
                    coordinate("x", &self.x)?,
                    coordinate("y", &self.y)?,
                ];
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.concat())
                    .map(PublicKey::Parsed)
                    .map_err(|_| "x and y are no point of P-256".to_owned())
            }
            (Algorithm::EdDsa, "OKP", Some("Ed25519")) => {
                ParsedPublicKey::new(&ED25519, coordinate("x", &self.x)?)
                    .map(PublicKey::Parsed)
                    .map_err(|_| "x is no key of Ed25519".to_owned())
            }
            (Algorithm::Rs256, "RSA", None) => {
                let (n, e) = (bytes("n", &self.n)?, bytes("e", &self.e)?);
                // RFC 7518, section 3.3: 2048 bits or more.
                match n.first().is_some_and(|first| *first >= 0x80)
                    && (256..=1024).contains(&n.len())
                {
                    true => Ok(PublicKey::Rsa(RsaPublicKeyComponents { n, e })),
                    false => Err("n must have 2048 to 8192 bits, without leading zeros".to_owned()),
                }
            }
            _ => Err(format!(
                "kty and crv do not fit alg {}: ES256 is EC on P-256, EdDSA is OKP on Ed25519, \
                 RS256 is RSA",
                self.alg.name()
            )),
        }
    }
}

fn check_names(
    member: &str,
    names: &[String],
    is_name: impl Fn(&str) -> bool,
) -> Result<(), String> {
    let right = |name: &String| name == ALL || is_name(name);
    match !names.is_empty() && names.iter().all(right) {
        true => Ok(()),
        false => Err(format!(
            "{member} lists names of {member}, or \"{ALL}\" for all"
        )),
    }
}
