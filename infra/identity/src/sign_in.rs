//! The sign-in of people: OpenID Connect, authorization code with PKCE (S256), nonce and refresh
//! tokens, with one button per person of the local stack.

use std::{
    collections::HashMap,
    fmt::Write as _,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Issuer;

/// Validity of a code.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// The most codes and refresh tokens that are kept; the oldest go first.
const KEPT_MAX: usize = 1000;

/// A person of the local stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Person {
    /// The name of the button, and the subject of the tokens.
    pub subject: &'static str,
    role: &'static str,
    tenant: Option<&'static str>,
    group: Option<&'static str>,
    /// The second line of the button.
    about: &'static str,
}

/// The people of the sign-in page: one per role, two approvers, and an administrator of another
/// tenant.
pub(crate) const PEOPLE: [Person; 8] = [
    person(
        "platform-admin",
        "platform-admin",
        None,
        None,
        "Operates the platform, for every tenant",
    ),
    person(
        "platform-observer",
        "platform-observer",
        None,
        None,
        "Watches every tenant, without payloads",
    ),
    person(
        "tenant-admin",
        "tenant-admin",
        Some("acme"),
        None,
        "Runs the workflows of acme",
    ),
    person(
        "observer",
        "observer",
        Some("acme"),
        None,
        "Watches acme, without payloads",
    ),
    person(
        "auditor",
        "auditor",
        Some("acme"),
        None,
        "Reads the receipts of acme",
    ),
    person(
        "cfo",
        "approver",
        Some("acme"),
        Some("cfo"),
        "Approves for the group cfo of acme",
    ),
    person(
        "treasury",
        "approver",
        Some("acme"),
        Some("treasury"),
        "Approves for the group treasury of acme",
    ),
    person(
        "globex-admin",
        "tenant-admin",
        Some("globex"),
        None,
        "Runs the workflows of globex",
    ),
];

const fn person(
    subject: &'static str,
    role: &'static str,
    tenant: Option<&'static str>,
    group: Option<&'static str>,
    about: &'static str,
) -> Person {
    Person {
        subject,
        role,
        tenant,
        group,
        about,
    }
}

/// The members of an authorization request that the issuer reads. It ignores others (RFC 6749,
/// section 3.1).
#[derive(Debug, Clone)]
pub(crate) struct AuthorizationRequest {
    redirect_uri: String,
    challenge: String,
    state: String,
    nonce: Option<String>,
    /// True if no page may be shown.
    pub silent: bool,
}

/// The person and the request behind a code or a refresh token.
#[derive(Debug, Clone)]
struct Grant {
    person: Person,
    nonce: Option<String>,
    redirect_uri: String,
    challenge: String,
    at: Instant,
}

/// Codes and refresh tokens that were issued and not used.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: Mutex<HashMap<String, Grant>>,
    refreshes: Mutex<HashMap<String, Grant>>,
}

/// The issuer's address, audience of the API, client of the console, and lifetime of a token.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address.
    pub url: String,
    /// The audience of the API's tokens.
    pub audience: String,
    /// The client's id.
    pub client: String,
    /// The lifetime of a token, in seconds.
    pub seconds: u64,
}

impl AuthorizationRequest {
    /// Reads a query. The error says what is wrong; nothing is redirected then, since the address
    /// may be another's (RFC 6749, section 4.1.2.1).
    pub(crate) fn read(query: &HashMap<String, String>, client: &str) -> Result<Self, String> {
        let text = |name: &str| query.get(name).cloned().filter(|value| !value.is_empty());
        let required = |name: &str| text(name).ok_or_else(|| format!("{name} is missing"));
        let expected = |name: &str, right: &str| match text(name).as_deref() == Some(right) {
            true => Ok(()),
            false => Err(format!("{name} must be {right}")),
        };
        expected("response_type", "code")?;
        expected("client_id", client)?;
        expected("code_challenge_method", "S256")?;
        let redirect_uri = required("redirect_uri")?;
        // The local stack's console has a port and a path that are not known here.
        if !is_of_this_machine(&redirect_uri) {
            return Err(
                "redirect_uri must be a page of this machine, http://127.0.0.1:…".to_owned(),
            );
        }
        Ok(Self {
            redirect_uri,
            challenge: required("code_challenge")?,
            state: required("state")?,
            nonce: text("nonce"),
            silent: query.get("prompt").is_some_and(|prompt| prompt == "none"),
        })
    }

    /// The address to which a person returns with an answer.
    pub(crate) fn answer(&self, name: &str, value: &str) -> String {
        format!(
            "{}?{name}={value}&state={}",
            self.redirect_uri,
            escaped(&self.state)
        )
    }
}

impl Grants {
    /// A code for this person.
    pub(crate) fn code(
        &self,
        request: &AuthorizationRequest,
        person: Person,
    ) -> io::Result<String> {
        let grant = Grant {
            person,
            nonce: request.nonce.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            at: Instant::now(),
        };
        keep(&self.codes, grant)
    }

    /// Answers the token endpoint. The error is a code of RFC 6749, section 5.2.
    pub(crate) fn tokens(
        &self,
        issuer: &Issuer,
        settings: &Settings,
        form: &HashMap<String, String>,
    ) -> Result<Value, &'static str> {
        let text = |name: &str| form.get(name).map_or("", String::as_str);
        if text("client_id") != settings.client {
            return Err("invalid_client");
        }
        let grant = match text("grant_type") {
            "authorization_code" => {
                // Taken out whatever follows, since a code works once.
                let grant = locked(&self.codes)
                    .remove(text("code"))
                    .ok_or("invalid_grant")?;
                let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(text("code_verifier")));
                let right = grant.at.elapsed() < CODE_LIFE
                    && grant.redirect_uri == text("redirect_uri")
                    && grant.challenge == challenge;
                right.then_some(grant).ok_or("invalid_grant")?
            }
            "refresh_token" => {
                let mut kept = locked(&self.refreshes);
                kept.remove(text("refresh_token")).ok_or("invalid_grant")?
            }
            _ => return Err("unsupported_grant_type"),
        };
        let (person, nonce) = (grant.person, grant.nonce.clone());
        let refresh = keep(&self.refreshes, grant).map_err(|_| "server_error")?;
        let sign = |claims: &Value| issuer.token(claims).map_err(|_| "server_error");
        let mut id = claims(settings, &settings.client, person);
        if let Some(nonce) = nonce {
            id["nonce"] = nonce.into();
        }
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": settings.seconds,
            "access_token": sign(&claims(settings, &settings.audience, person))?,
            "id_token": sign(&id)?,
            "refresh_token": refresh,
        }))
    }
}

fn claims(settings: &Settings, audience: &str, person: Person) -> Value {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |now| now.as_secs());
    let mut claims = json!({
        "iss": settings.url,
        "aud": audience,
        "sub": person.subject,
        "role": person.role,
        "iat": now,
        "exp": now + settings.seconds,
    });
    if let Some(tenant) = person.tenant {
        claims["tenant"] = tenant.into();
    }
    if let Some(group) = person.group {
        claims["groups"] = json!([group]);
    }
    claims
}

/// True if the address is that of a page of this machine.
pub(crate) fn is_of_this_machine(address: &str) -> bool {
    address.starts_with("http://127.0.0.1:") && !address.contains(['?', '#', '@', '\\'])
}

/// Keeps a grant under a random name, and returns the name.
fn keep(kept: &Mutex<HashMap<String, Grant>>, grant: Grant) -> io::Result<String> {
    let mut random = [0; 32];
    let filled = SystemRandom::new().fill(&mut random);
    filled.map_err(|_| io::Error::other("this machine has no randomness"))?;
    let name = URL_SAFE_NO_PAD.encode(random);
    let mut kept = locked(kept);
    if kept.len() >= KEPT_MAX {
        let oldest = kept
            .iter()
            .min_by_key(|(_, grant)| grant.at)
            .map(|(name, _)| name.clone());
        oldest.and_then(|name| kept.remove(&name));
    }
    kept.insert(name.clone(), grant);
    Ok(name)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The page with one button per person. `query` is that of the authorization request.
pub(crate) fn page(query: &str) -> String {
    let mut buttons = String::new();
    for person in PEOPLE {
        let Person { subject, about, .. } = person;
        // An address of our own: the query as it came, escaped.
        let _ = write!(
            buttons,
            "<li><a href=\"/authorize?{}&amp;as={subject}\"><strong>{subject}</strong><span>{about}</span></a></li>",
            attribute(query)
        );
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Sign in to the local stack</title><style>{STYLE}</style></head><body><main>\
         <h1>Sign in to the local stack</h1>\
         <p>This issuer proves no identity: choose who you are.</p><ul>{buttons}</ul></main></body></html>"
    )
}

const STYLE: &str = ":root{color-scheme:light dark}body{margin:0;font:16px/1.5 system-ui,sans-serif;\
background:light-dark(#eef1f3,#12181f);color:light-dark(#1c2733,#e2e8ee)}\
main{max-width:34rem;margin:8vh auto;padding:0 1rem}h1{font-size:1.5rem;margin:0}\
ul{list-style:none;padding:0;display:grid;gap:.5rem}\
a{display:block;padding:.6rem .9rem;border:1px solid light-dark(#75808c,#7f8b98);border-radius:5px;\
color:inherit;text-decoration:none;background:light-dark(#fff,#1a222b)}\
a:hover,a:focus-visible{outline:2px solid light-dark(#1d4f91,#8ab8f5)}\
strong,span{display:block}span{color:light-dark(#566372,#a0adba);font-size:.9rem}";

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('"', "&quot;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A value of a query, percent-encoded.
fn escaped(value: &str) -> String {
    let mut escaped = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
