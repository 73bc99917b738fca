//! The addresses that workflows name, judged by `HttpAllow` as the action `http` judges them.

use holdfast_action::Check;
use holdfast_steps::http::AllowList;
use holdfast_workflow::{
    compile::parameters_in,
    definition::{Definition, Problem},
};

use super::{Finding, settings::Settings};
use crate::{
    project::Project,
    workflows::{Workflow, span},
};

/// Checks every literal address of the steps with the action `http`, and of their undos. `place`
/// has the parameters.
pub(super) fn findings(settings: &Settings, place: &str, workflows: &[Workflow]) -> Vec<Finding> {
    let list = match allow_list(settings) {
        Ok(list) => list,
        Err(why) => {
            let check = Check::of::<()>("HttpAllow can be read", Err(why));
            return vec![(place.to_owned(), check)];
        }
    };
    let mut found = Vec::new();
    for Workflow {
        file, definition, ..
    } in workflows
    {
        for (step, verb, url) in addresses(definition) {
            let tried = list.check(&filled(url, settings));
            let what = format!("step {step} {verb} an allowed address");
            found.push((file.clone(), Check::of(what, tried)));
        }
    }
    found
}

/// Adds a warning for every literal address that `HttpAllow` of an environment of samconfig.toml
/// lacks.
pub(crate) fn warn(project: &Project, workflows: &mut [Workflow]) {
    let mut environments = Settings::all(project);
    environments.retain(|settings| settings.set.contains_key("HttpAllow"));
    for Workflow {
        definition,
        warnings,
        ..
    } in workflows
    {
        for url in addresses(definition).map(|(.., url)| url) {
            let known = |settings: &Settings| {
                let mut names = parameters_in(url);
                names.all(|name| settings.value(name).is_some())
            };
            let refused = |settings: &&Settings| {
                let list = allow_list(settings);
                known(settings)
                    && list.is_ok_and(|list| list.check(&filled(url, settings)).is_err())
            };
            let names = environments.iter().filter(refused);
            let names: Vec<_> = names.map(|one| format!("[{}]", one.environment)).collect();
            if !names.is_empty() {
                let message = format!("HttpAllow of {} does not allow {url}", names.join(", "));
                let help = "the step would fail: add the origin to HttpAllow in samconfig.toml, or \
                            correct the address";
                let at = span(&warnings.source, "", url);
                warnings.problems.push(Problem::new(at, message, help));
            }
        }
    }
}

/// The step, the verb and the address of each request of the action `http`.
fn addresses(definition: &Definition) -> impl Iterator<Item = (&str, &'static str, &str)> {
    let steps = definition.action_steps().into_iter();
    let http = steps.filter(|(_, action, _)| action.action == "http");
    http.flat_map(|(step, action, _)| {
        let undo = action.rollback.as_ref();
        let undo = undo.and_then(|undo| undo.input.as_ref());
        let inputs = [("calls", Some(&action.input)), ("is undone at", undo)];
        let inputs = inputs.into_iter();
        inputs.filter_map(|(verb, input)| Some((step.name.as_str(), verb, input?["url"].as_str()?)))
    })
}

fn allow_list(settings: &Settings) -> Result<AllowList, String> {
    AllowList::parse(settings.value("HttpAllow").unwrap_or_default())
}

/// The address with the values of parameters.
fn filled(url: &str, settings: &Settings) -> String {
    let fill = |text: String, name: &str| {
        let value = settings.value(name).unwrap_or_default();
        text.replace(&format!("${{{name}}}"), value)
    };
    parameters_in(url).fold(url.to_owned(), fill)
}
