//! Fuzzing of the claims of tokens: an accepted token names its subject, one role and its tenant in
//! exactly the form that the documentation promises.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use holdfast_access::{ClaimNames, Claims, Identity, Role};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};

use crate::{
    fuzz,
    mutate::{Change, changed, changes},
};

/// Parts of names that resemble roles, tenants and subjects.
const PARTS: [&str; 41] = [
    "platform-admin",
    "tenant-admin",
    "observer",
    "auditor",
    "platform-observer",
    "former ",
    " of games",
    "Platform",
    "-",
    "admin",
    "*",
    ",",
    " ",
    "[",
    "]",
    "\"",
    "acme",
    "globex",
    "ACME",
    "аcme",
    "#EXEC#",
    "/",
    "..",
    "\u{0}",
    "\n",
    "\t",
    "\u{200b}",
    "\u{202e}",
    "\u{2010}",
    "\u{feff}",
    "ⅰ",
    "é",
    "7",
    "true",
    "null",
    "{",
    "}",
    ":",
    "x",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "😀",
];

/// A text of a claim: hostile parts, or the name of a role.
fn text() -> impl Strategy<Value = String> {
    let parts = vec(prop::sample::select(&PARTS[..]), 0..5);
    let role = prop::sample::select(&Role::ALL[..]).prop_map(|role| role.name().to_owned());
    prop_oneof![
        3 => parts.prop_map(|parts| parts.concat()),
        3 => role,
        1 => any::<String>(),
        1 => "[a-z0-9-]{1,70}",
    ]
}

/// The value of a claim, of any type.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => text().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            2 => vec(inner.clone(), 0..4).prop_map(Value::from),
            1 => (text(), inner).prop_map(|(name, value)| json!({ name: value })),
        ]
    })
}

/// A token: its claims, changes of its text, and what the gateway verified beside them.
#[derive(Debug, Clone)]
struct Token {
    claims: [Option<Value>; 4],
    changes: Vec<Change>,
    scheme: &'static str,
    /// The subject and the issuer that the gateway verified, if they are not those of the claims.
    verified: Option<(String, String)>,
}

const NAMES: [&str; 4] = ["sub", "iss", "groups", "org"];

fn token() -> impl Strategy<Value = Token> {
    let claim = || prop::option::weighted(0.9, value());
    let right = |name: &'static str| prop_oneof![1 => claim(), 3 => Just(Some(json!(name)))];
    let claims = (right("zoe"), right("issuer"), claim(), right("acme"));
    let changes = prop_oneof![4 => Just(Vec::new()), 1 => changes()];
    let scheme =
        prop::sample::select(&["Bearer ", "bearer ", "", "Basic ", "Bearer  ", "Bearer\t"][..]);
    let verified = prop::option::weighted(0.2, (text(), text()));
    (claims, changes, scheme, verified).prop_map(
        |((sub, iss, role, tenant), changes, scheme, verified)| {
            let claims = [sub, iss, role, tenant];
            Token {
                claims,
                changes,
                scheme,
                verified,
            }
        },
    )
}

#[test]
fn an_accepted_token_names_one_role_and_a_tenant_exactly() {
    fuzz("claims", token(), judge);
}

fn judge(token: Token) -> Result<(), String> {
    let mut claims = Map::new();
    for (name, value) in NAMES.into_iter().zip(&token.claims) {
        claims.extend(value.clone().map(|value| (name.to_owned(), value)));
    }
    let payload = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(claims.clone()).to_string());
    let header = changed(
        &format!("{}e30.{payload}.c2ln", token.scheme),
        &token.changes,
    );
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let (sub, iss) = match token.verified {
        Some((sub, iss)) => (Some(sub), Some(iss)),
        None => (text("sub"), text("iss")),
    };
    let verified = |name: &str| match name {
        "sub" => sub.as_deref(),
        "iss" => iss.as_deref(),
        _ => None,
    };
    let names = ClaimNames {
        tenant: "org".to_owned(),
        role: "groups".to_owned(),
        groups: "teams".to_owned(),
    };
    let read = Claims::read(&header, verified)
        .and_then(|read| Identity::read(&names, &read).map(|identity| (read, identity)));
    let Ok((read, identity)) = read else {
        // An honest token is never refused.
        return match token.changes.is_empty() && is_honest(&claims, &sub, &iss, token.scheme) {
            true => Err(format!("an honest token is refused: {claims:?}")),
            false => Ok(()),
        };
    };
    let agrees = read.get("sub").and_then(Value::as_str) == sub.as_deref()
        && read.get("iss").and_then(Value::as_str) == iss.as_deref();
    if !agrees || Some(&identity.subject) != sub.as_ref() {
        return Err(format!("another bearer than the verified one: {header:?}"));
    }
    if roles(read.get("groups")) != [identity.role] {
        return Err(format!(
            "the role {:?} comes from {:?}",
            identity.role,
            read.get("groups")
        ));
    }
    let tenant = read
        .get("org")
        .map(|tenant| tenant.as_str().unwrap_or("?").to_owned());
    if identity.tenant != tenant || !tenant.as_deref().is_none_or(is_tenant) {
        return Err(format!(
            "the tenant {:?} comes from {:?}",
            identity.tenant,
            read.get("org")
        ));
    }
    if identity.tenant.is_none() && !identity.role.is_of_every_tenant() {
        return Err("a role without a tenant".to_owned());
    }
    match is_subject(&identity.subject) {
        true => Ok(()),
        false => Err(format!("the subject {:?} is accepted", identity.subject)),
    }
}

/// The roles that a claim names: a text, or the texts of a list that has nothing else.
fn roles(claim: Option<&Value>) -> Vec<Role> {
    let texts = match claim {
        Some(Value::String(text)) => vec![text.as_str()],
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).collect()
        }
        _ => Vec::new(),
    };
    let role = |text: &str| Role::ALL.into_iter().find(|role| role.name() == text);
    texts.into_iter().filter_map(role).collect()
}

fn is_tenant(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let begins = text.bytes().next().is_some_and(plain);
    begins && text.len() <= 63 && text.bytes().all(|byte| plain(byte) || byte == b'-')
}

fn is_subject(text: &str) -> bool {
    let seen = |c: char| !c.is_control() && !"\u{200b}\u{202e}\u{feff}".contains(c);
    !text.trim().is_empty() && text.chars().count() <= 200 && text.chars().all(seen)
}

/// True if a token has the documented form, with letters and digits as its subject.
fn is_honest(
    claims: &Map<String, Value>,
    sub: &Option<String>,
    iss: &Option<String>,
    scheme: &str,
) -> bool {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let role = roles(claims.get("groups"));
    let tenant = claims.get("org");
    ["Bearer ", "bearer ", ""].contains(&scheme)
        && text("sub") == sub.as_deref()
        && text("iss") == iss.as_deref()
        && text("iss").is_some()
        && text("sub").is_some_and(|sub| {
            (1..=200).contains(&sub.len()) && sub.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        && role.len() == 1
        && match tenant {
            None => role == [Role::PlatformAdmin] || role == [Role::PlatformObserver],
            Some(tenant) => tenant.as_str().is_some_and(is_tenant),
        }
}
