//! Simulates the invocations of the function `recover`, by a status event and every minute. What it
//! does is the engine's.

use std::{rc::Rc, time::Duration};

use holdfast_engine::{Host, Recovery, RecoveryError, RecoveryNotice, StatusEvent};
use jiff::Timestamp;

use super::{machines::ProcessMachines, region::Region, words::outcome};
use crate::{clock::Clock, process::Process, store::Store};

/// Time after which the queue delivers a status event again that was not handled.
const AGAIN_AFTER: Duration = Duration::from_secs(120);
/// Number of deliveries after which the queue gives an event up.
const DELIVERIES: u32 = 720;

type SimulatedRecovery<'a> = Recovery<'a, Process, Store, Clock, ProcessMachines>;

impl Region {
    /// Invokes `recover` with some work, in a process of its own.
    async fn recover(
        self: &Rc<Self>,
        work: impl AsyncFnOnce(SimulatedRecovery<'_>) -> Result<(), RecoveryError>,
    ) -> Option<Result<(), RecoveryError>> {
        let process = self.process();
        let (engine, world) = (process.engine(), self.world.clone());
        let machines = ProcessMachines::new(self, &process);
        let notice = |notice: RecoveryNotice<'_>| match notice {
            RecoveryNotice::Overdue { reason, .. } | RecoveryNotice::Unhandled { reason, .. } => {
                world.record(|| format!("recover    {reason}"));
            }
            _ => {}
        };
        let recovery = Recovery {
            engine: &engine,
            machines: &machines,
            cursor: &self.cursor,
            notice: &notice,
        };
        process.run(work(recovery)).await
    }

    /// Delivers a status event to `recover` until it is handled.
    pub(super) async fn deliver_status(self: &Rc<Self>, ended: &StatusEvent) {
        for _ in 0..DELIVERIES {
            let answer = self
                .recover(async |recovery: SimulatedRecovery<'_>| recovery.ended(ended).await)
                .await;
            self.world.record(|| {
                let outcome = outcome(&answer, |()| "done");
                format!("recover    after {}: {outcome}", ended.execution_arn)
            });
            if let Some(Ok(())) = answer {
                return;
            }
            self.world.clock.sleep(AGAIN_AFTER).await;
        }
    }

    /// Invokes `recover` as every minute does.
    pub(crate) async fn sweep(self: &Rc<Self>) {
        let answer = self
            .recover(async |recovery: SimulatedRecovery<'_>| {
                recovery.sweep().await?;
                recovery.find_unreported().await
            })
            .await;
        if !matches!(answer, Some(Ok(()))) {
            self.world
                .record(|| format!("sweep      {}", outcome(&answer, |()| "done")));
        }
    }

    /// Returns the time at which the sweep finds work. An entry of the index of open executions is
    /// then due, or an end without a status event is listed.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        let open = self.world.ledger.open_entries().into_iter();
        let unreported = self.unreported.borrow();
        let listed = unreported
            .iter()
            .filter_map(|ended_at| self.cursor.lists_at(*ended_at));
        open.map(|(look, _)| look.due).chain(listed).min()
    }
}
