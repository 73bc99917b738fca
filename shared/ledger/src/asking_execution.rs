//! The part of an execution record that the list of open questions shows.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::execution::ExecutionRecord;

/// The part of an execution record. It never changes, so that a page of the list needs no read of
/// the execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskingExecution {
    /// The workflow.
    pub workflow: String,
    /// The workflow's version.
    pub version: u32,
    /// The subject that the definition names for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The person who requested the execution, if a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// The time of the start.
    pub started_at: Timestamp,
}

impl AskingExecution {
    /// The part of this record.
    pub fn of(execution: &ExecutionRecord) -> Self {
        Self {
            workflow: execution.workflow.clone(),
            version: execution.version,
            subject: execution.subject.clone(),
            requested_by: execution.requested_by.clone(),
            started_at: execution.started_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        AskingExecution, List, Question, QuestionState, Record as _,
        fixtures::{at, execution, key, question},
    };

    fn inbox(question: &Question) -> Vec<(List, jiff::Timestamp)> {
        let lists = question.lists().into_iter();
        lists
            .filter(|(list, _)| matches!(list, List::Questions(_)))
            .collect()
    }

    #[test]
    fn a_question_is_in_its_tenants_list_only_while_it_is_open() {
        let execution = execution(&key("q"));
        let mut asked = Question {
            asked_by: Some(AskingExecution::of(&execution)),
            ..question(&key("q"))
        };
        let list = List::Questions(key("q").tenant);
        assert_eq!(inbox(&asked), [(list, execution.started_at)]);
        asked.state = QuestionState::Expired {
            at: at(60),
            closed: false,
        };
        assert_eq!(inbox(&asked), []);
    }

    #[test]
    fn a_question_of_an_earlier_release_is_in_no_list_of_a_tenant() {
        assert_eq!(inbox(&question(&key("q"))), []);
    }
}
