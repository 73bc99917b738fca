//! `holdfast actions`, and the words by which a confirmation says what an action would do.

use clap::Args;
use holdfast_ids::names::sanitize;

use super::{
    find,
    options::ReadOptions,
    shape::outlook::{Action, ActionRefusal, Actions, Effect},
};
use crate::{
    api::{Client, for_command, typed},
    report::Trouble,
    story::none,
};

/// The execution whose actions are shown.
#[derive(Args)]
pub(crate) struct ActionsArgs {
    /// The execution's id, or its first digits
    execution: String,
    #[command(flatten)]
    options: ReadOptions,
}

/// Shows what each request and decision would do to an execution now. Nothing is requested.
pub(crate) fn actions(args: &ActionsArgs) -> Result<(), Trouble> {
    let (id, client) = find::execution(&args.options.api.client()?, &args.execution)?;
    let answer = client.execution(&id, "/actions")?;
    let answer = answer.ok_or_else(|| none(&id))?;
    args.options.print(&answer, || Ok(text(&typed(&answer)?)))
}

/// The outlook of this request, or of this decision on a step, line by line. An earlier release of
/// the API has none: then it is the effect in general. What the API would refuse now is refused
/// here.
pub(super) fn foreseen(
    client: &Client,
    id: &str,
    wanted: (&str, Option<(&str, &str)>),
    general: &str,
) -> Result<String, Trouble> {
    let Some(answer) = client.execution(id, "/actions")? else {
        return Ok(format!("  {general}"));
    };
    let found: Actions = typed(&answer)?;
    let action = of(&found, wanted);
    // The API accepts a repeated request, and completes one that was cut off.
    let refused = |refusal: &&ActionRefusal| refusal.code != "already";
    if let Some(action) = action
        && let Some(refusal) = action.refusal.as_ref().filter(refused)
    {
        let why = format!(
            "{} is refused now: {}",
            name(action),
            sanitize(&for_command(&refusal.message))
        );
        return Err(Trouble::Refused(why));
    }
    Ok(action.map_or_else(|| format!("  {general}"), would))
}

/// The action of this name, and of this step and decision.
fn of<'a>(found: &'a Actions, (name, decided): (&str, Option<(&str, &str)>)) -> Option<&'a Action> {
    let fits = |one: &&Action| {
        let question = one.step.as_deref().zip(one.decision.as_deref());
        one.action == name && question == decided
    };
    found.actions.iter().find(fits)
}

/// All actions, those that are possible first.
pub(super) fn text(found: &Actions) -> String {
    let mut text = sanitize(&format!(
        "execution {} of {}, {}",
        found.execution_id, found.workflow_id, found.status
    ));
    text.push('\n');
    let (possible, refused): (Vec<_>, Vec<_>) =
        found.actions.iter().partition(|action| action.allowed);
    for action in possible {
        text.push_str(&format!("\n{}\n{}\n", name(action), would(action)));
        text.push_str(&format!("  {}\n", sanitize(&action.command)));
    }
    for action in refused {
        text.push_str(&format!("\n{}\n{}\n", name(action), would(action)));
    }
    text
}

fn name(action: &Action) -> String {
    let question = action.decision.iter().zip(&action.step);
    let question: String = question
        .map(|(decision, step)| format!(" {decision} (step {step})"))
        .collect();
    sanitize(&format!("{}{question}", action.action))
}

/// The outlook of an action, line by line.
pub(super) fn would(action: &Action) -> String {
    let mut lines = vec![format!("  {}", sanitize(&action.effect))];
    if let Some(refusal) = &action.refusal {
        let why = sanitize(&for_command(&refusal.message));
        lines.push(format!("  not now: {why}"));
    }
    if let Some(until) = action.waits_until {
        lines.push(format!("  waits until {until}: an attempt may be at work"));
    }
    let undoes = action.undoes.iter();
    lines.extend(undoes.map(|effect| format!("  undoes  {}", in_words(effect))));
    for left in &action.cannot_undo {
        let why = sanitize(&left.why);
        lines.push(format!("  remains {}: {why}", in_words(&left.effect)));
    }
    if let Some(next) = &action.continues {
        let keeps = next.keeps.iter();
        lines.extend(keeps.map(|effect| format!("  keeps   {}", in_words(effect))));
        let runs: Vec<_> = next.runs.iter().map(|step| sanitize(step)).collect();
        if !runs.is_empty() {
            let (version, runs) = (next.version, runs.join(", "));
            lines.push(format!("  runs    {runs} (version {version})"));
        }
    }
    lines.join("\n")
}

fn in_words(effect: &Effect) -> String {
    let item = effect.item.as_ref();
    let item = item.map_or_else(String::new, |item| format!(" {item}"));
    let certainty = match effect.certainty.as_str() {
        "certain" => "",
        _ => ", perhaps",
    };
    sanitize(&format!(
        "{}{item} ({}{certainty})",
        effect.step, effect.state
    ))
}
