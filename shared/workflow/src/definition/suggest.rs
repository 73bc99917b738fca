//! Suggests the known name that is closest to a mistyped one.

/// Returns the known name that is a typing error away from `unknown`.
pub(super) fn closest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let fold = |name: &str| name.to_lowercase().replace('-', "_");
    let limit = (unknown.chars().count() / 3).max(1);
    let known: Vec<&str> = known.into_iter().collect();
    let beginning = |name: &&&str| unknown.len() >= 3 && fold(name).starts_with(&fold(unknown));
    let close = known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&fold(unknown), &fold(name)),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name);
    close.or_else(|| known.iter().find(beginning)).copied()
}

/// Returns the help for an unknown name: the closest known name, if there is one, and all of them
/// after `list`.
pub(super) fn suggest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
    list: &str,
) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let all = if known.is_empty() {
        format!("{list} none")
    } else {
        format!("{list} {}", known.join(", "))
    };
    match closest(unknown, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {all}"),
        None => all,
    }
}
