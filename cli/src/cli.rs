//! The arguments of the `holdfast` command. Completions, man pages and docs/commands.md are made
//! from them.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;

use crate::{
    api::Api,
    audit::AuditArgs,
    cost::CostArgs,
    doctor::DoctorArgs,
    drill::DrillArgs,
    mirror::MirrorArgs,
    people::{
        ActionsArgs, BudgetsArgs, BulkArgs, ControlsArgs, DecideArgs, DelegationsArgs, InboxArgs,
        IncidentsArgs, ListArgs, PauseArgs, ReceiptsArgs, RequestArgs, ResumeArgs, ShowArgs,
        StartArgs, StatisticsArgs, TenantsArgs, WorkflowsArgs,
    },
};

/// The exit codes, for the help.
const CODES: &str = "\
Exit codes: 0 done; 1 a problem, such as an execution that ended otherwise than EXECUTED; 2 wrong \
usage; 3 the API refused the request; 4 the API does not answer, and the command can be repeated; \
5 not confirmed, and nothing was done.";

/// Write and check Holdfast workflows; start, watch over and decide their executions.
#[derive(Parser)]
#[command(name = "holdfast", version, arg_required_else_help = true, after_help = CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Write a commented workflow to start from
    New {
        /// The file's name, such as `delay-vendor-payments`; in capitals, the workflow's id
        name: String,
        /// The folder for the file
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Check workflows and report every problem with its place
    Validate {
        /// The files; by default, all of workflows/
        files: Vec<PathBuf>,
    },
    /// Compile all workflows into infra/statemachines/ and template.yaml
    Compile {
        /// Write nothing; fail and name each file that is not up to date
        #[arg(long)]
        check: bool,
    },
    /// Record the versions of workflows as released: their content never changes again
    Release {
        /// The files; by default, all of workflows/
        files: Vec<PathBuf>,
    },
    /// Draw a workflow as a Mermaid flowchart
    Graph {
        /// The workflow's file
        file: PathBuf,
    },
    /// Run a workflow through every fault at every place, in process, and check what remains
    Drill(DrillArgs),
    /// Print the bill of an execution, for a success and for a failure at each step
    Cost(CostArgs),
    /// Check a deployed stack, or with --before-deploy what a deployment needs
    Doctor(DoctorArgs),
    /// Start a workflow, once for its idempotency key
    Start(StartArgs),
    /// List the workflows that are open to the tenant, or the versions of one
    Workflows(WorkflowsArgs),
    /// List executions, newest first
    Ls(ListArgs),
    /// Show an execution: its steps, questions, effects that remain, and what refused
    Show(ShowArgs),
    /// Show what each request and decision would do to an execution now
    Actions(ActionsArgs),
    /// List the questions that wait for people
    Inbox(InboxArgs),
    /// Answer a question that waits
    Decide(DecideArgs),
    /// Stop an execution, and undo its effects
    Cancel(RequestArgs),
    /// Undo the effects of an execution that has ended
    Rollback(RequestArgs),
    /// Continue a failed execution where it failed
    Redrive(RequestArgs),
    /// Cancel, roll back, redrive or decide many executions at once
    Bulk(BulkArgs),
    /// List who decides for whom; name or remove your stand-in
    Delegations(DelegationsArgs),
    /// List what is paused, for whom, by whom and why; show what a pause would touch
    Controls(ControlsArgs),
    /// Pause the platform, a tenant or a workflow
    Pause(PauseArgs),
    /// Resume the platform, a tenant or a workflow
    Resume(ResumeArgs),
    /// List budgets and limits, and what is left of them
    Budgets(BudgetsArgs),
    /// Print counts, rates and times of executions, and what waits now
    Statistics(StatisticsArgs),
    /// List incidents; show, acknowledge or resolve one
    Incidents(IncidentsArgs),
    /// List receipts, newest first
    Receipts(ReceiptsArgs),
    /// List the registered tenants; register or close one
    Tenants(TenantsArgs),
    /// Print the story of an execution so far
    Logs {
        /// The execution's id, or its first digits
        execution: String,
        #[command(flatten)]
        api: Api,
    },
    /// Follow an execution until it has ended; the exit code is 0 only for EXECUTED
    Watch {
        /// The execution's id, or its first digits
        execution: String,
        #[command(flatten)]
        api: Api,
    },
    /// Fetch, verify and audit receipts
    Receipt {
        #[command(subcommand)]
        command: ReceiptCommand,
    },
    /// Print the JSON Schema of workflow files, for editors
    Schema,
    /// Print the completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Write the man pages, one for each command
    Man {
        /// The folder; it is made if it does not exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

#[derive(Subcommand)]
pub(crate) enum ReceiptCommand {
    /// Verify the signature of a receipt, without any connection or credentials
    Verify {
        /// The receipt's file
        file: PathBuf,
        /// A file with the trusted key set, which GET /v1/keys serves
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
        /// The deployment that must have written the receipt
        #[arg(long, value_name = "ACCOUNT/REGION/STACK")]
        deployment: Option<String>,
    },
    /// Make a page of a receipt's file, with the result of the verification
    Page {
        /// The receipt's file
        file: PathBuf,
        /// A file with the trusted key set, which GET /v1/keys serves
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
        /// The page's file; by default, beside the receipt and ending in .html
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Audit a mirror of the receipt bucket by its chain of digests, offline
    Audit(AuditArgs),
    /// Fetch a tenant's digests and their receipts through the API: a mirror to audit
    Mirror(MirrorArgs),
    /// Fetch the receipt of an execution that has ended, and check its SHA-256
    Get {
        /// The execution's id, or its first digits
        execution: String,
        /// The execution generation, from 0, which each redrive and later rollback raises; by
        /// default, the newest
        #[arg(long, value_name = "N")]
        generation: Option<u32>,
        /// The receipt's file; by default, EXECUTION.json in the current folder, or
        /// EXECUTION-N.json with --generation. It is never overwritten
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        api: Api,
    },
}
