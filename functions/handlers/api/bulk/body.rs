//! The bodies and the query of requests about bulks: operation, filter, reason and token.

use holdfast_ids::names::{is_execution_id, quoted};
use holdfast_ledger::{Bulk, BulkFilter, BulkOperation, STATUSES};
use holdfast_receipt::Decision;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::api::{
    answer::OutcomeName,
    extract::{NamesTenant, TENANT, object},
    problem::Problem,
    reason::{REASON, short_reason_of},
};

/// Longest reason of a bulk, in characters.
const REASON_MAX: usize = Bulk::REASON_MAX;

/// The request to each execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum OperationName {
    /// Stop it and undo its effects.
    Cancel,
    /// Undo it after its end.
    Rollback,
    /// Continue it where it failed.
    Redrive,
    /// Answer its question.
    Decide,
}

/// The executions to choose. At least one member must be given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct FilterBody {
    /// Only executions that met this incident. To cancel, roll back or redrive, no other member
    /// may be given with it.
    #[schemars(regex(pattern = "^[0-9a-f]{40}$"))]
    incident_id: Option<String>,
    /// Only executions of this workflow.
    #[schemars(regex(pattern = "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$"), length(max = 60))]
    workflow_id: Option<String>,
    /// Only executions of this status. Not with `decide`, whose executions wait.
    #[schemars(extend("enum" = STATUSES))]
    status: Option<String>,
    /// Only executions of exactly this subject.
    #[schemars(length(min = 1, max = 200))]
    subject: Option<String>,
    /// Only executions that began at this time or later.
    #[schemars(extend("format" = "date-time"))]
    from: Option<String>,
    /// Only executions that began at this time or earlier.
    #[schemars(extend("format" = "date-time"))]
    until: Option<String>,
}

/// The body of a request that shows what a bulk would do.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkBody {
    operation: OperationName,
    /// The decision, if the operation is `decide`.
    decision: Option<Decision>,
    #[serde(deserialize_with = "object")]
    filter: FilterBody,
    /// The reason in your own words, without control characters. Receipts and audit events of each
    /// execution have it, with the bulk's id.
    #[schemars(length(min = 1, max = REASON_MAX), extend("pattern" = REASON))]
    reason: String,
}

/// The body of a request that runs a bulk.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunBody {
    /// The token that `POST /v1/bulk` answered.
    #[schemars(regex(pattern = "^[0-9a-f]{64}$"))]
    pub(super) token: String,
}

/// The query of a report.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportQuery {
    #[schemars(extend("description" = TENANT))]
    tenant: Option<String>,
    /// Only executions with this outcome.
    pub(super) outcome: Option<OutcomeName>,
    /// Longest page; 25 if left out.
    #[schemars(range(min = 1, max = 100))]
    pub(super) limit: Option<u32>,
    /// `next` of the page before.
    #[schemars(regex(pattern = "^[0-9]{1,5}$"))]
    pub(super) cursor: Option<String>,
}

impl NamesTenant for ReportQuery {
    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }
}

impl BulkBody {
    pub(super) fn operation(&self) -> Result<BulkOperation, Problem> {
        match (self.operation, self.decision) {
            (OperationName::Cancel, None) => Ok(BulkOperation::Cancel),
            (OperationName::Rollback, None) => Ok(BulkOperation::Rollback),
            (OperationName::Redrive, None) => Ok(BulkOperation::Redrive),
            (OperationName::Decide, Some(decision)) => Ok(BulkOperation::Decide { decision }),
            (OperationName::Decide, None) => Err(Problem::bad_request(
                "decision must be given with the operation decide, such as \"approve\"",
            )),
            (_, Some(_)) => Err(Problem::bad_request(
                "decision belongs to the operation decide: leave it out",
            )),
        }
    }

    /// The reason. It is shorter than that of a single request, which adds the bulk's id to it.
    pub(super) fn reason(&self) -> Result<String, Problem> {
        short_reason_of(&self.reason, REASON_MAX)
    }

    pub(super) fn filter(&self) -> Result<BulkFilter, Problem> {
        if self.filter == FilterBody::default() {
            return Err(Problem::bad_request(
                "filter must have one member at least: incident_id, workflow_id, status, subject, \
                 from or until",
            ));
        }
        if let Some(id) = &self.filter.incident_id
            && !is_execution_id(id)
        {
            return Err(Problem::bad_request(format!(
                "filter.incident_id {} is no incident id: it has 40 hex digits",
                quoted(id)
            )));
        }
        let filter = self.filter.clone();
        Ok(BulkFilter {
            incident_id: filter.incident_id,
            workflow_id: filter.workflow_id,
            status: filter.status,
            subject: filter.subject,
            from: filter.from,
            until: filter.until,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_wrong_reason_of_a_bulk_is_told_the_limit_of_a_bulk() {
        for wrong in ["", "a\nb", &"r".repeat(453)] {
            let body = json!({ "operation": "cancel", "filter": {}, "reason": wrong });
            let body: BulkBody = serde_json::from_value(body).expect("a body");
            let why = body.reason().expect_err(wrong).into_detail();
            assert!(why.contains("1 to 452 characters"), "{why}");
        }
    }
}
