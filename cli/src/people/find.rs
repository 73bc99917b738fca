//! Ids by a unique prefix, as in git.

use holdfast_ids::names::{is_execution_id, quoted, sanitize};

use super::shape::{Incident, ListedExecution};
use crate::{
    api::{Client, ListQuery, typed},
    report::Trouble,
};

/// The number of digits that tables show. So many always name one id: two of a million ids share
/// them with a probability below 1 in 500.
pub(super) const SHORT: usize = 12;
/// The fewest digits of a prefix, as in git.
const FEWEST: usize = 4;
/// The number of the newest executions or incidents in which a prefix is looked for.
const NEWEST: usize = 1000;
/// The most candidates that an error lists.
const LISTED: usize = 10;

/// The digits of an id that tables show.
pub(super) fn short(id: &str) -> &str {
    id.get(..SHORT).unwrap_or(id)
}

/// An id that a prefix may name, and its words for people.
pub(super) struct Candidate {
    pub(super) id: String,
    /// The tenant, in lists over several tenants.
    pub(super) tenant: Option<String>,
    pub(super) words: String,
}

/// The id that a prefix names, and a client for its tenant.
pub(crate) type Match = (String, Client);

/// The execution that an id or its prefix names.
pub(crate) fn execution(client: &Client, text: &str) -> Result<Match, Trouble> {
    if is_execution_id(text) {
        return Ok((text.to_owned(), client.for_tenant(None)));
    }
    check_prefix("execution", text)?;
    let list = ListQuery {
        path: "/v1/executions",
        query: Vec::new(),
        member: "executions",
    };
    let answer = list.read(client, NEWEST)?;
    let all: Vec<ListedExecution> = typed(&answer["executions"])?;
    let candidates = all.into_iter().map(|one| Candidate {
        words: format!("{} {} {}", one.workflow_id, one.status, one.started_at),
        id: one.execution_id,
        tenant: one.tenant,
    });
    let complete = answer["next"].is_null();
    let one = unique("execution", text, candidates.collect(), complete)?;
    Ok((one.id, client.for_tenant(one.tenant.as_deref())))
}

/// The incident that an id or its prefix names, among those with one of these statuses.
pub(super) fn incident(client: &Client, text: &str, statuses: &[&str]) -> Result<Match, Trouble> {
    // Ids of incidents are hashes of the same length.
    if is_execution_id(text) {
        return Ok((text.to_owned(), client.for_tenant(None)));
    }
    check_prefix("incident", text)?;
    let (mut candidates, mut complete) = (Vec::new(), true);
    for status in statuses {
        let list = ListQuery {
            path: "/v1/incidents",
            query: vec![("status", (*status).to_owned())],
            member: "incidents",
        };
        let answer = list.read(client, NEWEST)?;
        complete &= answer["next"].is_null();
        let some: Vec<Incident> = typed(&answer["incidents"])?;
        candidates.extend(some.into_iter().map(|one| Candidate {
            words: format!("{} {} {}", one.workflow_id, one.state, one.status),
            id: one.incident_id,
            tenant: Some(one.tenant),
        }));
    }
    let one = unique("incident", text, candidates, complete)?;
    Ok((one.id, client.for_tenant(one.tenant.as_deref())))
}

/// Refuses a text that cannot be the beginning of an id.
pub(super) fn check_prefix(kind: &str, text: &str) -> Result<(), Trouble> {
    let digits = text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    if digits && (FEWEST..=40).contains(&text.len()) {
        return Ok(());
    }
    Err(Trouble::Usage(format!(
        "{} is no {kind} id and no beginning of one: ids have 40 digits of 0 to 9 and a to f, and \
         a beginning has {FEWEST} of them at least",
        quoted(text)
    )))
}

/// The one candidate that begins with `prefix`. If older ids were not read, a short prefix could
/// mean one of them, so that it needs as many digits as tables show.
pub(super) fn unique(
    kind: &str,
    prefix: &str,
    candidates: Vec<Candidate>,
    complete: bool,
) -> Result<Candidate, Trouble> {
    let mut found: Vec<_> = candidates
        .into_iter()
        .filter(|candidate| candidate.id.starts_with(prefix))
        .collect();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    found.dedup_by(|one, other| one.id == other.id);
    match found.len() {
        0 => Err(Trouble::Refused(format!(
            "no {kind} begins with {prefix}{}",
            match complete {
                true => String::new(),
                false => format!(" among the newest {NEWEST}: write all 40 digits of an older one"),
            }
        ))),
        1 if !complete && prefix.len() < SHORT => Err(Trouble::Usage(format!(
            "an older {kind} may begin with {prefix} too, since only the newest {NEWEST} were \
             read: write {SHORT} digits at least"
        ))),
        1 => Ok(found.remove(0)),
        _ => Err(Trouble::Usage(ambiguous(kind, prefix, &found))),
    }
}

fn ambiguous(kind: &str, prefix: &str, several: &[Candidate]) -> String {
    let count = several.len();
    let mut text = format!("{count} {kind}s begin with {prefix}; write more digits:");
    list(&mut text, several);
    text
}

/// Appends a line for each of the first candidates, and the number of the others.
pub(super) fn list(text: &mut String, several: &[Candidate]) {
    for one in several.iter().take(LISTED) {
        text.push_str(&format!(
            "\n  {}  {}",
            sanitize(&one.id),
            sanitize(&one.words)
        ));
    }
    if several.len() > LISTED {
        text.push_str(&format!("\n  and {} more", several.len() - LISTED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(all: &[&str]) -> Vec<Candidate> {
        let all = all.iter();
        all.map(|id| Candidate {
            id: (*id).to_owned(),
            tenant: None,
            words: "WF-PAY WAITING".to_owned(),
        })
        .collect()
    }

    #[test]
    fn a_unique_prefix_names_its_id() {
        let all = ["41c20aaaaaaa", "41c21aaaaaaa", "41c20aaaaaaa"];
        let found = unique("execution", "41c20", ids(&all), true);
        assert_eq!(
            found.ok().map(|one| one.id).as_deref(),
            Some("41c20aaaaaaa")
        );
    }

    #[test]
    fn an_ambiguous_prefix_lists_the_candidates() {
        let all = ["41c21aaaaaaa", "41c20aaaaaaa", "5ec20aaaaaaa"];
        let Err(Trouble::Usage(why)) = unique("execution", "41c2", ids(&all), true) else {
            panic!("two ids begin so");
        };
        insta::assert_snapshot!(why, @r"
        2 executions begin with 41c2; write more digits:
          41c20aaaaaaa  WF-PAY WAITING
          41c21aaaaaaa  WF-PAY WAITING
        ");
    }

    #[test]
    fn a_short_prefix_is_not_unique_while_older_ids_are_unknown() {
        let all = ["41c20aaaaaaa41c20aaaaaaa"];
        let short = unique("execution", "41c20", ids(&all), false);
        assert!(matches!(short, Err(Trouble::Usage(why)) if why.contains("12 digits")));
        let long = unique("execution", "41c20aaaaaaa", ids(&all), false);
        assert_eq!(long.ok().map(|one| one.id).as_deref(), Some(all[0]));
    }

    #[test]
    fn a_prefix_has_four_hex_digits_at_least() {
        assert!(check_prefix("execution", "41c2").is_ok());
        for wrong in ["41c", "41C2", "wxyz", "", "../../v1"] {
            assert!(check_prefix("execution", wrong).is_err(), "{wrong}");
        }
    }
}
