//! Planned faults: the form of a plan, and the choice of the calls that meet it.

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::{sync::watch, time::timeout};

use crate::{ROUTES, problem::Problem, route_names, state::Subject};

/// The longest delay, in milliseconds: 15 minutes, as long as a function can run.
const DELAY_LIMIT_MS: u64 = 900_000;
/// The largest padded body, in bytes: 16 MiB.
const BODY_LIMIT: usize = 16 << 20;
/// The statuses that a fault may answer. A planned success would claim an effect that never
/// happened.
const STATUSES: RangeInclusive<u16> = 300..=599;

/// A plan as an admin sends it: the next `count` matching calls of `route` fail in the way of
/// `kind`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Plan {
    route: String,
    count: u32,
    kind: Kind,
    #[serde(default, rename = "match", skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    vendor_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    team: Option<String>,
}

/// The kind of a fault. A delay and a block can be combined with each of the others, which exclude
/// one another.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Kind {
    /// Answers this status and commits nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The value of `Retry-After` beside `status`, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_s: Option<u64>,
    /// The detail beside `status`, as a target words it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// Waits before the commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_ms: Option<u64>,
    /// Waits after the commit, before the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) delay_after_ms: Option<u64>,
    /// Waits at this side of the commit until an admin unblocks the fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    block: Option<CommitSide>,
    /// Closes the connection without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) drop: Option<CommitSide>,
    /// Commits, and answers a body that is padded to this size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body_bytes: Option<usize>,
}

/// The side of the commit at which a call is blocked, or its connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CommitSide {
    BeforeCommit,
    AfterCommit,
}

/// A plan with its number and its remaining count.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Fault {
    fault_id: String,
    remaining: u32,
    #[serde(flatten)]
    plan: Plan,
}

/// The fault that one call met.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MetFault {
    fault_id: String,
    pub(crate) kind: Kind,
    /// True once the fault is unblocked; none if it blocks nothing.
    #[serde(skip)]
    unblocked: Option<watch::Receiver<bool>>,
}

impl MetFault {
    /// Waits while the fault blocks its calls at this side of the commit, for 15 minutes at most.
    pub(crate) async fn blocked(&mut self, side: CommitSide) {
        let Some(unblocked) = self.unblocked.as_mut() else {
            return;
        };
        if self.kind.block == Some(side) {
            let unblocked = unblocked.wait_for(|unblocked| *unblocked);
            // A removed fault blocks nothing any more.
            let _ = timeout(Duration::from_millis(DELAY_LIMIT_MS), unblocked).await;
        }
    }
}

/// The faults that no call has met yet, in the order of their plans.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: usize,
    pending: Vec<Fault>,
    /// The faults that block calls, by id. The value is true once the fault is unblocked.
    blocks: BTreeMap<String, watch::Sender<bool>>,
}

impl Faults {
    /// Adds a plan at the end, or reports why the plan is invalid.
    pub(crate) fn plan(&mut self, plan: Plan) -> Result<Fault, Problem> {
        plan.check()?;
        self.planned += 1;
        let fault = Fault {
            fault_id: format!("fault-{}", self.planned),
            remaining: plan.count,
            plan,
        };
        self.pending.push(fault.clone());
        if fault.plan.kind.block.is_some() {
            let (sender, _) = watch::channel(false);
            self.blocks.insert(fault.fault_id.clone(), sender);
        }
        Ok(fault)
    }

    /// Lets the calls continue that a fault blocks, and those that meet it later. Returns false if
    /// no such fault blocks calls.
    pub(crate) fn unblock(&self, fault_id: &str) -> bool {
        let sender = self.blocks.get(fault_id);
        sender.is_some_and(|sender| {
            sender.send_replace(true);
            true
        })
    }

    /// Takes the first fault that is planned for this call.
    pub(crate) fn take(&mut self, route: &str, call: &Subject, body: &str) -> Option<MetFault> {
        let at = self
            .pending
            .iter()
            .position(|fault| fault.plan.matches(route, call, body))?;
        let fault = &mut self.pending[at];
        fault.remaining -= 1;
        let met = MetFault {
            fault_id: fault.fault_id.clone(),
            kind: fault.plan.kind.clone(),
            unblocked: self
                .blocks
                .get(&fault.fault_id)
                .map(watch::Sender::subscribe),
        };
        if fault.remaining == 0 {
            self.pending.remove(at);
        }
        Some(met)
    }

    pub(crate) fn pending(&self) -> &[Fault] {
        &self.pending
    }

    /// Removes all faults and gives their number. Calls that one of them blocks continue.
    pub(crate) fn clear(&mut self) -> usize {
        self.blocks.clear();
        std::mem::take(&mut self.pending).len()
    }
}

impl Plan {
    fn matches(&self, route: &str, call: &Subject, body: &str) -> bool {
        let contains = |text: &String| {
            let keys = [call.key.as_deref(), call.forward_key.as_deref()];
            let mut places = keys.into_iter().flatten().chain([body]);
            places.any(|place| place.contains(text.as_str()))
        };
        let same = |wanted: &Option<String>, had: &Option<String>| {
            wanted.is_none() || wanted.as_deref() == had.as_deref()
        };
        self.route == route
            && self.text.as_ref().is_none_or(contains)
            && same(&self.vendor_id, &call.vendor_id)
            && same(&self.team, &call.team)
    }

    fn check(&self) -> Result<(), Problem> {
        let wrong = |field: &str, what: &str, right: String| {
            Err(Problem::unprocessable(what)
                .at(format!("body field `{field}`"))
                .expected(right))
        };
        let kind = &self.kind;
        if !ROUTES.iter().any(|route| route.name == self.route) {
            return wrong("route", "no such business route", route_names());
        }
        if self.count == 0 {
            return wrong("count", "a fault for no call", "1 or more".to_owned());
        }
        let endings = [
            kind.status.is_some(),
            kind.drop.is_some(),
            kind.body_bytes.is_some(),
        ];
        let endings = endings.into_iter().filter(|given| *given).count();
        let delayed =
            kind.delay_ms.is_some() || kind.delay_after_ms.is_some() || kind.block.is_some();
        if endings > 1 || (endings == 0 && !delayed) {
            let right =
                "one of status, drop, body_bytes; or a delay or a block; or one of them with these";
            return wrong("kind", "not one way to go wrong", right.to_owned());
        }
        if kind
            .status
            .is_some_and(|status| !STATUSES.contains(&status))
        {
            let right = format!("{} to {}", STATUSES.start(), STATUSES.end());
            return wrong("kind.status", "not a status for a fault", right);
        }
        for (field, given) in [
            ("kind.retry_after_s", kind.retry_after_s.is_some()),
            ("kind.detail", kind.detail.is_some()),
        ] {
            if given && kind.status.is_none() {
                let right = "a status beside it".to_owned();
                return wrong(field, "no answer to put it on", right);
            }
        }
        for (field, delay) in [
            ("kind.delay_ms", kind.delay_ms),
            ("kind.delay_after_ms", kind.delay_after_ms),
        ] {
            if delay.is_some_and(|delay| delay > DELAY_LIMIT_MS) {
                return wrong(field, "too long", format!("at most {DELAY_LIMIT_MS}"));
            }
        }
        if kind.body_bytes.is_some_and(|bytes| bytes > BODY_LIMIT) {
            let right = format!("at most {BODY_LIMIT}");
            return wrong("kind.body_bytes", "too large", right);
        }
        Ok(())
    }
}

/// The document that a planned `status` answers with.
pub(crate) fn planned(status: u16, detail: Option<String>) -> Problem {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // A caller cannot know what a server has done that answers so (RFC 9110, section 15.6).
    let usual = match status.is_server_error() {
        true => "a planned failure: this answer does not say whether the call took effect",
        false => "a planned failure: the call is refused, and nothing took effect",
    };
    let detail = detail.unwrap_or_else(|| usual.to_owned());
    Problem::new(status, detail).at("a fault planned at /admin/faults")
}
