//! Compiles what differs in an Express state machine: `Begin` gives up early, and a start that it
//! did not record is reported to `recover`.
//!
//! Step Functions lists and describes no Express execution, and sends no status event of one
//! (docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html). So the state
//! machine itself sends what the status event would say.

use serde_json::json;

use super::{
    names::ENDED_URL,
    retry::{FAILURE, of_begin, of_express_begin},
    unwind::to,
};
use holdfast_asl::{Exit, Retrier, State, Task};
use holdfast_task::Tier;

/// State that reports a start of which `Begin` recorded nothing.
const REPORT: &str = "Report";
/// Resource that sends a message to a queue
/// (docs.aws.amazon.com/step-functions/latest/dg/connect-sqs.html).
const SEND: &str = "arn:aws:states:::sqs:sendMessage";
/// Most attempts at `Begin`, of 30 s each.
const BEGIN_ATTEMPTS: u32 = 4;
/// Most characters of an input that the report has. Within a text within a text, a character can
/// take four times its bytes. `States.ALL` does not catch a state with more than 256 KiB
/// (docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html).
const REPORT_INPUT_MAX: usize = 60_000;
/// Most attempts at the report, of 5 s each.
const REPORT_ATTEMPTS: u32 = 3;
/// Longest duration of an attempt at the report, in seconds.
const REPORT_TIMEOUT_S: u64 = 5;

pub(super) fn retry_of_begin(tier: Tier) -> Vec<Retrier> {
    match tier {
        Tier::Standard => of_begin(),
        Tier::Express => of_express_begin(BEGIN_ATTEMPTS),
    }
}

/// Returns the state that follows a `Begin` which recorded nothing.
pub(super) fn after_begin(tier: Tier) -> &'static str {
    match tier {
        Tier::Standard => "Failed",
        Tier::Express => REPORT,
    }
}

/// Returns the state that reports a start of which `Begin` recorded nothing, in the form of a
/// status event.
pub(super) fn report(tier: Tier) -> Option<(String, State)> {
    let context = "$states.context";
    let input = format!("$string({context}.Execution.Input)");
    let detail = format!(
        "{{ 'executionArn': {context}.Execution.Id, 'stateMachineArn': {context}.StateMachine.Id, \
         'status': 'FAILED', 'input': $length({input}) <= {REPORT_INPUT_MAX} ? {input}, \
         'error': ${FAILURE}.error, 'cause': ${FAILURE}.cause }}"
    );
    let report = Task {
        resource: SEND.to_owned(),
        timeout_seconds: REPORT_TIMEOUT_S,
        arguments: json!({
            "QueueUrl": format!("${{{ENDED_URL}}}"),
            "MessageBody": format!("{{% $string({{ 'detail': {detail} }}) %}}"),
        }),
        assign: None,
        output: None,
        retry: of_express_begin(REPORT_ATTEMPTS),
        catch: vec![to("Failed")],
        exit: Exit::Next("Failed".to_owned()),
    };
    (tier == Tier::Express).then(|| (REPORT.to_owned(), State::Task(report)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdfast_task::timing::FRAME_TIMEOUT_S;

    /// The longest duration of a state, in seconds.
    fn longest(retriers: &[Retrier], timeout_s: u64) -> u64 {
        let retry = retriers.last().expect("it retries");
        let delays = (0..retry.max_attempts).map(|n| 2_u64.pow(n));
        let cap = retry.max_delay_seconds.unwrap_or(u64::MAX);
        let delays: u64 = delays.map(|delay| delay.min(cap)).sum();
        u64::from(retry.max_attempts + 1) * timeout_s + delays
    }

    #[test]
    fn begin_and_its_report_end_within_the_shortest_timeout_of_an_express_execution() {
        let begin = longest(&of_express_begin(BEGIN_ATTEMPTS), FRAME_TIMEOUT_S);
        let report = longest(&of_express_begin(REPORT_ATTEMPTS), REPORT_TIMEOUT_S);
        assert!((120..180).contains(&(begin + report)), "{begin} + {report}");
    }
}
