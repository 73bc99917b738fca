//! `holdfast tenants`: the registry of tenants.

use clap::{Args, Subcommand};
use holdfast_ids::names::{check_tenant, sanitize};
use reqwest::Method;
use serde_json::Value;

use super::{
    options::{ChangeOptions, ReadOptions},
    shape::Tenant,
};
use crate::{
    api::{ApiRequest, typed},
    report::Trouble,
    screen::{Screen, Tone},
    table::{Cell, Table},
};

/// The options of the list of tenants, or what to do with one.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct TenantsArgs {
    #[command(subcommand)]
    command: Option<TenantsCommand>,
    #[command(flatten)]
    options: ReadOptions,
}

#[derive(Subcommand)]
enum TenantsCommand {
    /// Register a tenant, or open a closed one
    Register(TenantArgs),
    /// Close a tenant
    Close(TenantArgs),
}

/// The tenant to change.
#[derive(Args)]
struct TenantArgs {
    /// The tenant's name: 1 to 63 lower-case letters, digits and hyphens
    name: String,
    #[command(flatten)]
    options: ChangeOptions,
}

/// Lists the registered tenants by name, or registers or closes one.
pub(crate) fn tenants(args: &TenantsArgs) -> Result<(), Trouble> {
    match &args.command {
        None => {
            let answer = args.options.api.client()?.read("/v1/tenants")?;
            args.options
                .print(&answer, || table(&answer["tenants"], &Screen::stdout()))
        }
        Some(TenantsCommand::Register(args)) => {
            let effect = "its workflows can start";
            change(
                args,
                Method::PUT,
                &format!("{} is registered: {effect}.", args.name),
            )
        }
        Some(TenantsCommand::Close(args)) => {
            let effect = "no workflow starts and no execution is redriven; what runs continues";
            change(
                args,
                Method::DELETE,
                &format!("{} is closed: {effect}.", args.name),
            )
        }
    }
}

pub(super) fn table(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let mut table = Table::new(&["TENANT", "STATE", "CHANGED", "BY"]);
    for one in typed::<Vec<Tenant>>(items)? {
        let tone = match one.state.as_str() {
            "open" => Tone::Good,
            _ => Tone::Quiet,
        };
        table.row(vec![
            Cell::of(one.tenant),
            Cell::of(one.state).toned(Some(tone)),
            Cell::of(screen.relative(one.at)),
            Cell::of(one.by),
        ]);
    }
    Ok(table.render(screen))
}

fn change(args: &TenantArgs, method: Method, effect: &str) -> Result<(), Trouble> {
    check_tenant(&args.name).map_err(Trouble::Usage)?;
    args.options.confirmation.ask(effect)?;
    let path = format!("/v1/tenants/{}", args.name);
    let client = args.options.read.api.client()?;
    let answer = client.done(ApiRequest::of(method, &path))?;
    args.options.read.print(&answer, || {
        let done: Tenant = typed(&answer)?;
        let before = match done.replayed {
            true => ", as before",
            false => "",
        };
        Ok(sanitize(&format!("{} is {}{before}", done.tenant, done.state)) + "\n")
    })
}
