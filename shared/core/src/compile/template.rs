//! The part of template.yaml that follows from the workflows: functions of actions, machines, what starts them.

const BEGIN: &str = "  # <holdfast>";
const END: &str = "  # </holdfast>";

/// The names of the template's parameters.
pub fn template_parameters(template: &str) -> Vec<String> {
    let section = template
        .lines()
        .skip_while(|line| line.trim_end() != "Parameters:")
        .skip(1);
    section
        .take_while(|line| line.is_empty() || line.starts_with([' ', '#']))
        .filter_map(|line| line.strip_prefix("  ")?.split_once(':'))
        .filter(|(name, _)| name.starts_with(|c: char| c.is_ascii_alphabetic()))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// `template` with `region` between its two marks.
pub fn replace_region(template: &str, region: &str) -> Result<String, String> {
    let help =
        || format!("two lines must mark the generated part of Resources: `{BEGIN} …` and `{END}`");
    let begin = template.find(&format!("\n{BEGIN}")).ok_or_else(help)? + 1;
    let body = begin + template[begin..].find('\n').ok_or_else(help)? + 1;
    let end = body + template[body..].find(END).ok_or_else(help)?;
    Ok(format!("{}{region}{}", &template[..body], &template[end..]))
}
