//! The rule, the page that shows it, and what a token's claims come to.

use std::{env, fs, path::Path};

use super::*;

fn claims<'a>(given: &'a [(&str, &'a str)]) -> Result<Identity, Unknown> {
    let names = ClaimNames {
        tenant: "org".to_owned(),
        role: "groups".to_owned(),
    };
    let claim = |name: &str| {
        given
            .iter()
            .find(|(one, _)| *one == name)
            .map(|(_, value)| *value)
    };
    Identity::read(&names, claim)
}

#[test]
fn nobody_but_a_platform_admin_reaches_another_tenant_or_learns_that_something_is_there() {
    for role in Role::ALL {
        for operation in Operation::ALL {
            let other = verdict(role, operation, Whose::Other);
            let expected = match (role, operation) {
                (Role::PlatformAdmin, _) => Verdict::Allowed,
                // The switch is no tenant's.
                (_, Operation::Control) => Verdict::Forbidden,
                _ => Verdict::Hidden,
            };
            assert_eq!(other, expected, "{role:?} {operation:?}");
        }
    }
}

#[test]
fn every_operation_is_open_to_somebody_and_an_own_thing_is_never_hidden() {
    for operation in Operation::ALL {
        assert!(!operation.roles().is_empty(), "{operation:?}");
        for role in Role::ALL {
            assert_ne!(verdict(role, operation, Whose::Own), Verdict::Hidden);
        }
    }
}

/// `HOLDFAST_WRITE_DOCS=1 cargo test -p holdfast-access roles_page` writes it anew.
#[test]
fn the_roles_page_shows_the_rule_of_the_code() {
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
    let read = claims(&[("sub", "zoe"), ("groups", "tenant-admin"), ("org", "acme")]);
    let identity = read.expect("an identity");
    assert_eq!(
        (
            identity.role,
            identity.tenant.as_deref(),
            identity.subject.as_str()
        ),
        (Role::TenantAdmin, Some("acme"), "zoe")
    );
    assert_eq!(identity.whose("acme"), Whose::Own);
    assert_eq!(identity.whose("globex"), Whose::Other);
    // As API Gateway passes a list on.
    let listed = claims(&[
        ("sub", "zoe"),
        ("groups", "[staff observer]"),
        ("org", "acme"),
    ]);
    assert_eq!(listed.map(|identity| identity.role), Ok(Role::Observer));
}

#[test]
fn a_platform_admin_may_belong_nowhere_and_nobody_else() {
    let admin = claims(&[("sub", "ops"), ("groups", "platform-admin")]).expect("an identity");
    assert_eq!(
        (admin.tenant.as_deref(), admin.whose("acme")),
        (None, Whose::Other)
    );
    for role in ["tenant-admin", "observer", "auditor"] {
        let homeless = claims(&[("sub", "zoe"), ("groups", role)]);
        assert!(matches!(homeless, Err(Unknown::Nothing(_))), "{role}");
        let empty = claims(&[("sub", "zoe"), ("groups", role), ("org", "")]);
        assert!(matches!(empty, Err(Unknown::Nothing(_))), "{role}");
    }
}

#[test]
fn what_is_missing_or_ambiguous_is_nobody_or_nothing() {
    let long = "x".repeat(201);
    for subject in ["", "a\nb", "a\u{202e}b", "a\u{200b}b", &long] {
        let nobody = claims(&[("sub", subject), ("groups", "auditor"), ("org", "acme")]);
        assert!(matches!(nobody, Err(Unknown::Nobody(_))), "{subject:?}");
    }
    assert!(matches!(claims(&[]), Err(Unknown::Nobody(_))));
    for role in [
        "",
        "admin",
        "Tenant-Admin",
        "[auditor platform-admin]",
        "auditor,observer",
    ] {
        let nothing = claims(&[("sub", "zoe"), ("groups", role), ("org", "acme")]);
        assert!(matches!(nothing, Err(Unknown::Nothing(_))), "{role}");
    }
    let strange = claims(&[("sub", "zoe"), ("groups", "auditor"), ("org", "Acme/..")]);
    assert!(matches!(strange, Err(Unknown::Nothing(_))));
}
