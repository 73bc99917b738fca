//! Attacks by the claims of a token that the issuer really signed: a name that resembles a role, a
//! list, another type, a hidden character.

use holdfast_access::Role;
use holdfast_tests::{Stack, tokens};
use serde_json::{Value, json};

use crate::none_succeeded;

/// Requests that only a platform admin may send, or only the people of tenant `globex`.
const BEYOND: [&str; 3] = [
    "/v1/controls",
    "/v1/incidents?tenant=globex",
    "/v1/digests?tenant=globex",
];

/// The statuses that a token with these claims gets for each path.
async fn statuses(stack: &Stack, claims: &Value, paths: &[&str]) -> Vec<u16> {
    let api = stack.api.as_role(Role::Observer, "acme");
    let api = api.bearing(tokens::signed(claims));
    let mut statuses = Vec::new();
    for path in paths {
        statuses.push(api.get(path).await.status);
    }
    statuses
}

/// Collects the rows of a claim whose token is not refused at every path.
async fn admitted(
    stack: &Stack,
    honest: &Value,
    name: &str,
    rows: &[Value],
    paths: &[&str],
) -> Vec<String> {
    let mut admitted = Vec::new();
    for row in rows {
        let mut claims = honest.clone();
        claims[name] = row.clone();
        let statuses = statuses(stack, &claims, paths).await;
        // 404 hides another tenant's resources from a role without a right to them.
        if !statuses
            .iter()
            .all(|status| matches!(status, 401 | 403 | 404))
        {
            admitted.push(format!("{name} {row}: {statuses:?}"));
        }
    }
    admitted
}

#[tokio::test]
async fn no_name_that_resembles_a_role_is_one() {
    let stack = Stack::from_env().await;
    let honest = tokens::claims(Role::PlatformAdmin, Some("acme"), "mallory");
    assert_eq!(statuses(&stack, &honest, &BEYOND).await, [200, 200, 200]);
    let rows = [
        json!("former platform-admin"),
        json!(["former platform-admin"]),
        json!(["former,platform-admin"]),
        json!("[platform-admin]"),
        json!("[\"platform-admin\"]"),
        json!("platform-admin,observer"),
        json!(["observer", "platform-admin"]),
        json!(["platform-admin", "platform-admin"]),
        json!([["platform-admin"]]),
        json!([{ "name": "platform-admin" }]),
        json!(["platform-admin", 7]),
        json!({ "platform-admin": true }),
        json!("Platform-Admin"),
        json!("PLATFORM-ADMIN"),
        json!(" platform-admin"),
        json!("platform-admin\n"),
        json!("platform-admin\u{0}"),
        json!("platform-admin\u{200b}"),
        json!("platform\u{2010}admin"),
        json!("рlatform-admin"),
        json!("platform_admin"),
        json!("platform-admin*"),
        json!("*"),
        json!(0),
        json!(true),
        json!(null),
    ];
    none_succeeded(&admitted(&stack, &honest, "role", &rows, &BEYOND).await);
}

#[tokio::test]
async fn no_tenant_claim_reaches_the_tenant_that_it_resembles() {
    let stack = Stack::from_env().await;
    let honest = tokens::claims(Role::TenantAdmin, Some("globex"), "mallory");
    let paths = ["/v1/incidents", "/v1/incidents?tenant=globex"];
    assert_eq!(statuses(&stack, &honest, &paths).await, [200, 200]);
    let rows = [
        json!(7),
        json!(true),
        json!(null),
        json!(["globex"]),
        json!(["acme", "globex"]),
        json!({ "globex": 1 }),
        json!("Globex"),
        json!("globex "),
        json!("globex\u{0}"),
        json!("globex\u{200b}"),
        json!("glоbex"),
        json!("globex#EXEC#1"),
        json!("acme/../globex"),
        json!("*"),
        json!(""),
    ];
    none_succeeded(&admitted(&stack, &honest, "tenant", &rows, &paths).await);
}

#[tokio::test]
async fn no_subject_without_a_visible_name_may_act() {
    let stack = Stack::from_env().await;
    let honest = tokens::claims(Role::PlatformAdmin, Some("acme"), "mallory");
    let rows = [
        json!("   "),
        json!(""),
        json!("\t"),
        json!("a\nb"),
        json!("\u{200b}"),
        json!("ann\u{202e}bob"),
        json!("x".repeat(201)),
        json!(7),
        json!(["ann"]),
        json!(null),
    ];
    none_succeeded(&admitted(&stack, &honest, "sub", &rows, &BEYOND).await);
}
