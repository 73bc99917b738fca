//! The settings of a deployment: what samconfig.toml, the options and the template say.

use std::{collections::BTreeMap, env};

use toml_edit::{DocumentMut, Item};

use crate::{
    doctor::DoctorArgs,
    project::{self, Project},
    report::Trouble,
};

/// The settings of one environment.
pub(super) struct Settings {
    /// The name of the environment in samconfig.toml.
    pub(super) environment: String,
    pub(super) stack_name: Option<String>,
    pub(super) region: Option<String>,
    /// The parameters that are set for the deployment.
    pub(super) set: BTreeMap<String, String>,
    /// The template's parameters, each with its default.
    pub(super) declared: BTreeMap<String, Option<String>>,
}

impl Settings {
    /// Reads the settings that `sam deploy` would use with the same options.
    pub(super) fn read(project: &Project, args: &DoctorArgs) -> Result<Self, Trouble> {
        let (file, document) = document(project)?;
        let environment = args.config_env.as_deref().unwrap_or("default");
        let section = document.get(environment).ok_or_else(|| {
            let tables = document.iter().filter(|(_, item)| item.is_table_like());
            let names: Vec<_> = tables.map(|(name, _)| name).collect();
            Trouble::Usage(format!(
                "{file} has no environment {environment:?}: --config-env names one of {}",
                names.join(", ")
            ))
        })?;
        let wrong = |why| match args.parameter_overrides.is_empty() {
            true => Trouble::Other(format!("{file}: [{environment}]: {why}")),
            false => Trouble::Usage(why),
        };
        let read = Self::of(project, environment, section, &args.parameter_overrides);
        let read = read.map_err(wrong)?;
        let named = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        Ok(Self {
            stack_name: args.stack_name.clone().or(read.stack_name),
            region: (args.region.clone())
                .or(read.region)
                .or_else(|| named("AWS_REGION"))
                .or_else(|| named("AWS_DEFAULT_REGION")),
            ..read
        })
    }

    /// The settings of every environment that can be read. A project without samconfig.toml has
    /// none.
    pub(super) fn all(project: &Project) -> Vec<Self> {
        let document = document(project).map(|(_, document)| document);
        let document = document.unwrap_or_default();
        let sections = document.iter().filter(|(_, item)| item.is_table_like());
        let read = sections.map(|(name, section)| Self::of(project, name, section, &[]));
        read.flatten().collect()
    }

    /// The settings in a section of samconfig.toml, with other parameters if `overrides` has any.
    fn of(
        project: &Project,
        environment: &str,
        section: &Item,
        overrides: &[String],
    ) -> Result<Self, String> {
        let value = |name: &str| {
            let of = |command: &str| section.get(command)?.get("parameters")?.get(name);
            of("deploy").or_else(|| of("global"))
        };
        let text = |name: &str| value(name).and_then(Item::as_str).map(str::to_owned);
        let overrides = match overrides {
            [] => value("parameter_overrides").map_or_else(|| Ok(Vec::new()), words),
            given => Ok(given.to_vec()),
        };
        Ok(Self {
            environment: environment.to_owned(),
            stack_name: text("stack_name"),
            region: text("region"),
            set: overrides.and_then(pairs)?,
            declared: declared(project),
        })
    }

    /// The value of a parameter: as set, else its default.
    pub(super) fn value(&self, parameter: &str) -> Option<&str> {
        let default = || self.declared.get(parameter)?.as_deref();
        let set = self.set.get(parameter).map(String::as_str);
        set.or_else(default)
    }

    /// The place of the environment's parameters, as findings name it.
    pub(super) fn place(&self) -> String {
        format!("samconfig.toml [{}]", self.environment)
    }
}

/// The path of samconfig.toml, as messages show it, and its content.
fn document(project: &Project) -> Result<(String, DocumentMut), Trouble> {
    let path = project.root.join("samconfig.toml");
    let file = project.show(&path);
    let document = project::read(&path)?.parse();
    let document = document.map_err(|error| Trouble::Other(format!("{file}: {error}")))?;
    Ok((file, document))
}

/// The words of `parameter_overrides`: a list of them, or one text with spaces between them.
fn words(item: &Item) -> Result<Vec<String>, String> {
    let wrong = || "parameter_overrides is a list of texts such as \"Name=value\"".to_owned();
    if let Some(text) = item.as_str() {
        return Ok(split(text));
    }
    let list = item.as_array().ok_or_else(wrong)?;
    let texts = list.iter().map(|one| one.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or_else(wrong)
}

/// Splits a text at spaces outside of quotes.
fn split(text: &str) -> Vec<String> {
    let mut quote = None;
    let between = |letter: char| {
        match quote {
            Some(open) if open == letter => quote = None,
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            _ => {}
        }
        quote.is_none() && letter.is_whitespace()
    };
    let words = text.split(between).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The names and values of `Name=value` and of `ParameterKey=Name,ParameterValue=value`.
fn pairs(words: Vec<String>) -> Result<BTreeMap<String, String>, String> {
    let bare = |value: &str| {
        let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
        inner('"')
            .or_else(|| inner('\''))
            .unwrap_or(value)
            .to_owned()
    };
    let pair = |word: String| {
        let long = word.strip_prefix("ParameterKey=");
        let long = long.and_then(|rest| rest.split_once(",ParameterValue="));
        let (name, value) = long
            .or_else(|| word.split_once('='))
            .ok_or_else(|| format!("parameter_overrides has {word:?}; write it as Name=value"))?;
        Ok((name.to_owned(), bare(value)))
    };
    words.into_iter().map(pair).collect()
}

/// The template's parameters, each with its default if it has one.
fn declared(project: &Project) -> BTreeMap<String, Option<String>> {
    let lines = project.template.lines();
    let section = lines.skip_while(|line| line.trim_end() != "Parameters:");
    let section = section
        .skip(1)
        .take_while(|line| !line.starts_with(char::is_alphabetic));
    let mut found = BTreeMap::new();
    let mut current = None;
    for line in section {
        let name = line
            .strip_prefix("  ")
            .and_then(|line| line.split_once(':'));
        if let Some((name, _)) =
            name.filter(|(name, _)| project.parameters.iter().any(|one| one == name))
        {
            found.insert(name.to_owned(), None);
            current = Some(name);
        }
        let default = line.split_once("Default:").filter(|(before, _)| {
            before.trim().is_empty() || before.trim_end().ends_with(['{', ','])
        });
        if let (Some(name), Some((_, default))) = (current, default) {
            let default = default.split([',', '}']).next().unwrap_or_default();
            let default = default.trim().trim_matches(['"', '\'']).to_owned();
            found.insert(name.to_owned(), Some(default));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{pairs, split};

    #[test]
    fn parameters_are_read_in_every_form_that_sam_takes() {
        let text = r#"A=1 B="two words" C='' ParameterKey=D,ParameterValue=x=y E=http://a,b"#;
        let read = pairs(split(text)).expect("five pairs");
        let read: Vec<_> = read
            .iter()
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        assert_eq!(read, ["A:1", "B:two words", "C:", "D:x=y", "E:http://a,b"]);
        let wrong = pairs(split("A=1 B")).expect_err("no value");
        assert_eq!(
            wrong,
            "parameter_overrides has \"B\"; write it as Name=value"
        );
    }
}
