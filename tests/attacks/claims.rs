//! Attacks by the claims of a token that the issuer really signed: a name that resembles a role, a
//! list, another type, a hidden character.

use holdfast_access::Role;
use holdfast_tests::{Stack, eventually, tokens, unique};
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
async fn no_claim_of_groups_makes_a_member_of_another_group() {
    let stack = Stack::from_env().await;
    let signs = include_str!("../workflows/signs.yaml");
    stack.aws.deploy(signs).await;
    let input = json!({ "vendor_id": unique("vendor"), "amount": 90_000 });
    let admin = stack.api.as_role(Role::TenantAdmin, "acme");
    let id = admin
        .started("WF-TEST-SIGNS", &unique("signs"), &input)
        .await;
    let path = format!("/v1/executions/{id}");
    let honest = tokens::claims(Role::Approver, Some("acme"), "mallory");
    let mut member = honest.clone();
    member["groups"] = json!(["cfo"]);
    eventually("the execution asks the group", || async {
        match statuses(&stack, &member, &[&path]).await[..] {
            [200] => Ok(()),
            ref other => Err(format!("{other:?}")),
        }
    })
    .await;
    let many: Vec<_> = (0..250)
        .map(|n| format!("g{n}"))
        .chain(["cfo".to_owned()])
        .collect();
    let rows = [
        json!("cfo treasury"),
        json!("cfo,treasury"),
        json!("[cfo treasury]"),
        json!("[\"cfo\"]"),
        json!(["former cfo"]),
        json!(["cfo of games"]),
        json!([["cfo"]]),
        json!([{ "name": "cfo" }]),
        json!({ "cfo": true }),
        json!(["cfo", 7]),
        json!(["cfo", ["ops"]]),
        json!(many),
        json!("CFO"),
        json!(" cfo"),
        json!("cfo\n"),
        json!("cfo\u{0}"),
        json!("cfo\u{200b}"),
        json!("c\u{ad}fo"),
        json!("ｃｆｏ"),
        json!("сfo"),
        json!("cfo*"),
        json!("*"),
        json!(""),
        json!(0),
        json!(true),
        json!(null),
    ];
    let mut succeeded = admitted(&stack, &honest, "groups", &rows, &[&path]).await;
    // The right group of another tenant, and of another role.
    let others = [
        (Role::Approver, "globex", path.clone()),
        (Role::Approver, "globex", format!("{path}?tenant=acme")),
        (Role::Auditor, "acme", path.clone()),
    ];
    for (role, tenant, path) in others {
        let honest = tokens::claims(role, Some(tenant), "mallory");
        succeeded.extend(admitted(&stack, &honest, "groups", &[json!(["cfo"])], &[&path]).await);
    }
    none_succeeded(&succeeded);
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
