//! The access of each role, as one exhaustive match that docs/roles.md shows.

mod identity;
mod session;
#[cfg(test)]
mod tests;
mod token;

pub use identity::{ClaimNames, Identity, IdentityError, Ownership};
pub use session::{Stores, every_tenants_lists_policy, session_policy};
pub use token::Claims;

/// The part that a person or a program has in a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the workflows of one tenant.
    TenantAdmin,
    /// Runs the workflows of every tenant.
    PlatformAdmin,
    /// Sees how a tenant's executions go, without payloads.
    Observer,
    /// Checks a tenant's receipts.
    Auditor,
    /// Decides approvals of a tenant that name a group of theirs.
    Approver,
    /// Sees how the executions of every tenant go, without payloads.
    PlatformObserver,
}

/// An operation of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Start a workflow.
    Start,
    /// See executions and their steps, one or a list.
    ReadExecutions,
    /// See inputs and outputs, and texts that may quote them.
    ReadPayloads,
    /// Stop an execution that has not ended, and undo its effects.
    Cancel,
    /// Undo an execution that has ended.
    RollBack,
    /// Continue an execution where it failed.
    Redrive,
    /// See the workflows.
    ReadWorkflows,
    /// See incidents, one or a list.
    ReadIncidents,
    /// Acknowledge or resolve an incident.
    HandleIncidents,
    /// Answer the question that an execution waits for.
    Decide,
    /// Request the same of many executions at once. Each request needs its own operation too.
    Bulk,
    /// List receipts and digests, and fetch them.
    ReadReceipts,
    /// See the questions that wait for people.
    ReadQuestions,
    /// See the controls that apply to a tenant.
    ReadControls,
    /// See what a pause of a scope would touch.
    ForeseePause,
    /// Pause and resume.
    Control,
    /// See the registered tenants, register and close one.
    ManageTenants,
    /// See who stands in for whom, name a stand-in for a group of one's own, and remove one.
    Delegate,
}

/// The answer to a request for an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The operation is allowed.
    Allowed,
    /// The operation is allowed on an execution, and on its incident, if an approval in the
    /// execution asks a group of the caller. Others are hidden, and lists are forbidden.
    WhereAsked,
    /// The role does not allow it, but the caller may learn that the resource exists.
    Forbidden,
    /// The caller may not learn that the resource exists.
    Hidden,
}

/// Decides the access of `role` to `operation` on a resource of its own or another tenant.
pub fn access(role: Role, operation: Operation, ownership: Ownership) -> Access {
    use Operation::*;
    match (role, ownership, operation) {
        (Role::PlatformAdmin, Ownership::Own | Ownership::Other, _) => Access::Allowed,
        // It sees in every tenant what an observer sees in its own.
        (Role::PlatformObserver, Ownership::Own | Ownership::Other, _) => {
            access(Role::Observer, operation, Ownership::Own)
        }
        // Controls and the registry belong to no tenant, and their existence is no secret.
        (
            Role::TenantAdmin | Role::Observer | Role::Auditor | Role::Approver,
            Ownership::Own | Ownership::Other,
            ForeseePause | Control | ManageTenants,
        ) => Access::Forbidden,
        (
            Role::TenantAdmin | Role::Observer | Role::Auditor | Role::Approver,
            Ownership::Other,
            _,
        ) => Access::Hidden,
        // A tenant admin may start and cancel. Only a platform admin undoes or redrives an ended
        // execution, since only that role sees all of its effects.
        (
            Role::TenantAdmin,
            Ownership::Own,
            Start | ReadExecutions | ReadPayloads | Cancel | ReadWorkflows | ReadIncidents
            | ReadQuestions | ReadControls | ReadReceipts | Bulk,
        ) => Access::Allowed,
        (
            Role::TenantAdmin,
            Ownership::Own,
            RollBack | Redrive | HandleIncidents | Decide | Delegate,
        ) => Access::Forbidden,
        (
            Role::Observer,
            Ownership::Own,
            ReadExecutions | ReadWorkflows | ReadIncidents | ReadQuestions | ReadControls,
        ) => Access::Allowed,
        (
            Role::Observer,
            Ownership::Own,
            Start | ReadPayloads | Cancel | RollBack | Redrive | HandleIncidents | Decide
            | ReadReceipts | Delegate | Bulk,
        ) => Access::Forbidden,
        (Role::Auditor, Ownership::Own, ReadReceipts) => Access::Allowed,
        (
            Role::Auditor,
            Ownership::Own,
            Start | ReadExecutions | ReadPayloads | Cancel | RollBack | Redrive | ReadWorkflows
            | ReadIncidents | ReadQuestions | ReadControls | HandleIncidents | Decide | Delegate
            | Bulk,
        ) => Access::Forbidden,
        // The list of questions has only those that ask an approver.
        (Role::Approver, Ownership::Own, Delegate | ReadQuestions | Bulk) => Access::Allowed,
        (Role::Approver, Ownership::Own, ReadExecutions | ReadIncidents | Decide) => {
            Access::WhereAsked
        }
        (
            Role::Approver,
            Ownership::Own,
            Start | ReadPayloads | Cancel | RollBack | Redrive | ReadWorkflows | ReadControls
            | HandleIncidents | ReadReceipts,
        ) => Access::Forbidden,
    }
}

impl Role {
    /// Returns whether the role is for every tenant, so that its bearer needs none.
    pub fn is_of_every_tenant(self) -> bool {
        access(self, Operation::ReadExecutions, Ownership::Other) == Access::Allowed
    }

    /// Every role.
    pub const ALL: [Self; 6] = [
        Self::TenantAdmin,
        Self::PlatformAdmin,
        Self::Observer,
        Self::Auditor,
        Self::Approver,
        Self::PlatformObserver,
    ];

    /// Its name in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::TenantAdmin => "tenant-admin",
            Self::PlatformAdmin => "platform-admin",
            Self::Observer => "observer",
            Self::Auditor => "auditor",
            Self::Approver => "approver",
            Self::PlatformObserver => "platform-observer",
        }
    }
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 18] = [
        Self::Start,
        Self::ReadExecutions,
        Self::ReadPayloads,
        Self::Cancel,
        Self::RollBack,
        Self::Redrive,
        Self::ReadWorkflows,
        Self::ReadIncidents,
        Self::HandleIncidents,
        Self::Decide,
        Self::Bulk,
        Self::ReadReceipts,
        Self::ReadQuestions,
        Self::ReadControls,
        Self::ForeseePause,
        Self::Control,
        Self::ManageTenants,
        Self::Delegate,
    ];

    /// The operation in words, after "may".
    pub fn says(self) -> &'static str {
        match self {
            Self::Start => "start a workflow",
            Self::ReadExecutions => "see executions and their steps",
            Self::ReadPayloads => "see inputs and outputs, and texts that may quote them",
            Self::Cancel => "cancel an execution",
            Self::RollBack => "roll an ended execution back",
            Self::Redrive => "redrive an execution",
            Self::ReadWorkflows => "see workflows",
            Self::ReadIncidents => "see incidents",
            Self::HandleIncidents => "acknowledge and resolve incidents",
            Self::Decide => "decide what an execution waits for",
            Self::Bulk => "act on many executions at once",
            Self::ReadReceipts => "list and fetch receipts and digests",
            Self::ReadQuestions => "see the questions that wait for people",
            Self::ReadControls => "see what is paused",
            Self::ForeseePause => "see what a pause would touch",
            Self::Control => "pause and resume",
            Self::ManageTenants => "see, register and close tenants",
            Self::Delegate => "see and name stand-ins for groups",
        }
    }

    /// The names of the roles that may do this in their own tenant.
    pub fn roles(self) -> Vec<&'static str> {
        let may = |role: &Role| {
            let own = access(*role, self, Ownership::Own);
            matches!(own, Access::Allowed | Access::WhereAsked)
        };
        Role::ALL.into_iter().filter(may).map(Role::name).collect()
    }
}

/// The access of every role as a Markdown table.
pub fn table() -> String {
    let names = Role::ALL.map(Role::name).join(" | ");
    let mut table = format!(
        "| may … | {names} |\n|---|{}\n",
        "---|".repeat(Role::ALL.len())
    );
    for operation in Operation::ALL {
        let cells = Role::ALL.map(|role| {
            let reach = [Ownership::Own, Ownership::Other]
                .map(|ownership| access(role, operation, ownership));
            match reach {
                [Access::Allowed, Access::Allowed] => "every tenant",
                [Access::Allowed, _] => "own tenant",
                [Access::WhereAsked, _] => "where asked",
                _ => "no",
            }
        });
        table.push_str(&format!(
            "| {} | {} |\n",
            operation.says(),
            cells.join(" | ")
        ));
    }
    table
}
