//! The `holdfast` command: write, check, compile, draw, drill and watch workflows. Exit codes: 0 fine, 1 problems, 2 wrong usage.

mod api;
mod audit;
mod compile;
mod doctor;
mod drill;
mod mirror;
mod new;
mod output;
mod project;
mod receipt;
mod report;
mod story;
mod workflows;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use project::Project;
use report::Trouble;

/// Write, check, compile, draw, drill and watch Holdfast workflows.
#[derive(Parser)]
#[command(name = "holdfast", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a commented workflow to start from
    New {
        /// What it is about, such as `delay-vendor-payments`: the file's name, and the workflow's id in capitals
        name: String,
        /// Where to put it
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Check workflows and report every mistake with its place
    Validate {
        /// Which files; all of workflows/ if none is named
        files: Vec<PathBuf>,
    },
    /// Compile all workflows: state machines in infra/statemachines/, and what template.yaml needs of them
    Compile {
        /// Write nothing; fail and name each file that is not up to date
        #[arg(long)]
        check: bool,
    },
    /// Draw a workflow as a Mermaid flowchart
    Graph {
        /// The workflow's file
        file: PathBuf,
    },
    /// Run a workflow through every fault at every place, in process, and check what remains
    Drill(drill::DrillArgs),
    /// Ask a deployed stack whether what it depends on is there: targets, secrets, ledger, signing key, current definitions
    Doctor(doctor::DoctorArgs),
    /// Print what an execution did so far, in order
    Logs {
        /// The execution's id
        execution: String,
        #[command(flatten)]
        door: api::Door,
    },
    /// Follow an execution until it has ended; exits 0 only if it was executed
    Watch {
        /// The execution's id
        execution: String,
        #[command(flatten)]
        door: api::Door,
    },
    /// Fetch, verify and audit receipts
    Receipt {
        #[command(subcommand)]
        command: ReceiptCommand,
    },
    /// Print the JSON Schema of workflow files, for editors
    Schema,
}

#[derive(Subcommand)]
enum ReceiptCommand {
    /// Verify a receipt by its signature, without any connection or credentials
    Verify {
        /// The receipt's file
        file: PathBuf,
        /// The key set that is trusted: what GET /v1/keys answered
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
    },
    /// Make a page for people of a receipt's file; it says whether the signature is good
    Page {
        /// The receipt's file
        file: PathBuf,
        /// The key set that is trusted: what GET /v1/keys answered
        #[arg(long, value_name = "FILE")]
        jwks: PathBuf,
        /// Where to put it; beside the receipt, ending in .html, if not given
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Audit a mirror of the receipt bucket by its chain of digests, without any connection or credentials
    Audit(audit::AuditArgs),
    /// Fetch a tenant's digests, and the receipts that they list, by the API: a mirror to audit, without credentials of AWS
    Mirror(mirror::MirrorArgs),
    /// Fetch the receipt of an execution that has ended, and check it against its digest
    Get {
        /// The execution's id
        execution: String,
        /// Which one: 0 is the first, and each later rollback or redrive has one more; the newest if not given
        #[arg(long, value_name = "N")]
        generation: Option<u32>,
        /// Where to put it; a file called like the execution if not given
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        door: api::Door,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            trouble.print();
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Trouble> {
    match command {
        Command::New { name, dir } => new::run(&Project::find()?, &name, dir),
        Command::Validate { files } => {
            let project = Project::find()?;
            let read = workflows::read(&project, &files)?;
            output::line(&format!(
                "{} {} fine",
                read.len(),
                if read.len() == 1 {
                    "workflow is"
                } else {
                    "workflows are"
                }
            ))
        }
        Command::Compile { check } => compile::run(&Project::find()?, check),
        Command::Graph { file } => {
            let read = workflows::read(&Project::find()?, &[file])?;
            read.iter().try_for_each(|workflow| {
                output::text(&holdfast_workflow::definition::graph(&workflow.definition))
            })
        }
        Command::Drill(asked) => drill::run(&Project::find()?, &asked),
        Command::Doctor(asked) => doctor::run(&Project::find()?, &asked),
        Command::Logs { execution, door } => story::logs(&door, &execution),
        Command::Watch { execution, door } => story::watch(&door, &execution),
        Command::Receipt {
            command:
                ReceiptCommand::Get {
                    execution,
                    generation,
                    to,
                    door,
                },
        } => receipt::get(&door, &execution, generation, to),
        Command::Receipt {
            command: ReceiptCommand::Verify { file, jwks },
        } => receipt::verify(&file, &jwks),
        Command::Receipt {
            command: ReceiptCommand::Page { file, jwks, to },
        } => receipt::page(&file, &jwks, to),
        Command::Receipt {
            command: ReceiptCommand::Audit(asked),
        } => audit::run(&asked),
        Command::Receipt {
            command: ReceiptCommand::Mirror(asked),
        } => mirror::run(&asked),
        Command::Schema => {
            let schema = holdfast_workflow::definition::schema(&workflows::actions());
            output::text(&format!("{schema:#}\n"))
        }
    }
}
