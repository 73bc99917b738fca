//! `holdfast controls`, `pause` and `resume`: controls of the platform, a tenant or a workflow.

use clap::{Args, ValueEnum};
use holdfast_ids::names::sanitize;
use holdfast_ledger::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    options::{ChangeOptions, ReadOptions, Reason},
    shape::{Control, ControlChange},
};
use crate::{
    api::{ApiRequest, typed},
    report::Trouble,
    screen::{Screen, Tone},
    table::{Cell, Table},
};

/// The options of the list of controls.
#[derive(Args)]
pub(crate) struct ControlsArgs {
    #[command(flatten)]
    options: ReadOptions,
}

/// The behaviour of running executions during a pause.
#[derive(Clone, Copy, ValueEnum)]
enum PauseBehaviour {
    /// They wait before their next step
    Wait,
    /// They are rolled back instead of beginning their next step
    Rollback,
}

/// The scope to pause.
#[derive(Args)]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    /// The behaviour of running executions
    #[arg(long, value_enum, default_value_t = PauseBehaviour::Wait)]
    running: PauseBehaviour,
    #[command(flatten)]
    options: ChangeOptions,
}

/// The scope to resume.
#[derive(Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    options: ChangeOptions,
}

/// The scope of a control, and the reason.
#[derive(Args)]
struct ScopeArgs {
    /// platform, tenant/NAME or workflow/WF-ID
    #[arg(value_parser = Scope::read)]
    scope: Scope,
    #[command(flatten)]
    reason: Reason,
    /// The scope does not exist yet: a workflow before its deployment, a tenant before its
    /// registration
    #[arg(long)]
    new: bool,
}

/// Lists the controls that were ever set and apply to the caller.
pub(crate) fn controls(args: &ControlsArgs) -> Result<(), Trouble> {
    let answer = args.options.api.client()?.read("/v1/controls")?;
    args.options
        .print(&answer, || table(&answer["controls"], &Screen::stdout()))
}

/// A table of controls: what is paused first, and then what was changed last.
pub(super) fn table(items: &Value, screen: &Screen) -> Result<String, Trouble> {
    let mut all: Vec<Control> = typed(items)?;
    if all.is_empty() {
        return Ok("no controls: nothing was ever paused\n".to_owned());
    }
    all.sort_by_key(|one| one.state != "paused");
    let mut table = Table::new(&["SCOPE", "STATE", "EXECUTIONS", "CHANGED", "BY", "REASON"]);
    for one in all {
        let tone = match one.state.as_str() {
            "paused" => Tone::Waits,
            _ => Tone::Good,
        };
        let changed = one.at.map(|at| screen.relative(at));
        table.row(vec![
            Cell::of(one.scope),
            Cell::of(one.state).toned(Some(tone)),
            Cell::of(one.running_executions.unwrap_or_default()),
            Cell::of(changed.unwrap_or_default()),
            Cell::of(one.by.unwrap_or_default()),
            Cell::of(one.reason.unwrap_or_default()),
        ]);
    }
    Ok(table.render(screen))
}

/// Pauses a scope.
pub(crate) fn pause(args: &PauseArgs) -> Result<(), Trouble> {
    let (running, effect) = match args.running {
        PauseBehaviour::Wait => ("wait", "running executions wait before their next step"),
        PauseBehaviour::Rollback => (
            "rollback",
            "running executions are rolled back instead of beginning their next step",
        ),
    };
    let effect = format!("no execution starts, and {effect}");
    set(&args.scope, &args.options, "paused", Some(running), &effect)
}

/// Resumes a scope.
pub(crate) fn resume(args: &ResumeArgs) -> Result<(), Trouble> {
    let effect = "executions start and continue";
    set(&args.scope, &args.options, "running", None, effect)
}

fn set(
    args: &ScopeArgs,
    options: &ChangeOptions,
    state: &str,
    running: Option<&str>,
    effect: &str,
) -> Result<(), Trouble> {
    let scope = args.scope.name();
    options
        .confirmation
        .ask(&format!("{scope} is {state} from now on: {effect}."))?;
    let mut body = json!({ "state": state, "reason": args.reason.reason });
    if let Some(running) = running {
        body["running_executions"] = json!(running);
    }
    if args.new {
        body["new"] = json!(true);
    }
    let path = format!("/v1/controls/{scope}");
    let request = ApiRequest {
        body: Some(body),
        ..ApiRequest::of(Method::PUT, &path)
    };
    let answer = options.read.api.client()?.done(request)?;
    options.read.print(&answer, || {
        let done: ControlChange = typed(&answer)?;
        Ok(sanitize(&in_words(&done)) + "\n")
    })
}

/// A control that was set, in words.
pub(super) fn in_words(done: &ControlChange) -> String {
    let before = match done.replayed {
        true => ", as before",
        false => "",
    };
    let open = match (done.open_executions, done.open_executions_more) {
        (Some(count), true) => format!("; more than {count} executions are open"),
        (Some(1), false) => "; 1 execution is open".to_owned(),
        (Some(count), false) => format!("; {count} executions are open"),
        (None, _) => String::new(),
    };
    let unchecked = match done.scope_check.as_str() {
        "unavailable" => "; it was not checked that this scope exists: check the name yourself",
        _ => "",
    };
    format!("{} is {}{before}{open}{unchecked}", done.scope, done.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_of_a_scope_that_was_not_checked_says_so() {
        for (check, says) in [("unavailable", true), ("found", false), ("new", false)] {
            let change = json!({
                "scope": "workflow/WF-PAY", "state": "paused", "replayed": false,
                "scope_check": check,
            });
            let change = serde_json::from_value(change).expect("a change");
            let words = in_words(&change);
            assert_eq!(words.contains("check the name yourself"), says, "{words}");
        }
    }
}
