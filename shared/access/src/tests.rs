//! Tests of the access of each role, the page that shows it, and the reading of claims.

use std::{env, fs, path::Path};

use super::*;

fn claims<'a>(given: &'a [(&str, &'a str)]) -> Result<Identity, IdentityError> {
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
fn only_a_platform_admin_reaches_another_tenant_or_learns_of_its_resources() {
    for role in Role::ALL {
        for operation in Operation::ALL {
            let other = access(role, operation, Ownership::Other);
            let expected = match (role, operation) {
                (Role::PlatformAdmin, _) => Access::Allowed,
                // A control belongs to no tenant.
                (_, Operation::Control) => Access::Forbidden,
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
    assert_eq!(identity.ownership("acme"), Ownership::Own);
    assert_eq!(identity.ownership("globex"), Ownership::Other);
    // API Gateway passes a list in this form.
    let listed = claims(&[
        ("sub", "zoe"),
        ("groups", "[staff observer]"),
        ("org", "acme"),
    ]);
    assert_eq!(listed.map(|identity| identity.role), Ok(Role::Observer));
}

#[test]
fn only_a_platform_admin_may_have_no_tenant() {
    let admin = claims(&[("sub", "ops"), ("groups", "platform-admin")]).expect("an identity");
    assert_eq!(
        (admin.tenant.as_deref(), admin.ownership("acme")),
        (None, Ownership::Other)
    );
    for role in ["tenant-admin", "observer", "auditor"] {
        let homeless = claims(&[("sub", "zoe"), ("groups", role)]);
        assert!(matches!(homeless, Err(IdentityError::NoRole(_))), "{role}");
        let empty = claims(&[("sub", "zoe"), ("groups", role), ("org", "")]);
        assert!(matches!(empty, Err(IdentityError::NoRole(_))), "{role}");
    }
}

#[test]
fn a_missing_or_ambiguous_claim_names_no_identity() {
    let long = "x".repeat(201);
    for subject in ["", "   ", "a\nb", "a\u{202e}b", "a\u{200b}b", &long] {
        let unnamed = claims(&[("sub", subject), ("groups", "auditor"), ("org", "acme")]);
        assert!(
            matches!(unnamed, Err(IdentityError::NoSubject(_))),
            "{subject:?}"
        );
    }
    assert!(matches!(claims(&[]), Err(IdentityError::NoSubject(_))));
    for role in [
        "",
        "admin",
        "Tenant-Admin",
        "[auditor platform-admin]",
        "auditor,observer",
    ] {
        let no_role = claims(&[("sub", "zoe"), ("groups", role), ("org", "acme")]);
        assert!(matches!(no_role, Err(IdentityError::NoRole(_))), "{role}");
    }
    let strange = claims(&[("sub", "zoe"), ("groups", "auditor"), ("org", "Acme/..")]);
    assert!(matches!(strange, Err(IdentityError::NoRole(_))));
}
