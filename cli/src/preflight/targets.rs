//! The addresses that workflows name, judged by `HttpAllow` as the action `http` judges them.

use holdfast_action::Check;
use holdfast_steps::http::AllowList;
use holdfast_workflow::compile::parameters_in;

use super::{Finding, settings::Settings};
use crate::workflows::Workflow;

/// Checks every literal address of the steps with the action `http`, and of their undos.
pub(super) fn findings(settings: &Settings, workflows: &[Workflow]) -> Vec<Finding> {
    let list = match AllowList::parse(settings.value("HttpAllow").unwrap_or_default()) {
        Ok(list) => list,
        Err(why) => {
            let check = Check::of::<()>("HttpAllow can be read", Err(why));
            return vec![(settings.place(), check)];
        }
    };
    let mut found = Vec::new();
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
                let Some(url) = input["url"].as_str() else {
                    continue;
                };
                let url = with_parameters(url, settings);
                let tried = list.check(&url);
                let what = format!("step {} {verb} an allowed address", step.name);
                found.push((file.clone(), Check::of(what, tried)));
            }
        }
    }
    found
}

/// The address of a step, with the values of parameters.
fn with_parameters(url: &str, settings: &Settings) -> String {
    let fill = |text: String, name: &str| {
        let value = settings.value(name).unwrap_or_default();
        text.replace(&format!("${{{name}}}"), value)
    };
    parameters_in(url).fold(url.to_owned(), fill)
}
