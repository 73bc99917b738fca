//! Express executions on the stack: copies of workflows for that tier, their runs and injuries, and
//! the sweep that recovers them.
//!
//! Step Functions neither lists nor describes an Express execution. The emulator of the local stack
//! does it by operations of its own (`infra/local/express.py`).

use std::sync::{Mutex, PoisonError};

use holdfast_aws::DynamoLedger;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, Expect, Ledger, Put};
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Aws;
use crate::{eventually, variable};

/// The longest life of an Express run
/// (docs.aws.amazon.com/step-functions/latest/dg/choosing-workflow-type.html).
const RUN_LIVES: SignedDuration = SignedDuration::from_mins(5);

/// The sweep of the tests, of which one runs at a time.
static SWEEP: Mutex<()> = Mutex::new(());
/// The most sweeps in a row that may not end in their time.
const SWEEPS: usize = 5;

/// An injury of the next Express start under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injury {
    /// Two runs begin at once.
    Twice,
    /// No run begins, although Step Functions accepts the start.
    Never,
    /// The run ends at a call of a function.
    Dies {
        /// Number of the call, from 1 on. Each attempt counts.
        at: usize,
        /// True if the function acts, and the run ends before it receives the answer.
        acts: bool,
        /// True if the run starts again from the start.
        again: bool,
    },
}

impl Injury {
    fn planned(self, name: &str) -> Value {
        match self {
            Self::Twice => json!({ "name": name, "kind": "twice" }),
            Self::Never => json!({ "name": name, "kind": "never" }),
            Self::Dies { at, acts, again } => json!({
                "name": name, "kind": "dies", "at": at, "acts": acts, "again": again,
            }),
        }
    }
}

/// A run of an Express start.
#[derive(Debug, PartialEq, Eq)]
pub struct ExpressRun {
    /// Its ARN.
    pub arn: String,
    /// Its status, as Step Functions names it.
    pub status: String,
    /// The names of the states that were entered, in order, without those inside a `Map` or a
    /// `Parallel`.
    pub states: Vec<String>,
}

/// The id and the text of a workflow's copy for Express state machines. The copy has the longest
/// timeout of the tier.
pub fn express_copy(yaml: &str) -> (String, String) {
    let id = yaml
        .lines()
        .find_map(|line| line.strip_prefix("workflow: "))
        .expect("a workflow's id");
    let copy = format!("{id}-EXPRESS");
    let lines = yaml.lines().map(|line| match line {
        line if line.starts_with("workflow: ") => {
            format!("workflow: {copy}\ntier: express\n")
        }
        line if line.starts_with("limits: { timeout:") => String::new(),
        line => format!("{line}\n"),
    });
    let text = lines.collect();
    (copy, text)
}

impl Aws {
    /// Plans an injury of the next Express start under a name.
    ///
    /// # Panics
    ///
    /// Panics if the emulator refuses.
    pub async fn injure(&self, name: &str, injury: Injury) {
        self.emulator("InjureExpress", injury.planned(name)).await;
    }

    /// The Express runs that a name has had, the first one first.
    ///
    /// # Panics
    ///
    /// Panics if the emulator refuses.
    pub async fn express_runs(&self, name: &str) -> Vec<ExpressRun> {
        let name = json!({ "name": name });
        let listed = self.emulator("ListExpressRuns", name).await;
        let runs = listed["runs"].as_array().expect("runs").iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        runs.map(|run| ExpressRun {
            arn: text(&run["arn"]),
            status: text(&run["status"]),
            states: run["states"]
                .as_array()
                .map_or_else(Vec::new, |states| states.iter().map(text).collect()),
        })
        .collect()
    }

    /// Calls an operation that the emulator has beside those of Step Functions.
    async fn emulator(&self, operation: &str, body: Value) -> Value {
        let (aws, operation) = (self.clone(), format!("AWSStepFunctions.{operation}"));
        let answer = tokio::task::spawn_blocking(move || aws.json("states", &operation, &body));
        answer.await.expect("the emulator answers")
    }

    /// Calls `recover` as its schedule does, one call at a time: each looks at every execution. A
    /// sweep that a busy machine does not end in the function's time is followed by the next one.
    fn sweep(&self) {
        let _alone = SWEEP.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..SWEEPS {
            match self.try_invoke("recover", &json!({})) {
                Err(error) if error["errorType"] == "Sandbox.Timedout" => {}
                swept => {
                    swept.unwrap_or_else(|error| panic!("recover: {error}"));
                    return;
                }
            }
        }
        panic!("no sweep ends in its time");
    }

    /// Has the sweep look at an execution as if it had started five minutes earlier, when each of
    /// its runs has ended. An execution that is no longer open keeps its start.
    ///
    /// # Panics
    ///
    /// Panics if the start cannot be moved within 30 seconds, or `recover` fails.
    pub async fn sweep_after_runs(&self, at: &ExecutionKey) {
        let client = self.dynamodb.clone();
        let ledger = DynamoLedger::new(client, variable("HOLDFAST_LEDGER_TABLE"));
        eventually("the execution has started earlier", || async {
            let found = ledger.read(at).await.map_err(|error| error.to_string())?;
            let found = found.ok_or("it is not recorded")?;
            if !found.is_open() {
                return Ok(());
            }
            let earlier = ExecutionRecord {
                rev: found.rev + 1,
                started_at: found.started_at - RUN_LIVES,
                ..found.clone()
            };
            match ledger.put(&earlier, Expect::Rev(found.rev)).await {
                Ok(Put::Done) => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
        let aws = self.clone();
        let swept = tokio::task::spawn_blocking(move || aws.sweep());
        swept.await.expect("recover answers");
    }
}
