//! Pure rules of controls: which scope a platform admin has paused, and what its executions do.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{execution::ExecutionRecord, request::Request, takeover::unwinding};
use holdfast_ids::names::{check_tenant, is_workflow_id, quoted};
use holdfast_task::{ErrorName, Failure, StartConditions};

/// The executions that a control applies to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every execution.
    Platform,
    /// A tenant's executions.
    Tenant(String),
    /// A workflow's executions.
    Workflow(String),
}

impl Scope {
    /// The scopes of an execution of this tenant and workflow.
    pub fn around(tenant: &str, workflow: &str) -> [Self; 3] {
        [
            Self::Platform,
            Self::Tenant(tenant.to_owned()),
            Self::Workflow(workflow.to_owned()),
        ]
    }

    /// Parses a scope: `platform`, `tenant/acme`, `workflow/WF-X`.
    pub fn read(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            None if text == "platform" => Ok(Self::Platform),
            Some(("tenant", tenant)) => {
                check_tenant(tenant).map(|()| Self::Tenant(tenant.to_owned()))
            }
            Some(("workflow", id)) if is_workflow_id(id) => Ok(Self::Workflow(id.to_owned())),
            _ => Err(format!(
                "{} is not a scope: write platform, tenant/NAME or workflow/WF-ID",
                quoted(text)
            )),
        }
    }

    /// The text that [`Self::read`] parses.
    pub fn name(&self) -> String {
        match self {
            Self::Platform => "platform".to_owned(),
            Self::Tenant(tenant) => format!("tenant/{tenant}"),
            Self::Workflow(workflow) => format!("workflow/{workflow}"),
        }
    }
}

/// The state of a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlState {
    /// No execution starts, and no step begins.
    Paused,
    /// Executions start and continue.
    Running,
}

/// The behaviour of running executions while their scope is paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PauseBehavior {
    /// They wait before their next step.
    #[default]
    Wait,
    /// They are rolled back instead of beginning their next step.
    Rollback,
}

/// The latest change of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// Counts the writes, from 1.
    pub rev: u64,
    /// The scope.
    pub scope: Scope,
    /// The state of the scope.
    pub state: ControlState,
    /// The behaviour of running executions during a pause.
    pub running_executions: PauseBehavior,
    /// The reason, in the requester's own words.
    pub reason: String,
    /// The requester.
    pub by: String,
    /// The time of the change.
    pub at: Timestamp,
}

/// Decides a change of a control: the record to write, or `None` if the scope is in this state.
pub fn control(
    current: Option<&Control>,
    scope: &Scope,
    state: ControlState,
    running_executions: PauseBehavior,
    request: &Request,
    now: Timestamp,
) -> Option<Control> {
    let unchanged = match current {
        Some(stored) => {
            stored.state == state
                && (state == ControlState::Running
                    || stored.running_executions == running_executions)
        }
        None => state == ControlState::Running,
    };
    (!unchanged).then(|| Control {
        rev: current.map_or(1, |stored| stored.rev + 1),
        scope: scope.clone(),
        state,
        running_executions,
        reason: request.reason.clone(),
        by: request.by.clone(),
        at: now,
    })
}

/// The control that pauses, if there is one. Of several, one that rolls back takes effect.
pub fn paused(controls: &[Control]) -> Option<&Control> {
    let paused = || {
        controls
            .iter()
            .filter(|control| control.state == ControlState::Paused)
    };
    let rolls_back = |control: &&Control| control.running_executions == PauseBehavior::Rollback;
    paused().find(rolls_back).or_else(|| paused().next())
}

impl Control {
    /// The message for a caller or an operator whose execution the control stops.
    pub fn says(&self) -> String {
        format!("{} is paused: {}", self.scope.name(), self.reason)
    }

    /// Returns whether a start is refused during this pause. A pause that rolls back refuses every
    /// start, since the execution would be rolled back before its first step.
    pub fn refuses(&self, rules: &StartConditions) -> bool {
        !rules.queued_when_paused || self.running_executions == PauseBehavior::Rollback
    }

    /// The record of an execution that this control rolls back instead of its step `state`. Its
    /// Step Functions execution remains the owner and plans the rollback.
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

    fn request(reason: &str) -> Request {
        Request {
            by: "root".to_owned(),
            reason: reason.to_owned(),
        }
    }

    fn at(s: i64) -> Timestamp {
        Timestamp::constant(1_759_150_800 + s, 0)
    }

    fn pause(scope: Scope, running: PauseBehavior) -> Control {
        control(
            None,
            &scope,
            ControlState::Paused,
            running,
            &request("why"),
            at(0),
        )
        .expect("it was not")
    }

    #[test]
    fn a_control_is_written_only_where_it_changes_something() {
        use ControlState::{Paused, Running};
        use PauseBehavior::{Rollback, Wait};
        let scope = Scope::Platform;
        let put = |current: Option<&Control>, state, running| {
            control(current, &scope, state, running, &request("again"), at(9))
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
    fn of_several_pauses_one_that_rolls_back_takes_effect() {
        let [platform, tenant, workflow] = Scope::around("acme", "WF-X");
        let waits = pause(platform, PauseBehavior::Wait);
        let mut rolls = pause(tenant, PauseBehavior::Rollback);
        let also = pause(workflow, PauseBehavior::Wait);
        assert_eq!(paused(&[]), None);
        let all = [waits.clone(), rolls.clone(), also];
        assert_eq!(paused(&all), Some(&all[1]));
        rolls.state = ControlState::Running;
        assert_eq!(paused(std::slice::from_ref(&rolls)), None);
        assert_eq!(paused(&[rolls, waits.clone()]), Some(&waits));
    }

    #[test]
    fn a_scope_is_parsed_from_its_name() {
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
