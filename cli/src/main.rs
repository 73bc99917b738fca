//! The `holdfast` command: its subcommands, their options and the exit code.
//!
//! The exit code is 0 for success, 1 for problems and 2 for wrong usage.

mod api;
mod audit;
mod compile;
mod doctor;
mod drill;
mod mirror;
mod new;
mod output;
mod preflight;
mod project;
mod receipt;
mod report;
mod simulate;
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
    /// Draw a workflow as a Mermaid flowchart
    Graph {
        /// The workflow's file
        file: PathBuf,
    },
    /// Run a workflow through every fault at every place, in process, and check what remains
    Drill(drill::DrillArgs),
    /// Check a deployed stack, or with --before-deploy what a deployment needs
    Doctor(doctor::DoctorArgs),
    /// Print the story of an execution so far
    Logs {
        /// The execution's id
        execution: String,
        #[command(flatten)]
        api: api::Api,
    },
    /// Follow an execution until it has ended; the exit code is 0 only for EXECUTED
    Watch {
        /// The execution's id
        execution: String,
        #[command(flatten)]
        api: api::Api,
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
    Audit(audit::AuditArgs),
    /// Fetch a tenant's digests and their receipts through the API: a mirror to audit
    Mirror(mirror::MirrorArgs),
    /// Fetch the receipt of an execution that has ended, and check its SHA-256
    Get {
        /// The execution's id
        execution: String,
        /// The execution generation, from 0, which each redrive and later rollback raises; by
        /// default, the newest
        #[arg(long, value_name = "N")]
        generation: Option<u32>,
        /// The receipt's file; by default, named after the execution
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
        #[command(flatten)]
        api: api::Api,
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
            let mut read = workflows::read(&project, &files)?;
            preflight::warn(&project, &mut read);
            let warnings: usize = read.iter().map(|workflow| workflow.warnings.warn()).sum();
            let fine = match read.len() {
                1 => "1 workflow is fine".to_owned(),
                count => format!("{count} workflows are fine"),
            };
            output::line(&match warnings {
                0 => fine,
                1 => format!("{fine}; 1 warning"),
                count => format!("{fine}; {count} warnings"),
            })
        }
        Command::Compile { check } => compile::run(&Project::find()?, check),
        Command::Graph { file } => {
            let read = workflows::read(&Project::find()?, &[file])?;
            read.iter().try_for_each(|workflow| {
                output::text(&holdfast_workflow::definition::graph(&workflow.definition))
            })
        }
        Command::Drill(args) => drill::run(&Project::find()?, &args),
        Command::Doctor(args) => doctor::run(&Project::find()?, &args),
        Command::Logs { execution, api } => story::logs(&api, &execution),
        Command::Watch { execution, api } => story::watch(&api, &execution),
        Command::Receipt {
            command:
                ReceiptCommand::Get {
                    execution,
                    generation,
                    to,
                    api,
                },
        } => receipt::get(&api, &execution, generation, to),
        Command::Receipt {
            command:
                ReceiptCommand::Verify {
                    file,
                    jwks,
                    deployment,
                },
        } => receipt::verify(&file, &jwks, deployment.as_deref()),
        Command::Receipt {
            command: ReceiptCommand::Page { file, jwks, to },
        } => receipt::page(&file, &jwks, to),
        Command::Receipt {
            command: ReceiptCommand::Audit(args),
        } => audit::run(&args),
        Command::Receipt {
            command: ReceiptCommand::Mirror(args),
        } => mirror::run(&args),
        Command::Schema => {
            let schema = holdfast_workflow::definition::schema(&workflows::actions());
            output::text(&format!("{schema:#}\n"))
        }
    }
}
