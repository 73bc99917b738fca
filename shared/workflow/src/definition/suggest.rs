//! "Did you mean": the known name that a mistyped one is closest to.

/// The known name that `unknown` is a slip of the finger away from.
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

/// Help for an unknown name: the closest known one, if any is close, and all of them after `list`.
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
