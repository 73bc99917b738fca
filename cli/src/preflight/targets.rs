//! The addresses that workflows name, judged by `HttpAllow` as the action `http` judges them.

use holdfast_action::Check;
use holdfast_steps::http::AllowList;
use holdfast_workflow::compile::parameters_in;
use serde_json::Value;

use super::{Finding, settings::Settings};
use crate::{output::line, report::Trouble, workflows::Workflow};

/// Checks every literal address of the steps with the action `http`, and of their undos.
pub(super) fn findings(
    settings: &Settings,
    workflows: &[Workflow],
) -> Result<Vec<Finding>, Trouble> {
    let list = match AllowList::parse(settings.value("HttpAllow").unwrap_or_default()) {
        Ok(list) => list,
        Err(why) => {
            let check = Check::of::<()>("HttpAllow can be read", Err(why));
            return Ok(vec![(settings.place(), check)]);
        }
    };
    let (mut found, mut computed) = (Vec::new(), 0);
    for Workflow {
        file, definition, ..
    } in workflows
    {
        for (step, action, _) in definition.action_steps() {
            if action.action != "http" {
                continue;
            }
            let undo = action
                .rollback
                .as_ref()
                .and_then(|undo| undo.input.as_ref());
            let inputs = [("calls", Some(&action.input)), ("is undone at", undo)];
            for (verb, input) in inputs
                .into_iter()
                .filter_map(|(verb, one)| Some((verb, one?)))
            {
                let url = &input["url"];
                let Some(url) = literal(url, settings) else {
                    computed += usize::from(url.is_string());
                    continue;
                };
                let tried = list.check(&url);
                let what = format!("step {} {verb} an allowed address", step.name);
                found.push((file.clone(), Check::of(what, tried)));
            }
        }
    }
    if computed > 0 {
        line(&format!(
            "not checked: {computed} addresses that expressions compute; HttpAllow judges them at run time"
        ))?;
    }
    Ok(found)
}

/// The address of a step, with the values of parameters, unless an expression computes it.
fn literal(url: &Value, settings: &Settings) -> Option<String> {
    let url = url
        .as_str()
        .filter(|url| !url.trim_start().starts_with("{%"))?;
    let fill = |text: String, name: &str| {
        let value = settings.value(name).unwrap_or_default();
        text.replace(&format!("${{{name}}}"), value)
    };
    Some(parameters_in(url).fold(url.to_owned(), fill))
}
