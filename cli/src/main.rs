//! The `holdfast` command: which code runs for which arguments, and the exit code.

mod api;
mod audit;
mod cli;
mod compile;
mod confirm;
mod cost;
mod doctor;
mod drill;
mod manual;
mod mirror;
mod new;
mod output;
mod people;
mod preflight;
mod project;
mod receipt;
mod released;
mod report;
mod screen;
mod simulate;
mod story;
mod table;
mod workflows;

use std::process::ExitCode;

use clap::Parser;
use holdfast_ids::names::sanitize_lines;

use cli::{Cli, Command, ReceiptCommand};
use project::Project;
use report::Trouble;

fn main() -> ExitCode {
    let command = Cli::parse().command;
    let writes = matches!(
        command,
        Command::Compile { check: false } | Command::Release { .. }
    );
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            trouble.print(writes);
            ExitCode::from(trouble.exit_code())
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
        Command::Release { files } => released::run(&Project::find()?, &files),
        Command::Graph { file } => {
            let read = workflows::read(&Project::find()?, &[file])?;
            read.iter().try_for_each(|workflow| {
                let graph = holdfast_workflow::definition::graph(&workflow.definition);
                output::text(&sanitize_lines(&graph))
            })
        }
        Command::Drill(args) => drill::run(&Project::find()?, &args),
        Command::Cost(args) => cost::run(&Project::find()?, &args),
        Command::Doctor(args) => doctor::run(&Project::find()?, &args),
        Command::Logs { execution, api } => story::logs(&api.client()?, &execution),
        Command::Watch { execution, api } => story::watch(&api.client()?, &execution),
        Command::Start(args) => people::start(&args),
        Command::Workflows(args) => people::workflows(&args),
        Command::Ls(args) => people::list(&args),
        Command::Show(args) => people::show(&args),
        Command::Inbox(args) => people::inbox(&args),
        Command::Decide(args) => people::decide(&args),
        Command::Cancel(args) => people::cancel(&args),
        Command::Rollback(args) => people::rollback(&args),
        Command::Redrive(args) => people::redrive(&args),
        Command::Bulk(args) => people::bulk(&args),
        Command::Delegations(args) => people::delegations(&args),
        Command::Controls(args) => people::controls(&args),
        Command::Pause(args) => people::pause(&args),
        Command::Resume(args) => people::resume(&args),
        Command::Actions(args) => people::actions(&args),
        Command::Statistics(args) => people::statistics(&args),
        Command::Budgets(args) => people::budgets(&args),
        Command::Incidents(args) => people::incidents(&args),
        Command::Receipts(args) => people::receipts(&args),
        Command::Tenants(args) => people::tenants(&args),
        Command::Receipt { command } => run_receipt(command),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { folder } => manual::man(&folder),
        Command::Schema => {
            let schema = holdfast_workflow::definition::schema(&workflows::actions());
            output::text(&format!("{schema:#}\n"))
        }
    }
}

fn run_receipt(command: ReceiptCommand) -> Result<(), Trouble> {
    match command {
        ReceiptCommand::Get {
            execution,
            generation,
            to,
            api,
        } => receipt::get(&api.client()?, &execution, generation, to),
        ReceiptCommand::Verify {
            file,
            jwks,
            deployment,
        } => receipt::verify(&file, &jwks, deployment.as_deref()),
        ReceiptCommand::Page { file, jwks, to } => receipt::page(&file, &jwks, to),
        ReceiptCommand::Audit(args) => audit::run(&args),
        ReceiptCommand::Mirror(args) => mirror::run(&args),
    }
}
