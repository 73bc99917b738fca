//! A system of one's own in a drill: the actions' real code calls it, in place of the simulated target.

use std::{
    collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use futures_util::FutureExt;
use holdfast_action::AnyAction;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

/// How long one call may take, by the clock on the wall.
const PATIENCE: Duration = Duration::from_secs(20);

/// A system that actions really call, such as a sandbox of it that the test starts; one for each run, since every run uses
/// the same idempotency keys.
pub trait Own: Send + Sync {
    /// The action of this name, set up to call this system; `None` if it is to be simulated.
    fn action(&self, name: &str) -> Option<Arc<dyn AnyAction>>;
    /// How many effects stand here, by the idempotency key of the call that caused them.
    fn standing(&self) -> BTreeMap<String, u32>;
}

/// Makes the system of a run. The error says why it cannot be had.
pub type MakeOwn = Arc<dyn Fn() -> Result<Box<dyn Own>, String> + Send + Sync>;

/// Such a system, with what its calls run on.
pub(crate) struct OwnSteps {
    own: Box<dyn Own>,
    runtime: Runtime,
}

impl OwnSteps {
    pub(crate) fn new(make: &MakeOwn) -> Result<Self, String> {
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(|error| format!("no runtime: {error}"))?,
            own: make()?,
        })
    }

    pub(crate) fn action(&self, name: &str) -> Option<Arc<dyn AnyAction>> {
        self.own.action(name)
    }

    pub(crate) fn standing(&self) -> BTreeMap<String, u32> {
        self.own.standing()
    }

    /// Makes a call, while virtual time stands still. The error says how it never came back.
    pub(crate) fn wait<T>(&self, call: impl Future<Output = T>) -> Result<T, &'static str> {
        let call = AssertUnwindSafe(call).catch_unwind();
        let ended = self
            .runtime
            .block_on(async { timeout(PATIENCE, call).await });
        match ended {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err("its code panics"),
            Err(_) => Err("its code takes longer than 20 s"),
        }
    }
}
