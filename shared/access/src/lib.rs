//! Who may do what: one exhaustive match over role, operation and whose it is. docs/roles.md shows
//! it.

mod identity;
mod session;
#[cfg(test)]
mod tests;

pub use identity::{ClaimNames, Identity, Unknown, Whose};
pub use session::{Stores, session_policy};

/// What a person or program is to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs the workflows of one tenant.
    TenantAdmin,
    /// Looks after every tenant's.
    PlatformAdmin,
    /// Watches how a tenant's executions go, without what they are about.
    Observer,
    /// Checks a tenant's receipts.
    Auditor,
}

/// What can be asked of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Start a workflow.
    Start,
    /// See executions and their steps, one or a list.
    ReadExecutions,
    /// See inputs and outputs, and texts that may quote them.
    ReadPayloads,
    /// Stop an execution that has not ended; what it did is undone.
    Cancel,
    /// Undo an execution that has ended.
    RollBack,
    /// Let an execution go on where it failed.
    Redrive,
    /// See the workflows.
    ReadWorkflows,
    /// See incidents, one or a list.
    ReadIncidents,
    /// Acknowledge or resolve an incident.
    HandleIncidents,
    /// Decide what an execution waits for.
    Decide,
    /// List receipts and digests, and fetch them.
    ReadReceipts,
    /// See what is paused, pause it and let it go on.
    Control,
}

/// What a role's wish comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// Not in this role: it may know that the thing is there.
    Forbidden,
    /// As far as this role can tell, there is no such thing.
    Hidden,
}

/// The rule.
pub fn verdict(role: Role, operation: Operation, whose: Whose) -> Verdict {
    use Operation::*;
    match (role, whose, operation) {
        (Role::PlatformAdmin, Whose::Own | Whose::Other, _) => Verdict::Allowed,
        // The switch is nobody's own: that it is there is no secret.
        (
            Role::TenantAdmin | Role::Observer | Role::Auditor,
            Whose::Own | Whose::Other,
            Control,
        ) => Verdict::Forbidden,
        (Role::TenantAdmin | Role::Observer | Role::Auditor, Whose::Other, _) => Verdict::Hidden,
        // Whoever may start something may stop it; what has ended is undone or run again by those
        // who see all of it.
        (
            Role::TenantAdmin,
            Whose::Own,
            Start | ReadExecutions | ReadPayloads | Cancel | ReadWorkflows | ReadIncidents
            | ReadReceipts,
        ) => Verdict::Allowed,
        (Role::TenantAdmin, Whose::Own, RollBack | Redrive | HandleIncidents | Decide) => {
            Verdict::Forbidden
        }
        (Role::Observer, Whose::Own, ReadExecutions | ReadWorkflows | ReadIncidents) => {
            Verdict::Allowed
        }
        (
            Role::Observer,
            Whose::Own,
            Start | ReadPayloads | Cancel | RollBack | Redrive | HandleIncidents | Decide
            | ReadReceipts,
        ) => Verdict::Forbidden,
        (Role::Auditor, Whose::Own, ReadReceipts) => Verdict::Allowed,
        (
            Role::Auditor,
            Whose::Own,
            Start | ReadExecutions | ReadPayloads | Cancel | RollBack | Redrive | ReadWorkflows
            | ReadIncidents | HandleIncidents | Decide,
        ) => Verdict::Forbidden,
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [
        Self::TenantAdmin,
        Self::PlatformAdmin,
        Self::Observer,
        Self::Auditor,
    ];

    /// Its name in tokens.
    pub fn name(self) -> &'static str {
        match self {
            Self::TenantAdmin => "tenant-admin",
            Self::PlatformAdmin => "platform-admin",
            Self::Observer => "observer",
            Self::Auditor => "auditor",
        }
    }
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 12] = [
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
        Self::ReadReceipts,
        Self::Control,
    ];

    /// What is done, after "may".
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
            Self::ReadReceipts => "list and fetch receipts and digests",
            Self::Control => "pause and resume",
        }
    }

    /// The names of the roles that may, in their own tenant.
    pub fn roles(self) -> Vec<&'static str> {
        let may = |role: &Role| verdict(*role, self, Whose::Own) == Verdict::Allowed;
        Role::ALL.into_iter().filter(may).map(Role::name).collect()
    }
}

/// The rule as a Markdown table.
pub fn table() -> String {
    let names = Role::ALL.map(Role::name).join(" | ");
    let mut table = format!(
        "| may … | {names} |\n|---|{}\n",
        "---|".repeat(Role::ALL.len())
    );
    for operation in Operation::ALL {
        let cells = Role::ALL.map(|role| {
            let reach = [Whose::Own, Whose::Other].map(|whose| verdict(role, operation, whose));
            match reach {
                [Verdict::Allowed, Verdict::Allowed] => "every tenant",
                [Verdict::Allowed, _] => "own tenant",
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
