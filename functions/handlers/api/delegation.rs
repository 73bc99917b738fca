//! `/v1/delegations`: lists who stands in for whom, and lets a member of a group name a stand-in or
//! remove it.

use axum::Json;
use holdfast_access::Operation;
use holdfast_audit::Kind;
use holdfast_aws::SystemHost;
use holdfast_engine::Host;
use holdfast_ids::{
    names::{check_group, check_text, quoted, same_group, same_person},
    reason::REASON_MAX,
    time::read_time,
};
use holdfast_ledger::{
    DelegationKey, DelegationRequest, Expect, Ledger, Put, VoterRole, delegate, end_delegation,
};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::{Delegation, DelegationChange, Delegations},
    extract::{JsonBody, TenantQuery},
    principal::AuthorizedCaller,
    problem::Problem,
    reason::{REASON, reason_of},
    route::{AuthorizedRequest, Route},
    schema::{shape, time, time_or_null},
};

/// The routes of delegations.
pub(crate) fn routes() -> Vec<Route> {
    // A group's name may have slashes, which the gateway decodes.
    let one = "/v1/delegations/{*group}";
    vec![
        Route::get(
            "/v1/delegations",
            "listDelegations",
            "Lists the delegations that you gave or received; a platform admin sees all of a tenant",
            Operation::Delegate,
            shape::<Delegations>,
            list,
        ),
        Route::put(
            one,
            "setDelegation",
            "Lets another person decide for a group of yours for a time",
            Operation::Delegate,
            shape::<DelegationChange>,
            set,
        ),
        Route::delete(
            one,
            "removeDelegation",
            "Removes your stand-in for a group",
            Operation::Delegate,
            shape::<DelegationChange>,
            remove,
        ),
    ]
}

/// The stand-in of a member of a group, and the time in which they may decide.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DelegationRequest")]
pub(crate) struct DelegationBody {
    /// The `sub` of the stand-in's token.
    #[schemars(length(min = 1, max = 200))]
    to: String,
    /// The time from which the stand-in may decide; now if left out.
    #[schemars(schema_with = "time_or_null")]
    from: Option<String>,
    /// The time from which the stand-in may no longer decide; at most 90 days after `from`.
    #[schemars(schema_with = "time")]
    until: String,
    /// The reason in your own words, without control characters.
    #[schemars(length(min = 1, max = REASON_MAX), extend("pattern" = REASON))]
    reason: String,
}

/// Lists the delegations that are not over: all of the tenant for a platform admin, and for an
/// approver those that they gave or received.
pub(crate) async fn list(
    AuthorizedRequest { caller, .. }: AuthorizedRequest,
) -> Result<Json<Delegations>, Problem> {
    let now = SystemHost.now();
    let mut delegations = caller.ledger.delegations(&caller.tenant).await?;
    let own = |person: &String| same_person(person, &caller.actor);
    let all = caller.voter.role == VoterRole::PlatformAdmin;
    delegations.retain(|one| one.is_current(now) && (all || own(&one.by) || own(&one.to)));
    delegations.sort_by_key(|one| (one.from, one.group.clone()));
    let delegations = delegations.into_iter().map(|one| shown(one, now)).collect();
    Ok(Json(Delegations { delegations }))
}

pub(crate) async fn set(
    AuthorizedRequest {
        caller,
        id: group,
        body: JsonBody(body),
        ..
    }: AuthorizedRequest<TenantQuery, JsonBody<DelegationBody>>,
) -> Result<Json<DelegationChange>, Problem> {
    check_group(&group).map_err(Problem::bad_request)?;
    check_text("to", &body.to).map_err(Problem::bad_request)?;
    let request = DelegationRequest {
        to: body.to,
        from: body.from.map(|at| time_of("from", &at)).transpose()?,
        until: time_of("until", &body.until)?,
        reason: reason_of(&body.reason)?,
    };
    let mut groups = caller.voter.groups.iter();
    if !groups.any(|own| same_group(own, &group)) {
        return Err(not_a_member(&group));
    }
    change(&caller, &group, Some(&request)).await
}

/// The time `given` for the member `name` of the body, or 400.
fn time_of(name: &str, given: &str) -> Result<Timestamp, Problem> {
    read_time(given).map_err(|error| Problem::bad_request(format!("the body: {name} {error}")))
}

pub(crate) async fn remove(
    AuthorizedRequest {
        caller, id: group, ..
    }: AuthorizedRequest,
) -> Result<Json<DelegationChange>, Problem> {
    check_group(&group).map_err(Problem::bad_request)?;
    // A member may have left the group since, and still removes the stand-in.
    if caller.voter.role != VoterRole::Approver {
        return Err(not_a_member(&group));
    }
    change(&caller, &group, None).await
}

/// Writes the caller's delegation for `group`, or its end without a request. If a concurrent
/// request wrote it first, decides again on the new record.
async fn change(
    caller: &AuthorizedCaller,
    group: &str,
    request: Option<&DelegationRequest>,
) -> Result<Json<DelegationChange>, Problem> {
    let (tenant, by) = (&*caller.tenant, &*caller.actor);
    let now = SystemHost.now();
    let mut current = caller
        .ledger
        .read(&DelegationKey::new(tenant, group, by))
        .await?;
    if current.as_ref().is_some_and(|stored| stored.by != by) {
        let why = "the delegation of this group was made under another spelling of your name: \
                   only that account can change it";
        return Err(Problem::conflict(why));
    }
    let (delegation, replayed) = loop {
        let next = match (request, &current) {
            (Some(request), stored) => {
                let names = (tenant, group, by);
                delegate(stored.as_ref(), names, request, now).map_err(Problem::bad_request)?
            }
            (None, Some(stored)) => end_delegation(stored, now),
            (None, None) => None,
        };
        let Some(next) = next else {
            break (current.ok_or_else(|| no_delegation(group))?, true);
        };
        let expect = Expect::after(current.as_ref());
        match caller.ledger.put(&next, expect).await? {
            Put::Done => {
                let audit = match next.removed {
                    false => Kind::DelegationSet.name(),
                    true => Kind::DelegationRemoved.name(),
                };
                let (group, to) = (&next.group, &next.to);
                tracing::warn!(audit, tenant, group, by, to, "delegation changed");
                break (next, false);
            }
            Put::Lost(winner) => current = winner.map(|winner| *winner),
        }
    };
    Ok(Json(DelegationChange {
        delegation: shown(delegation, now),
        replayed,
    }))
}

/// 403: the caller's token does not name the group.
fn not_a_member(group: &str) -> Problem {
    Problem::forbidden(format!(
        "only a member of the group {} names a stand-in for it, and your token does not name it; \
         a stand-in cannot delegate further",
        quoted(group)
    ))
}

/// 404: the caller has no delegation for the group.
fn no_delegation(group: &str) -> Problem {
    Problem::not_found(format!(
        "you have no stand-in for the group {}: nothing to remove",
        quoted(group)
    ))
}

fn shown(delegation: holdfast_ledger::Delegation, now: Timestamp) -> Delegation {
    Delegation {
        in_force: delegation.is_in_force(now),
        group: delegation.group,
        by: delegation.by,
        to: delegation.to,
        from: delegation.from,
        until: delegation.until,
        reason: delegation.reason,
        at: delegation.at,
        removed: delegation.removed,
    }
}
