//! The sweep: every minute it looks at the open executions that are due, and delivers decisions
//! that were not delivered. It closes questions that were recorded after their execution had
//! stopped.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use holdfast_audit::Metric;
use holdfast_aws::{DueEntry, RecoveryStart, SystemHost, deliver, report};
use holdfast_engine::Host;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{ExecutionRecord, Ledger, NextLook};
use holdfast_task::{ErrorName, Failure};
use tracing::warn;

use super::{RecoveryError, RecoveryHandler};

/// Most looks of one sweep: five a second. `DescribeExecution` refills at 15 requests a second in
/// three regions, and at 10 in all others ("Other quotas" in
/// docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html), so half remains for the API.
/// 4,500 open executions are so looked at every 15 minutes. Of more, those that only wait are
/// looked at less often, in the order in which they became due.
const LOOKS: usize = 300;

/// The number of looks at the same time.
const AT_ONCE: usize = 8;

/// The time after which a sweep begins no further look: the next sweep continues. The function's
/// timeout is a minute.
const LONGEST: Duration = Duration::from_secs(40);

impl RecoveryHandler {
    /// Looks at every entry of the index that is due.
    pub(super) async fn sweep(&self) -> Result<(), RecoveryError> {
        let (now, began) = (SystemHost.now(), Instant::now());
        let due = self.engine.ledger.due(now, LOOKS).await?;
        let looks = stream::iter(due).map(|entry| async move {
            if began.elapsed() > LONGEST {
                return 0;
            }
            let (DueEntry::Execution(at) | DueEntry::Question(at)) = &entry;
            match Box::pin(self.look(&entry)).await {
                Ok(behind) => i64::from(behind),
                Err(error) => {
                    warn!(tenant = at.tenant, execution = at.execution, reason = %error, "the execution remains overdue");
                    1
                }
            }
        });
        let behind: Vec<i64> = looks.buffer_unordered(AT_ONCE).collect().await;
        let (open, oldest) = self.engine.ledger.open().await?;
        let age = oldest.map_or(0, |began| now.duration_since(began).as_millis() as i64);
        let counted = [
            (Metric::OpenExecutions, open as i64),
            (Metric::OldestOpenExecution, age),
            (Metric::OverdueExecutions, behind.iter().sum()),
            (
                Metric::OpenIncidents,
                self.engine.ledger.open_incidents().await?,
            ),
        ];
        report(&self.stack, &counted, None, false, now);
        if let Err(error) = Box::pin(self.find_unreported(now)).await {
            warn!(reason = %error, "ended Step Functions executions were not listed");
        }
        Ok(())
    }

    /// Looks at one entry. Returns true if a recovery of the execution had been started before and
    /// has not helped.
    async fn look(&self, entry: &DueEntry) -> Result<bool, RecoveryError> {
        match entry {
            DueEntry::Question(at) => {
                let ledger = &self.engine.ledger;
                let Some(snapshot) = ledger.snapshot(at).await? else {
                    return Ok(false);
                };
                for question in &snapshot.questions {
                    deliver(ledger, &self.machines, question).await?;
                    match question.waits(&snapshot.execution) {
                        true => ledger.looked_at(question).await?,
                        false => {
                            self.engine
                                .close_late(question, &snapshot.execution)
                                .await?
                        }
                    }
                }
                Ok(false)
            }
            DueEntry::Execution(at) => self.look_at_owner(at).await,
        }
    }

    async fn look_at_owner(&self, at: &ExecutionKey) -> Result<bool, RecoveryError> {
        let execution = self.engine.ledger.read(at).await?;
        let Some(execution) = execution.filter(ExecutionRecord::is_open) else {
            return Ok(false);
        };
        match self.machines.look(&execution.owner).await? {
            Some(owner) if owner.running => {
                let next = NextLook::of_running(&execution, SystemHost.now());
                self.engine.ledger.look_again(&execution, next).await?;
                return Ok(false);
            }
            Some(_) => {}
            // The requester died between the record and the start of the owner.
            None if self.machines.start_owner(&execution).await? => {
                warn!(
                    tenant = at.tenant,
                    execution = at.execution,
                    owner = execution.owner,
                    "the owner that a request named never began: it is started"
                );
                let next = NextLook::of_recovery(SystemHost.now());
                self.engine.ledger.look_again(&execution, next).await?;
                return Ok(false);
            }
            None => {}
        }
        let failure = Failure {
            state: String::new(),
            error: ErrorName::Lost.to_string(),
            cause: "its Step Functions execution ended without an error".to_owned(),
            by: None,
        };
        let start = self.start(&execution, failure).await?;
        Ok(start == RecoveryStart::Again)
    }
}
