//! Tests of the access of each role, the page that shows it, and the reading of claims.

use std::{collections::HashMap, env, fs, path::Path};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;

/// The claims as API Gateway passes them: numbers and lists become texts.
fn flattened(claims: &Value) -> HashMap<String, String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => {
            let texts: Vec<_> = list.iter().filter_map(Value::as_str).collect();
            format!("[{}]", texts.join(" "))
        }
        other => other.to_string(),
    };
    let claims = claims.as_object().into_iter().flatten();
    claims
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

fn bearer(claims: &Value) -> String {
    let payload = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    format!("Bearer e30.{payload}.c2ln")
}

/// Reads the identity of a token with these claims, which the gateway verified.
fn identity(claims: &Value) -> Result<Identity, IdentityError> {
    let names = ClaimNames {
        tenant: "org".to_owned(),
        role: "groups".to_owned(),
        groups: "teams".to_owned(),
    };
    let verified = flattened(claims);
    let verified = |name: &str| verified.get(name).map(String::as_str);
    Claims::read(&bearer(claims), verified).and_then(|claims| Identity::read(&names, &claims))
}

/// The error of a token whose subject has no role or tenant here.
fn no_role(claims: &Value) -> String {
    match identity(claims) {
        Err(IdentityError::NoRole(why)) => why,
        other => panic!("{claims}: {other:?}"),
    }
}

#[test]
fn only_a_role_of_every_tenant_reaches_another_tenant_or_learns_of_its_resources() {
    for role in Role::ALL {
        for operation in Operation::ALL {
            let other = access(role, operation, Ownership::Other);
            let expected = match (role, operation) {
                (Role::PlatformAdmin, _) => Access::Allowed,
                // It sees the same everywhere.
                (Role::PlatformObserver, _) => access(role, operation, Ownership::Own),
                // Controls and the registry belong to no tenant.
                (_, Operation::ForeseePause | Operation::Control | Operation::ManageTenants) => {
                    Access::Forbidden
                }
                _ => Access::Hidden,
            };
            assert_eq!(other, expected, "{role:?} {operation:?}");
        }
    }
}

#[test]
fn every_operation_has_a_role_and_a_resource_of_ones_own_tenant_is_never_hidden() {
    for operation in Operation::ALL {
        assert!(!operation.roles().is_empty(), "{operation:?}");
        for role in Role::ALL {
            assert_ne!(access(role, operation, Ownership::Own), Access::Hidden);
        }
    }
}

/// `HOLDFAST_WRITE_DOCS=1 cargo test -p holdfast-access roles_page` rewrites the page.
#[test]
fn the_roles_page_shows_the_access_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/roles.md");
    let page = fs::read_to_string(&file).expect("docs/roles.md");
    let (before, rest) = page
        .split_once("<!-- table -->\n")
        .expect("where it begins");
    let (_, after) = rest.split_once("<!-- /table -->\n").expect("where it ends");
    let right = format!(
        "{before}<!-- table -->\n{}<!-- /table -->\n{after}",
        table()
    );
    if env::var_os("HOLDFAST_WRITE_DOCS").is_some() {
        fs::write(&file, &right).expect("docs can be written");
    }
    assert!(
        page == right,
        "docs/roles.md is stale: HOLDFAST_WRITE_DOCS=1 writes it"
    );
}

#[test]
fn a_token_names_a_subject_one_role_and_a_tenant() {
    let read = identity(&json!({ "sub": "zoe", "groups": "tenant-admin", "org": "acme" }));
    let read = read.expect("an identity");
    assert_eq!(
        (read.role, read.tenant.as_deref(), read.subject.as_str()),
        (Role::TenantAdmin, Some("acme"), "zoe")
    );
    assert_eq!(read.ownership("acme"), Ownership::Own);
    assert_eq!(read.ownership("globex"), Ownership::Other);
    for groups in [json!(["observer"]), json!(["staff", "observer", "a,b"])] {
        let listed = identity(&json!({ "sub": "zoe", "groups": groups, "org": "acme" }));
        assert_eq!(listed.map(|read| read.role), Ok(Role::Observer), "{groups}");
    }
}

#[test]
fn a_part_of_a_group_name_is_no_role() {
    for groups in [
        json!(["former platform-admin"]),
        json!(["former,platform-admin"]),
        json!(["platform-admin of games"]),
        json!("[platform-admin]"),
        json!("former platform-admin"),
        json!("[\"platform-admin\"]"),
        json!([["platform-admin"]]),
        json!([{ "name": "platform-admin" }, "x"]),
        json!(["platform-admin", 7]),
    ] {
        let why = no_role(&json!({ "sub": "zoe", "groups": groups, "org": "acme" }));
        assert!(why.contains("claim groups is "), "{why}");
    }
}

/// The groups of an approver whose token has this claim.
fn groups(claim: Option<Value>) -> Result<Vec<String>, IdentityError> {
    let mut claims = json!({ "sub": "zoe", "groups": "approver", "org": "acme" });
    if let Some(claim) = claim {
        claims["teams"] = claim;
    }
    identity(&claims).map(|read| read.groups)
}

#[test]
fn an_approver_has_the_groups_that_the_token_names_one_by_one() {
    let many: Vec<_> = (0..200).map(|n| format!("g{n}")).collect();
    for (claim, right) in [
        (None, vec![]),
        (Some(json!([])), vec![]),
        (Some(json!("cfo")), vec!["cfo"]),
        (
            Some(json!(["cfo", "Treasury EU"])),
            vec!["cfo", "Treasury EU"],
        ),
        (Some(json!("cfo treasury")), vec!["cfo treasury"]),
        (Some(json!("cfo,treasury")), vec!["cfo,treasury"]),
        (Some(json!("[cfo treasury]")), vec!["[cfo treasury]"]),
        (Some(json!(many)), many.iter().map(String::as_str).collect()),
    ] {
        let right = right.into_iter().map(str::to_owned).collect();
        assert_eq!(groups(claim.clone()), Ok(right), "{claim:?}");
    }
}

#[test]
fn an_unfit_claim_of_groups_names_no_identity() {
    let many: Vec<_> = (0..201).map(|n| format!("g{n}")).collect();
    for claim in [
        json!(null),
        json!(7),
        json!(true),
        json!({ "cfo": true }),
        json!([["cfo"]]),
        json!([{ "name": "cfo" }]),
        json!(["cfo", 7]),
        json!(["cfo", null]),
        json!(""),
        json!([""]),
        json!(" cfo"),
        json!(["cfo "]),
        json!(["cfo\n"]),
        json!(["c\u{200b}fo"]),
        json!(["g".repeat(101)]),
        json!(many),
    ] {
        let Err(IdentityError::NoRole(why)) = groups(Some(claim.clone())) else {
            panic!("{claim} names groups");
        };
        assert!(why.contains("claim teams"), "{why}");
        assert!(why.len() < 600, "{why}");
    }
}

#[test]
fn the_groups_of_another_role_than_approver_are_not_read() {
    for role in Role::ALL.map(Role::name) {
        if role == "approver" {
            continue;
        }
        for claim in [json!(["cfo"]), json!(7)] {
            let claims = json!({ "sub": "zoe", "groups": role, "org": "acme", "teams": claim });
            let read = identity(&claims).map(|read| read.groups);
            assert_eq!(read, Ok(vec![]), "{claims}");
        }
    }
}

#[test]
fn an_approver_may_only_decide_read_what_asks_them_and_delegate() {
    for operation in Operation::ALL {
        let right = match operation {
            // The list names only what asks the approver.
            Operation::Delegate | Operation::ReadQuestions | Operation::Bulk => Access::Allowed,
            Operation::Decide | Operation::ReadExecutions | Operation::ReadIncidents => {
                Access::WhereAsked
            }
            _ => Access::Forbidden,
        };
        let own = access(Role::Approver, operation, Ownership::Own);
        assert_eq!(own, right, "{operation:?}");
    }
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Approver) {
        for operation in Operation::ALL {
            assert_ne!(access(role, operation, Ownership::Own), Access::WhereAsked);
        }
    }
}

#[test]
fn a_tenant_is_a_text() {
    for tenant in [
        json!(7),
        json!(true),
        json!(null),
        json!(["acme"]),
        json!({ "acme": 1 }),
        json!(""),
        json!("[acme]"),
        json!("Acme/.."),
    ] {
        for role in Role::ALL.map(Role::name) {
            let why = no_role(&json!({ "sub": "zoe", "groups": role, "org": tenant }));
            assert!(why.contains("claim org"), "{why}");
        }
    }
}

#[test]
fn a_platform_observer_reads_in_every_tenant_and_changes_nothing() {
    for ownership in [Ownership::Own, Ownership::Other] {
        let reads = |operation: &Operation| {
            access(Role::PlatformObserver, *operation, ownership) == Access::Allowed
        };
        let allowed: Vec<_> = Operation::ALL.into_iter().filter(reads).collect();
        let right = [
            Operation::ReadExecutions,
            Operation::ReadWorkflows,
            Operation::ReadIncidents,
            Operation::ReadQuestions,
            Operation::ReadControls,
        ];
        assert_eq!(allowed, right, "{ownership:?}");
    }
}

#[test]
fn only_a_role_of_every_tenant_may_have_no_tenant() {
    let observer = identity(&json!({ "sub": "eve", "groups": "platform-observer" }));
    assert_eq!(observer.map(|read| read.tenant), Ok(None));
    let admin = identity(&json!({ "sub": "ops", "groups": "platform-admin" }));
    let admin = admin.expect("an identity");
    assert_eq!(
        (admin.tenant.as_deref(), admin.ownership("acme")),
        (None, Ownership::Other)
    );
    for role in ["tenant-admin", "observer", "auditor", "approver"] {
        let why = no_role(&json!({ "sub": "zoe", "groups": role }));
        assert!(why.contains("claim org must name the tenant"), "{why}");
    }
}

#[test]
fn a_missing_or_ambiguous_claim_names_no_identity() {
    let long = "x".repeat(201);
    for subject in ["", "   ", "a\nb", "a\u{202e}b", "a\u{200b}b", &long] {
        let unnamed = identity(&json!({ "sub": subject, "groups": "auditor", "org": "acme" }));
        assert!(
            matches!(unnamed, Err(IdentityError::NoSubject(_))),
            "{subject:?}"
        );
    }
    assert!(matches!(
        identity(&json!({})),
        Err(IdentityError::NoSubject(_))
    ));
    for role in [
        json!(""),
        json!("admin"),
        json!("Tenant-Admin"),
        json!(["auditor", "platform-admin"]),
        json!("auditor,observer"),
        json!([]),
    ] {
        no_role(&json!({ "sub": "zoe", "groups": role, "org": "acme" }));
    }
    no_role(&json!({ "sub": "zoe", "org": "acme" }));
}

#[test]
fn only_the_token_that_the_gateway_verified_is_read() {
    let claims = json!({ "iss": "https://a.example", "sub": "zoe", "groups": "auditor" });
    for (name, value) in [
        ("sub", json!("ops")),
        ("sub", json!(7)),
        ("sub", json!(null)),
        ("iss", json!("https://b.example")),
        ("iss", json!(["https://a.example"])),
    ] {
        let verified = flattened(&claims);
        let mut other = claims.clone();
        other[name] = value;
        let read = Claims::read(&bearer(&other), |name| {
            verified.get(name).map(String::as_str)
        });
        let Err(IdentityError::NoSubject(why)) = read else {
            panic!("{other} was read");
        };
        assert!(why.contains(&format!("claim {name} ")), "{why}");
    }
}

#[test]
fn a_header_carries_one_token() {
    let claims = json!({ "sub": "zoe", "iss": "https://a.example" });
    let verified = flattened(&claims);
    let read =
        |header: &str| Claims::read(header, |name| verified.get(name).map(String::as_str)).is_ok();
    let good = bearer(&claims);
    let token = good.trim_start_matches("Bearer ");
    for header in [
        &good,
        token,
        &format!("bearer {token}"),
        &format!("BEARER  {token} "),
    ] {
        assert!(read(header), "{header}");
    }
    for header in [
        "",
        "Bearer ",
        "Bearer e30",
        "Bearer e30.e30",
        "Bearer ü.ü.ü",
        "Bearer e30.W10.c2ln",
        &format!("{good},{good}"),
        &format!("{good}.c2ln"),
        &format!("Basic {token}"),
    ] {
        assert!(!read(header), "{header}");
    }
}
