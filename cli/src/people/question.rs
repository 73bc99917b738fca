//! The one waiting question that an id, or the beginning of one, names.

use std::collections::BTreeSet;

use holdfast_ids::names::{is_execution_id, quoted, sanitize};

use super::{
    find::{self, Candidate, check_prefix},
    shape::InboxQuestion,
};
use crate::{
    api::{Client, ListQuery, typed},
    report::Trouble,
};

/// The path of the list of questions.
pub(super) const QUESTIONS: &str = "/v1/questions";
/// The most questions in which a prefix is looked for.
const MOST: usize = 1000;

/// The execution that waits, its step and its tenant as far as the list of questions has them.
pub(super) struct QuestionMatch {
    pub(super) execution: String,
    pub(super) step: Option<String>,
    pub(super) tenant: Option<String>,
}

/// Finds the execution that waits: by its whole id, or by the first digits of its id or of its
/// incident's among the questions.
pub(super) fn waiting(
    client: &Client,
    id: &str,
    step: Option<&str>,
) -> Result<QuestionMatch, Trouble> {
    check_prefix("execution", id)?;
    let list = ListQuery {
        path: QUESTIONS,
        query: vec![("for", "me".to_owned())],
        member: "questions",
    };
    let direct = QuestionMatch {
        execution: id.to_owned(),
        step: None,
        tenant: None,
    };
    let answer = match list.read(client, MOST) {
        Ok(answer) => answer,
        // An earlier release has no list of questions, and the whole id needs none.
        Err(Trouble::Refused(_)) if is_execution_id(id) => return Ok(direct),
        Err(Trouble::Refused(why)) if why.starts_with("this API has no") => {
            let hint = "holdfast incidents show ID lists executions that wait: \
                        write all 40 digits of one";
            return Err(Trouble::Refused(format!("{why}; {hint}")));
        }
        Err(trouble) => return Err(trouble),
    };
    let mut all: Vec<InboxQuestion> = typed(&answer["questions"])?;
    all.retain(|one| named_id(one, id).is_some());
    if is_left_out(&all, id, step) {
        return Ok(direct);
    }
    let complete = answer["next"].is_null();
    if all.is_empty() && complete {
        return Err(Trouble::Refused(format!(
            "no execution or incident that begins with {id} has a question that you may decide \
             now: holdfast inbox lists those that have"
        )));
    }
    matching(at_step(all, step)?, id, complete)
}

/// True if the list has no question that a whole id and the step name. The API knows questions that
/// the list leaves out, but finds no execution by an incident's id.
fn is_left_out(all: &[InboxQuestion], id: &str, step: Option<&str>) -> bool {
    let names =
        |one: &InboxQuestion| one.incident_id == id || step.is_none_or(|step| step == one.step);
    is_execution_id(id) && !all.iter().any(names)
}

/// The questions of a step, if one is named.
fn at_step(all: Vec<InboxQuestion>, step: Option<&str>) -> Result<Vec<InboxQuestion>, Trouble> {
    let Some(step) = step else {
        return Ok(all);
    };
    let (named, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|one| one.step == step);
    if named.is_empty() && !others.is_empty() {
        let steps: BTreeSet<_> = others.iter().map(|one| sanitize(&one.step)).collect();
        let steps = Vec::from_iter(steps).join(", ");
        return Err(Trouble::Usage(format!(
            "you can decide no question at step {} now, but at {steps}: name one by --step",
            quoted(step)
        )));
    }
    Ok(named)
}

/// The id of a question that begins with `prefix`: its execution's, or else its incident's.
fn named_id<'a>(one: &'a InboxQuestion, prefix: &str) -> Option<&'a str> {
    let mut ids = [&one.execution_id, &one.incident_id].into_iter();
    ids.find(|id| id.starts_with(prefix)).map(String::as_str)
}

/// The one execution among `questions` that `prefix` names. An execution can wait at several steps,
/// and an incident can have several executions.
fn matching(
    mut questions: Vec<InboxQuestion>,
    prefix: &str,
    complete: bool,
) -> Result<QuestionMatch, Trouble> {
    let candidates = questions.iter().filter_map(|one| {
        let id = named_id(one, prefix)?;
        let kind = match id == one.execution_id {
            true => "",
            false => "incident of ",
        };
        Some(Candidate {
            id: id.to_owned(),
            tenant: None,
            words: format!("{kind}{} {}", one.workflow_id, one.step),
        })
    });
    let id = find::unique("question", prefix, candidates.collect(), complete)?.id;
    questions.retain(|one| named_id(one, prefix) == Some(&id));
    let executions: BTreeSet<_> = questions.iter().map(|one| &one.execution_id).collect();
    let is_execution = executions.contains(&id);
    if !is_execution && (executions.len() > 1 || !complete) {
        return Err(Trouble::Usage(shared(&id, &questions, complete)));
    }
    // With more questions than were read, the execution may wait at further steps.
    let steps_known = complete && questions.len() == 1;
    let one = questions.remove(0);
    Ok(QuestionMatch {
        execution: one.execution_id,
        step: Some(one.step).filter(|_| steps_known),
        tenant: Some(one.tenant),
    })
}

/// The error for an incident at which several executions wait, or may wait.
fn shared(incident: &str, questions: &[InboxQuestion], complete: bool) -> String {
    let verb = match complete {
        true => "wait",
        false => "may wait",
    };
    let mut text = format!(
        "several executions {verb} at incident {}: write the execution's id",
        sanitize(incident)
    );
    let candidates = questions.iter().map(|one| Candidate {
        id: one.execution_id.clone(),
        tenant: None,
        words: format!("{} {}", one.workflow_id, one.step),
    });
    find::list(&mut text, &candidates.collect::<Vec<_>>());
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A question of an execution at an incident; the ids begin with these digits.
    fn question(execution: &str, incident: &str, step: &str) -> InboxQuestion {
        let question = json!({
            "execution_id": format!("{execution:0<40}"), "workflow_id": "WF-PAY", "tenant": "acme",
            "step": step, "incident_id": format!("{incident:0<40}"),
            "until": "2026-11-24T14:00:00Z",
        });
        typed(&question).unwrap_or_else(|_| panic!("a question"))
    }

    fn refusal(found: Result<QuestionMatch, Trouble>) -> String {
        match found {
            Err(Trouble::Usage(why) | Trouble::Refused(why)) => why,
            Err(_) => panic!("another trouble"),
            Ok(found) => panic!("{} was found", found.execution),
        }
    }

    #[test]
    fn a_short_beginning_decides_nothing_while_further_questions_are_unknown() {
        let one = || vec![question("41c20d", "5ec2", "pay")];
        let why = refusal(matching(one(), "41c20d", false));
        assert!(why.contains("write 12 digits at least"), "{why}");
        let found = matching(one(), "41c20d000000", false)
            .ok()
            .expect("it has 12 digits");
        assert_eq!((found.step, found.tenant.as_deref()), (None, Some("acme")));
        let found = matching(one(), "41c20d", true).ok().expect("the only one");
        assert_eq!(found.step.as_deref(), Some("pay"));
        // Another execution may wait at the same incident.
        let why = refusal(matching(one(), "5ec200000000", false));
        assert!(
            why.starts_with("several executions may wait at incident 5ec2"),
            "{why}"
        );
        assert!(matching(one(), "5ec2", true).is_ok());
    }

    #[test]
    fn only_the_whole_id_of_an_execution_is_looked_for_beyond_the_list() {
        let (execution, incident) = (format!("{:0<40}", "41c20d"), format!("{:0<40}", "5ec2"));
        let all = [question("41c20d", "5ec2", "pay")];
        assert!(is_left_out(&all, &execution, Some("ship")));
        assert!(!is_left_out(&all, &execution, Some("pay")));
        assert!(!is_left_out(&all, &incident, Some("ship")));
        assert!(!is_left_out(&all, "41c20d", Some("ship")));
    }

    #[test]
    fn a_step_at_which_no_question_waits_is_refused_with_those_that_do() {
        let all = || vec![question("41c20d", "5ec2", "pay")];
        let Err(Trouble::Usage(why)) = at_step(all(), Some("ship")) else {
            panic!("no question waits at ship");
        };
        assert_eq!(
            why,
            "you can decide no question at step \"ship\" now, but at pay: name one by --step"
        );
        for step in [Some("pay"), None] {
            assert!(at_step(all(), step).is_ok_and(|found| found.len() == 1));
        }
    }

    #[test]
    fn an_unknown_beginning_is_named() {
        assert_eq!(
            refusal(matching(Vec::new(), "77aa", true)),
            "no question begins with 77aa"
        );
    }

    #[test]
    fn an_incident_of_several_executions_needs_the_id_of_one() {
        let incident = format!("{:0<40}", "5ec2");
        for id in ["5ec2", &incident] {
            let two = vec![
                question("9e0f", "5ec2", "pay"),
                question("41c20d", "5ec2", "pay"),
            ];
            insta::allow_duplicates! {
                insta::assert_snapshot!(refusal(matching(two, id, true)), @r"
                several executions wait at incident 5ec2000000000000000000000000000000000000: write the execution's id
                  9e0f000000000000000000000000000000000000  WF-PAY pay
                  41c20d0000000000000000000000000000000000  WF-PAY pay
                ");
            }
        }
    }

    #[test]
    fn an_execution_that_waits_at_several_steps_is_one_execution() {
        let two = vec![
            question("41c20d", "5ec2", "pay"),
            question("41c20d", "5ec3", "agreed"),
        ];
        let found = matching(two, "41c2", true).ok().expect("one execution");
        assert!(found.execution.starts_with("41c20d"));
        assert_eq!(found.step, None);
    }

    #[test]
    fn a_beginning_of_an_execution_and_of_an_incident_is_ambiguous() {
        let two = vec![
            question("41c20d", "5ec2", "pay"),
            question("9e0f", "41c2", "pay"),
        ];
        let why = refusal(matching(two, "41c2", true));
        assert!(
            why.starts_with("2 questions begin with 41c2; write more digits:"),
            "{why}"
        );
        assert!(why.contains("incident of WF-PAY pay"), "{why}");
    }
}
