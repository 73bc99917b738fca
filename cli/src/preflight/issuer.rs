//! The issuer of the callers' tokens, read as API Gateway reads it.
//!
//! To create a JWT authorizer, API Gateway fetches the issuer's discovery document. An issuer that
//! does not answer therefore fails the deployment. The keys must be RSA keys:
//! docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html.

use holdfast_action::Check;
use serde_json::Value;

use super::{Finding, settings::Settings};
use crate::api;

/// Checks the issuer of a deployment, as far as one finding follows from the one before.
pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    // A missing issuer is a finding about the parameters.
    let Some(issuer) = settings.value("JwtIssuer").filter(|text| !text.is_empty()) else {
        return Vec::new();
    };
    let owner = format!("JwtIssuer {issuer}");
    let mut found = Vec::new();
    let mut add = |what: &str, tried: Result<(), String>| {
        let fine = tried.is_ok();
        found.push((owner.clone(), Check::of(what, tried)));
        fine
    };
    let https = if issuer.starts_with("https://") {
        Ok(())
    } else {
        Err("API Gateway reads https only: give the issuer TLS".to_owned())
    };
    add("it is an https address", https);
    let address = format!(
        "{}/.well-known/openid-configuration",
        issuer.trim_end_matches('/')
    );
    let document = match json(&address) {
        Ok(document) => document,
        Err(why) => {
            add("its discovery document can be read", Err(why));
            return found;
        }
    };
    add("its discovery document can be read", Ok(()));
    add(
        "the document names the same issuer",
        same(&document, issuer),
    );
    let keys = match document["jwks_uri"].as_str() {
        Some(address) => json(address),
        None => Err("the discovery document has no jwks_uri".to_owned()),
    };
    match keys {
        Err(why) => add("its keys can be read", Err(why)),
        Ok(keys) => {
            add("its keys can be read", Ok(()));
            add("its keys are RSA keys for signatures", rsa(&keys))
        }
    };
    found
}

/// The JSON at an address that answers 200.
fn json(address: &str) -> Result<Value, String> {
    let (status, body) = api::public(address)?;
    if status != 200 {
        return Err(format!(
            "{address} answered {status}; it must answer 200 to everyone"
        ));
    }
    serde_json::from_slice(&body).map_err(|error| format!("{address} is not JSON: {error}"))
}

/// Compares the issuers letter by letter, as the claim `iss` of a token is compared.
fn same(document: &Value, issuer: &str) -> Result<(), String> {
    match document["issuer"].as_str() {
        Some(named) if named == issuer => Ok(()),
        Some(named) => Err(format!(
            "it names {named:?}: set JwtIssuer to exactly that, with its slash at the end or without"
        )),
        None => Err("it has no member issuer".to_owned()),
    }
}

/// Refuses a key set without a key that API Gateway can use, or with one that it cannot.
fn rsa(keys: &Value) -> Result<(), String> {
    let keys = keys["keys"]
        .as_array()
        .ok_or("the key set has no list keys")?;
    let signing = keys
        .iter()
        .filter(|key| key["use"].as_str().is_none_or(|of| of == "sig"));
    let mut count = 0;
    for key in signing {
        let kind = key["kty"].as_str().unwrap_or("no kty");
        let kid = key["kid"].as_str().unwrap_or_default();
        if kind != "RSA" {
            return Err(format!(
                "the key {kid:?} is {kind}, and API Gateway verifies RSA only: sign tokens with RS256"
            ));
        }
        if kid.is_empty() {
            return Err("a key has no kid, by which API Gateway finds a token's key".to_owned());
        }
        count += 1;
    }
    match count {
        0 => Err("it has no key for signatures".to_owned()),
        _ => Ok(()),
    }
}
