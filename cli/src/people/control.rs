//! `holdfast controls`, `pause` and `resume`: controls of the platform, a tenant or a workflow.

use clap::{Args, ValueEnum};
use holdfast_ids::names::sanitize;
use holdfast_ledger::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    options::{ChangeOptions, ReadOptions, Reason},
    shape::{Control, ControlChange, outlook::ControlOutlook},
};
use crate::{
    api::{ApiRequest, Client, typed},
    report::Trouble,
    screen::{Screen, Tone},
    table::{Cell, Table},
};

/// The line in place of a number of open executions.
const UNCOUNTED: &str = "the open executions were not counted";

/// The options of the list of controls.
#[derive(Args)]
pub(crate) struct ControlsArgs {
    /// Show this scope, and what a pause of it would touch now: platform, tenant/NAME or
    /// workflow/WF-ID
    #[arg(value_parser = Scope::read)]
    scope: Option<Scope>,
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

/// Lists the controls that were ever set and apply to the caller, or shows one scope.
pub(crate) fn controls(args: &ControlsArgs) -> Result<(), Trouble> {
    let api = args.options.api.client()?;
    match &args.scope {
        None => {
            let answer = api.read("/v1/controls")?;
            args.options
                .print(&answer, || table(&answer["controls"], &Screen::stdout()))
        }
        Some(scope) => {
            let answer = outlook_of(&api, scope)?;
            args.options.print(&answer, || {
                let found: ControlOutlook = typed(&answer)?;
                Ok(state_of(&found) + &covered(&found))
            })
        }
    }
}

/// The API's answer about a pause of `scope`.
fn outlook_of(api: &Client, scope: &Scope) -> Result<Value, Trouble> {
    api.read(&format!("/v1/controls/{}", scope.name()))
}

/// The open executions that a pause would touch, for its confirmation. A pause is for emergencies,
/// so an API that cannot count now does not keep a person from it.
fn touched(options: &ChangeOptions, scope: &Scope) -> Result<String, Trouble> {
    let api = options.read.api.client()?;
    let found = outlook_of(&api, scope).and_then(|answer| typed::<ControlOutlook>(&answer));
    Ok(match found {
        Ok(found) => format!("\n{}", covered(&found).trim_end()),
        // The request of the pause itself reports a wrong token or role.
        Err(_) => format!("\n{UNCOUNTED}"),
    })
}

/// The state of a scope, in a line.
pub(super) fn state_of(found: &ControlOutlook) -> String {
    let scope = &found.scope;
    let line = match (&found.reason, &found.by) {
        (Some(reason), Some(by)) => format!("{scope} is {}: {reason} ({by})", found.state),
        _ => format!("{scope} is {}", found.state),
    };
    sanitize(&line) + "\n"
}

/// The open executions that a pause would touch, in lines.
pub(super) fn covered(found: &ControlOutlook) -> String {
    let mut lines = match found.scope_check.as_str() {
        "new" => "the scope does not exist yet: check its name\n".to_owned(),
        _ => String::new(),
    };
    lines += &match (found.open_executions, found.open_executions_more) {
        (None, _) => format!("{UNCOUNTED}\n"),
        (Some(count), more) => open_in_words(count, more) + " in it\n",
    };
    for one in found.workflows.iter().flatten() {
        let line = format!("  {:>6}  {}", one.open_executions, one.workflow_id);
        lines += &(sanitize(&line) + "\n");
    }
    if found.workflows_more {
        lines += "  and more\n";
    }
    lines
}

/// A number of open executions, in words. `more` if more may exist.
fn open_in_words(count: u64, more: bool) -> String {
    match (count, more) {
        (_, true) => format!("at least {count} executions are open"),
        (1, false) => "1 execution is open".to_owned(),
        _ => format!("{count} executions are open"),
    }
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
    let touched = || touched(&args.options, &args.scope.scope);
    let control = ("paused", Some(running));
    set(&args.scope, &args.options, control, &effect, touched)
}

/// Resumes a scope.
pub(crate) fn resume(args: &ResumeArgs) -> Result<(), Trouble> {
    let effect = "executions start and continue";
    let control = ("running", None);
    set(&args.scope, &args.options, control, effect, || {
        Ok(String::new())
    })
}

fn set(
    args: &ScopeArgs,
    options: &ChangeOptions,
    (state, running): (&str, Option<&str>),
    effect: &str,
    touched: impl FnOnce() -> Result<String, Trouble>,
) -> Result<(), Trouble> {
    let scope = args.scope.name();
    options.confirmation.ask_about(|| {
        let touched = touched()?;
        Ok(format!(
            "{scope} is {state} from now on: {effect}.{touched}"
        ))
    })?;
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
        (Some(count), more) => format!("; {}", open_in_words(count, more)),
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
