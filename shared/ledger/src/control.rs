//! The kill switch, pure: what a platform admin has paused, and what that means for executions.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{execution::ExecutionRecord, request::Request, unwind::unwinding};
use holdfast_ids::names::{check_tenant, is_workflow_id, quoted};
use holdfast_task::{ErrorName, Failure, StartConditions};

/// What a control is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    Platform,
    /// A tenant's executions.
    Tenant(String),
    /// A workflow's executions.
    Workflow(String),
}

impl Scope {
    /// Every scope that an execution of this tenant and workflow lies in.
    pub fn around(tenant: &str, workflow: &str) -> [Self; 3] {
        [
            Self::Platform,
            Self::Tenant(tenant.to_owned()),
            Self::Workflow(workflow.to_owned()),
        ]
    }

    /// Reads a scope as people write it: `platform`, `tenant/acme`, `workflow/WF-X`.
    pub fn read(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            None if text == "platform" => Ok(Self::Platform),
            Some(("tenant", tenant)) => {
                check_tenant(tenant).map(|()| Self::Tenant(tenant.to_owned()))
            }
            Some(("workflow", id)) if is_workflow_id(id) => Ok(Self::Workflow(id.to_owned())),
            _ => Err(format!(
                "{} is nothing that can be paused: platform, tenant/NAME or workflow/WF-ID",
                quoted(text)
            )),
        }
    }

    /// As people write it.
    pub fn name(&self) -> String {
        match self {
            Self::Platform => "platform".to_owned(),
            Self::Tenant(tenant) => format!("tenant/{tenant}"),
            Self::Workflow(workflow) => format!("workflow/{workflow}"),
        }
    }
}

/// Whether a scope goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Switch {
    /// Nothing new starts, and no step begins.
    Paused,
    /// Everything goes on.
    Running,
}

/// What executions do that have begun when their scope is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Meanwhile {
    /// They wait before their next step.
    #[default]
    Wait,
    /// They are undone instead of their next step.
    Rollback,
}

/// What was last said of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Counts the writes, from 1.
    pub rev: u64,
    /// About what.
    pub scope: Scope,
    /// Whether it goes on.
    pub state: Switch,
    /// What executions do meanwhile.
    pub running_executions: Meanwhile,
    /// Why, in the words of whoever said so.
    pub reason: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What putting a control comes to: this record to write, or `None` where it says so already.
pub fn control(
    current: Option<&Control>,
    scope: &Scope,
    state: Switch,
    running_executions: Meanwhile,
    request: &Request,
    now: Timestamp,
) -> Option<Control> {
    let says_so = match current {
        Some(stands) => {
            stands.state == state
                && (state == Switch::Running || stands.running_executions == running_executions)
        }
        None => state == Switch::Running,
    };
    (!says_so).then(|| Control {
        rev: current.map_or(1, |stands| stands.rev + 1),
        scope: scope.clone(),
        state,
        running_executions,
        reason: request.reason.clone(),
        by: request.by.clone(),
        at: now,
    })
}

/// The control that pauses, if one does: where several do, one that rolls back.
pub fn paused(controls: &[Control]) -> Option<&Control> {
    let paused = || controls.iter().filter(|one| one.state == Switch::Paused);
    let rolls_back = |one: &&Control| one.running_executions == Meanwhile::Rollback;
    paused().find(rolls_back).or_else(|| paused().next())
}

impl Control {
    /// For whoever is stopped by it.
    pub fn says(&self) -> String {
        format!("{} is paused: {}", self.scope.name(), self.reason)
    }

    /// Whether a start is refused while this pauses. One that is rolled back before its first step makes no sense.
    pub fn refuses(&self, rules: &StartConditions) -> bool {
        !rules.queued_when_paused || self.running_executions == Meanwhile::Rollback
    }

    /// The record of an execution that is undone, because of this control, instead of its step `state`. Its machine
    /// stays the owner: it plans the rollback.
    pub fn stop(
        &self,
        execution: &ExecutionRecord,
        state: &str,
        now: Timestamp,
    ) -> ExecutionRecord {
        let failure = Failure {
            state: state.to_owned(),
            error: ErrorName::Paused.to_string(),
            cause: self.reason.clone(),
            by: Some(self.by.clone()),
        };
        unwinding(execution, &execution.owner, &failure, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(reason: &str) -> Request {
        Request {
            by: "root".to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn at(s: i64) -> Timestamp {
        Timestamp::constant(1_759_150_800 + s, 0)
    }

    fn pause(scope: Scope, running: Meanwhile) -> Control {
        control(None, &scope, Switch::Paused, running, &said("why"), at(0)).expect("it was not")
    }

    #[test]
    fn a_control_is_written_only_where_it_changes_something() {
        use Meanwhile::{Rollback, Wait};
        use Switch::{Paused, Running};
        let scope = Scope::Platform;
        let put = |current: Option<&Control>, state, running| {
            control(current, &scope, state, running, &said("again"), at(9))
        };
        assert_eq!(put(None, Running, Wait), None);
        let first = put(None, Paused, Wait).expect("it was running");
        assert_eq!((first.rev, first.reason.as_str()), (1, "again"));
        assert_eq!(put(Some(&first), Paused, Wait), None);
        let harder = put(Some(&first), Paused, Rollback).expect("it waited");
        assert_eq!(harder.rev, 2);
        let resumed = put(Some(&harder), Running, Wait).expect("it was paused");
        assert_eq!((resumed.rev, resumed.state), (3, Running));
        assert_eq!(put(Some(&resumed), Running, Rollback), None);
    }

    #[test]
    fn of_several_pauses_the_one_that_rolls_back_rules() {
        let [platform, tenant, workflow] = Scope::around("acme", "WF-X");
        let waits = pause(platform, Meanwhile::Wait);
        let mut rolls = pause(tenant, Meanwhile::Rollback);
        let also = pause(workflow, Meanwhile::Wait);
        assert_eq!(paused(&[]), None);
        let all = [waits.clone(), rolls.clone(), also];
        assert_eq!(paused(&all), Some(&all[1]));
        rolls.state = Switch::Running;
        assert_eq!(paused(std::slice::from_ref(&rolls)), None);
        assert_eq!(paused(&[rolls, waits.clone()]), Some(&waits));
    }

    #[test]
    fn a_scope_reads_as_it_is_written() {
        for text in ["platform", "tenant/acme", "workflow/WF-X"] {
            assert_eq!(
                Scope::read(text).map(|scope| scope.name()),
                Ok(text.to_owned())
            );
        }
        for text in [
            "",
            "tenant",
            "tenant/",
            "tenant/A",
            "workflow/x",
            "platform/x",
            "a/b",
        ] {
            Scope::read(text).expect_err(text);
        }
    }
}
