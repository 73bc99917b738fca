//! The voter that a principal is: role, groups, and the delegations that are in force.

use holdfast_access::{Identity, Role};
use holdfast_aws::{DynamoLedger, SystemHost};
use holdfast_engine::Host;
use holdfast_ledger::{Voter, VoterRole, stand_ins};

use crate::api::problem::Problem;

/// The voter that an identity is in `tenant`. Only an approver has groups and stands in: what a
/// platform admin decides in the place of a group is recorded as that.
pub(crate) async fn voter(
    identity: &Identity,
    ledger: &DynamoLedger,
    tenant: &str,
) -> Result<Voter, Problem> {
    let subject = &identity.subject;
    let role = match identity.role {
        Role::PlatformAdmin => return Ok(Voter::platform_admin(subject)),
        Role::Approver => VoterRole::Approver,
        Role::TenantAdmin | Role::Observer | Role::Auditor | Role::PlatformObserver => {
            VoterRole::Other
        }
    };
    let delegations = match role {
        VoterRole::Approver => ledger.delegations(tenant).await?,
        VoterRole::PlatformAdmin | VoterRole::Other => Vec::new(),
    };
    Ok(Voter {
        subject: subject.clone(),
        role,
        groups: identity.groups.clone(),
        stands_in: stand_ins(&delegations, subject, SystemHost.now()),
        read_sha256: None,
    })
}

/// The voter that a principal without a tenant is. Only a platform admin decides in every tenant.
pub(crate) fn platform_voter(identity: &Identity) -> Voter {
    let admin = Voter::platform_admin(&identity.subject);
    match identity.role {
        Role::PlatformAdmin => admin,
        _ => Voter {
            role: VoterRole::Other,
            ..admin
        },
    }
}
