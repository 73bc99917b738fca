//! The addresses and secrets that workflows name, judged by `HttpAllow` and `SecretAllow` as the
//! action `http` judges them.

use holdfast_action::Check;
use holdfast_steps::http::{AllowList, SecretAllowList, refused_literals};
use holdfast_workflow::{
    compile::parameters_in,
    definition::{Definition, Problem},
};
use serde_json::Value;

use super::{Finding, settings::Settings};
use crate::{
    project::Project,
    workflows::{Workflow, span},
};

/// A request of the action `http`, as far as a definition writes it out.
struct HttpRequest<'a> {
    step: &'a str,
    verb: &'static str,
    url: &'a str,
    secret: Option<&'a str>,
    input: &'a Value,
}

/// The addresses and secrets that an environment allows.
struct Lists {
    addresses: AllowList,
    secrets: SecretAllowList,
}

/// Checks every literal address of the steps with the action `http`, and of their undos, and the
/// secret that it receives. `place` has the parameters.
pub(super) fn findings(settings: &Settings, place: &str, workflows: &[Workflow]) -> Vec<Finding> {
    let lists = match Lists::of(settings) {
        Ok(lists) => lists,
        Err((parameter, why)) => {
            let check = Check::of::<()>(format!("{parameter} can be read"), Err(why));
            return vec![(place.to_owned(), check)];
        }
    };
    let mut found = Vec::new();
    for Workflow {
        file, definition, ..
    } in workflows
    {
        for request in requests(definition) {
            let HttpRequest { step, verb, .. } = request;
            let url = lists.addresses.check(&filled(request.url, settings));
            // An address that is refused receives no secret.
            if let (Some(secret), Ok(url)) = (request.secret, &url) {
                let tried = lists.secrets.check(&filled(secret, settings), url);
                let what = format!("step {step} {verb} an address that may receive its secret");
                found.push((file.clone(), Check::of(what, tried)));
            }
            let what = format!("step {step} {verb} an allowed address");
            found.push((file.clone(), Check::of(what, url)));
        }
    }
    found
}

/// Adds a warning for every literal that the action `http` refuses, for every literal address that
/// `HttpAllow` of an environment of samconfig.toml lacks, and for every secret that its
/// `SecretAllow` does not allow for its address.
pub(crate) fn warn(project: &Project, workflows: &mut [Workflow]) {
    let mut environments = Settings::all(project);
    environments.retain(|settings| settings.set.contains_key("HttpAllow"));
    let lists = environments.iter();
    let lists = lists.filter_map(|settings| Some((settings, Lists::of(settings).ok()?)));
    let lists: Vec<_> = lists.collect();
    for Workflow {
        definition,
        warnings,
        ..
    } in workflows
    {
        for request in requests(definition) {
            let refusing = |parameter| {
                let refuse = lists.iter().filter(|(settings, lists)| {
                    refusing_parameter(&request, settings, lists) == Some(parameter)
                });
                let names = refuse.map(|(settings, _)| format!("[{}]", settings.environment));
                names.collect::<Vec<_>>().join(", ")
            };
            let mut add = |text: &str, message: String, help: &str| {
                let at = span(&warnings.source, "", text);
                warnings.problems.push(Problem::new(at, message, help));
            };
            for refused in refused_literals(request.input) {
                let help = "the step would fail in every execution: correct the definition";
                add(&refused.text, refused.why, help);
            }
            let url = request.url;
            let names = refusing("HttpAllow");
            if !names.is_empty() {
                let help = "the step would fail: add the origin to HttpAllow in samconfig.toml, or \
                            correct the address";
                add(
                    url,
                    format!("HttpAllow of {names} does not allow {url}"),
                    help,
                );
            }
            let names = refusing("SecretAllow");
            if let (Some(secret), false) = (request.secret, names.is_empty()) {
                let message = format!("SecretAllow of {names} does not allow {secret} for {url}");
                let help = "the step would fail: add NAME=ORIGIN, the secret's name and the \
                            address's origin, to SecretAllow in samconfig.toml";
                add(secret, message, help);
            }
        }
    }
}

/// The parameter of an environment that does not allow a request, if one is known to refuse it.
fn refusing_parameter(
    request: &HttpRequest<'_>,
    settings: &Settings,
    lists: &Lists,
) -> Option<&'static str> {
    let known = |text: &&str| is_known(text, settings);
    let url = Some(request.url).filter(known)?;
    let Ok(url) = lists.addresses.check(&filled(url, settings)) else {
        return Some("HttpAllow");
    };
    let secret = request.secret.filter(known)?;
    let allowed = lists.secrets.check(&filled(secret, settings), &url);
    allowed.is_err().then_some("SecretAllow")
}

/// The requests of the action `http` and of its undos that have a literal address.
fn requests(definition: &Definition) -> impl Iterator<Item = HttpRequest<'_>> {
    let steps = definition.action_steps().into_iter();
    let http = steps.filter(|(_, action, _)| action.action == "http");
    http.flat_map(|(step, action, _)| {
        let undo = action.rollback.as_ref();
        let undo = undo.and_then(|undo| undo.input.as_ref());
        let inputs = [("calls", Some(&action.input)), ("is undone at", undo)];
        let inputs = inputs.into_iter();
        inputs.filter_map(|(verb, input)| {
            Some(HttpRequest {
                step: step.name.as_str(),
                verb,
                url: input?["url"].as_str()?,
                secret: input?["auth"]["secret"].as_str(),
                input: input?,
            })
        })
    })
}

impl Lists {
    /// Reads the lists of an environment. The error has the parameter that cannot be read.
    fn of(settings: &Settings) -> Result<Self, (&'static str, String)> {
        let value = |name| settings.value(name).unwrap_or_default();
        let read = AllowList::parse(value("HttpAllow"));
        let addresses = read.map_err(|why| ("HttpAllow", why))?;
        let read = SecretAllowList::parse(value("SecretAllow"));
        let secrets = read.map_err(|why| ("SecretAllow", why))?;
        Ok(Self { addresses, secrets })
    }
}

/// True if every parameter in a text has a value.
fn is_known(text: &str, settings: &Settings) -> bool {
    let mut names = parameters_in(text);
    names.all(|name| settings.value(name).is_some())
}

/// A text with the values of parameters.
fn filled(text: &str, settings: &Settings) -> String {
    let fill = |text: String, name: &str| {
        let value = settings.value(name).unwrap_or_default();
        text.replace(&format!("${{{name}}}"), value)
    };
    parameters_in(text).fold(text.to_owned(), fill)
}
