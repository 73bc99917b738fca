//! Forged approvals, each with a part of the reason against it.

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    super::JWS_MAX,
    NOW, claims, seconds,
    signer::{Signer, b64, eddsa, es256},
    with,
};

type Attack = (String, &'static str);

/// Another key, algorithm or type, and headers that bring a key or an extension.
pub(super) fn forged_headers(signer: &Signer) -> Vec<Attack> {
    let header = |member: &str, value: Value| {
        let header = with(signer.header(), member, value);
        signer.jws(&header, &claims().to_string())
    };
    let payload = b64(claims().to_string());
    let with_alg = |alg: &str| {
        let header = b64(with(signer.header(), "alg", json!(alg)));
        format!("{header}.{payload}")
    };
    let (none, hs256) = (with_alg("none"), with_alg("HS256"));
    let honest = signer.honest();
    let (_, signature) = honest.rsplit_once('.').expect("a JWS");
    // The public key as the secret of an HMAC (RFC 8725, section 2.1).
    let public = signer.jwk["x"].as_str().expect("x");
    let public = BASE64_URL_SAFE_NO_PAD.decode(public).expect("bytes");
    let secret = hmac::Key::new(hmac::HMAC_SHA256, &public);
    let mac = b64(hmac::sign(&secret, hs256.as_bytes()));
    let twice = signer
        .header()
        .to_string()
        .replacen('{', r#"{"alg":"none","#, 1);
    let other_alg = "its alg is \"EdDSA\", and key \"erp\" is for ES256";
    vec![
        (header("kid", json!("unknown")), "is not listed"),
        (eddsa(2).honest(), other_alg),
        (es256().honest(), "its signature does not fit"),
        (format!("{none}."), "its alg is \"none\""),
        (format!("{none}.{signature}"), "its alg is \"none\""),
        (format!("{hs256}.{mac}"), "its alg is \"HS256\""),
        (header("alg", json!("es256")), "its alg is \"es256\""),
        (header("typ", json!("JWT")), "the typ of its header"),
        (header("jwk", signer.jwk.clone()), "unknown field"),
        (
            header("jku", json!("https://evil.example")),
            "unknown field",
        ),
        (header("x5c", json!(["AA"])), "unknown field"),
        (header("crit", json!(["exp"])), "unknown field"),
        (header("b64", json!(false)), "unknown field"),
        (signer.jws(&twice, &claims().to_string()), "duplicate field"),
    ]
}

/// Bytes that no key signed, and texts that are no compact JWS.
pub(super) fn altered_bytes(signer: &Signer) -> Vec<Attack> {
    let honest = signer.honest();
    let (signed, signature) = honest.rsplit_once('.').expect("a JWS");
    let (header, _) = signed.split_once('.').expect("two parts");
    let payload = b64(with(claims(), "approved_by", json!("cfo")));
    let unfit = "its signature does not fit";
    vec![
        (format!("{header}.{payload}.{signature}"), unfit),
        (format!("{signed}.{}", b64([0; 64])), unfit),
        (format!("{signed}."), unfit),
        (format!("{honest}="), "not base64url"),
        (format!("{honest}.{signature}"), "header.payload.signature"),
        (signed.to_owned(), "header.payload.signature"),
        (honest.replace('.', ".."), "header.payload.signature"),
        (format!("{honest}{}", "A".repeat(JWS_MAX)), "at most 6000"),
    ]
}

/// Signed claims of another form, tenant, workflow, input, time or person.
pub(super) fn forged_claims(signer: &Signer) -> Vec<Attack> {
    let header = signer.header().to_string();
    let claim = |member: &str, value: Value| signer.jws(&header, &with(claims(), member, value));
    let twice = claims()
        .to_string()
        .replacen('{', r#"{"approved_by":"cfo","#, 1);
    let of = |member: &str| claims()[member].clone();
    let list = ["approved_by", "iat", "exp", "input_sha256"];
    let list = list.into_iter().chain(["workflow_id", "tenant", "jti"]);
    let list = Value::from_iter(list.map(of)).to_string();
    let late = seconds("2025-09-29T13:02:00Z");
    vec![
        (signer.jws(&header, &twice), "duplicate field"),
        (claim("aud", json!("payroll")), "unknown field"),
        (claim("nbf", json!(0)), "unknown field"),
        (claim("exp", Value::Null), "not this JSON object"),
        (claim("exp", json!(1.5)), "not this JSON object"),
        (claim("exp", json!("9999999999")), "not this JSON object"),
        (claim("exp", json!(i64::MAX)), "exp is not a time"),
        (signer.jws(&header, "[]"), "not this JSON object"),
        (signer.jws(&header, &list), "not this JSON object"),
        (signer.jws(&header, "{}"), "missing field"),
        (claim("tenant", json!("globex")), "it is for tenant globex"),
        (claim("tenant", json!("Acme")), "a tenant's name has"),
        (claim("workflow_id", json!("WF-PAY")), "it is for WF-PAY"),
        (claim("workflow_id", json!("*")), "not a workflow's id"),
        (
            claim("input_sha256", json!("0".repeat(64))),
            "another input",
        ),
        (claim("exp", json!(seconds(NOW))), "it has expired"),
        (claim("iat", json!(late)), "later than the start"),
        (claim("approved_by", json!("ann")), "cannot approve it"),
        (claim("approved_by", json!(" ANN ")), "cannot approve it"),
    ]
}
