//! Codes, tokens and the page of the sign-in.

use super::*;

const PAGE: &str = "http://127.0.0.1:4599/console/index.html";
const VERIFIER: &str = "a-verifier-of-the-page";

fn map(pairs: &[(&str, &str)]) -> HashMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

fn query() -> HashMap<String, String> {
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
    map(&[
        ("response_type", "code"),
        ("client_id", "console"),
        ("redirect_uri", PAGE),
        ("state", "a&b"),
        ("nonce", "n"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ])
}

fn settings() -> Settings {
    Settings {
        url: "http://127.0.0.1:1".to_owned(),
        audience: "holdfast".to_owned(),
        client: "console".to_owned(),
        seconds: 60,
    }
}

fn form<'a>(code: &'a str, verifier: &'a str, page: &'a str) -> HashMap<String, String> {
    map(&[
        ("grant_type", "authorization_code"),
        ("client_id", "console"),
        ("code", code),
        ("code_verifier", verifier),
        ("redirect_uri", page),
    ])
}

fn claims_of(token: &Value) -> Value {
    let payload = token
        .as_str()
        .and_then(|token| token.split('.').nth(1))
        .expect("a token");
    let payload = URL_SAFE_NO_PAD.decode(payload).expect("base64url");
    serde_json::from_slice(&payload).expect("JSON")
}

#[test]
fn a_code_works_once_and_with_its_verifier_and_page_alone() {
    let (issuer, grants) = (Issuer::new().expect("a key"), Grants::default());
    let request = AuthorizationRequest::read(&query(), "console").expect("a request");
    let code = || grants.code(&request, PEOPLE[5]).expect("a code");
    let ask = |form: &HashMap<String, String>| grants.tokens(&issuer, &settings(), form);
    let other = "http://127.0.0.1:4599/other";
    assert_eq!(ask(&form(&code(), "wrong", PAGE)), Err("invalid_grant"));
    assert_eq!(ask(&form(&code(), VERIFIER, other)), Err("invalid_grant"));
    assert_eq!(ask(&form("unknown", VERIFIER, PAGE)), Err("invalid_grant"));
    assert_eq!(ask(&map(&[("client_id", "other")])), Err("invalid_client"));
    let first = code();
    let tokens = ask(&form(&first, VERIFIER, PAGE)).expect("tokens");
    assert_eq!(ask(&form(&first, VERIFIER, PAGE)), Err("invalid_grant"));
    let access = claims_of(&tokens["access_token"]);
    assert_eq!(access["aud"], "holdfast");
    assert_eq!(access["role"], "approver");
    assert_eq!(access["groups"], json!(["cfo"]));
    assert!(access["nonce"].is_null());
    let id = claims_of(&tokens["id_token"]);
    assert_eq!((&id["aud"], &id["nonce"]), (&json!("console"), &json!("n")));
}

#[test]
fn a_refresh_token_is_replaced_by_each_use() {
    let (issuer, grants) = (Issuer::new().expect("a key"), Grants::default());
    let request = AuthorizationRequest::read(&query(), "console").expect("a request");
    let code = grants.code(&request, PEOPLE[0]).expect("a code");
    let ask = |form: &HashMap<String, String>| grants.tokens(&issuer, &settings(), form);
    let tokens = ask(&form(&code, VERIFIER, PAGE)).expect("tokens");
    let refresh = tokens["refresh_token"].as_str().expect("a token");
    let again = map(&[
        ("grant_type", "refresh_token"),
        ("client_id", "console"),
        ("refresh_token", refresh),
    ]);
    let renewed = ask(&again).expect("tokens");
    assert_ne!(renewed["refresh_token"], tokens["refresh_token"]);
    assert_eq!(ask(&again), Err("invalid_grant"));
}

#[test]
fn a_request_without_pkce_or_to_another_machine_is_refused_and_not_redirected() {
    for (name, value) in [
        ("redirect_uri", "https://evil.example/console/index.html"),
        ("redirect_uri", "http://127.0.0.1:1@evil.example/"),
        ("code_challenge_method", "plain"),
        ("code_challenge", ""),
        ("client_id", "other"),
        ("response_type", "token"),
        ("state", ""),
    ] {
        let mut query = query();
        query.insert(name.to_owned(), value.to_owned());
        AuthorizationRequest::read(&query, "console").expect_err(name);
    }
    let request = AuthorizationRequest::read(&query(), "console").expect("a request");
    assert_eq!(
        request.answer("code", "c"),
        format!("{PAGE}?code=c&state=a%26b")
    );
}

#[test]
fn the_page_has_a_button_for_every_person_and_no_markup_of_the_query() {
    let page = page("state=\"><script>alert(1)</script>");
    for person in PEOPLE {
        assert!(page.contains(&format!("&amp;as={}\"", person.subject)));
    }
    assert!(!page.contains("<script"), "{page}");
}
