//! Lets the real code of actions call a system of the test in place of the simulated target.

use std::{
    collections::BTreeMap, future::Future, panic::AssertUnwindSafe, sync::Arc, time::Duration,
};

use futures_util::FutureExt;
use holdfast_action::AnyAction;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

/// Longest duration of one call, in real time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A system that actions really call, such as a sandbox that the test starts. Each run needs its
/// own, because every run uses the same idempotency keys.
pub trait Own: Send + Sync {
    /// Returns the action of this name, configured to call this system. `None` leaves the action
    /// simulated.
    fn action(&self, name: &str) -> Option<Arc<dyn AnyAction>>;
    /// Returns the number of remaining effects, by the idempotency key of the call that caused
    /// them.
    fn remaining(&self) -> BTreeMap<String, u32>;
}

/// Makes the system of a run. The error says why none can be made.
pub type MakeOwn = Arc<dyn Fn() -> Result<Box<dyn Own>, String> + Send + Sync>;

/// A system and the runtime of its calls.
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

    pub(crate) fn remaining(&self) -> BTreeMap<String, u32> {
        self.own.remaining()
    }

    /// Makes a call, during which virtual time does not pass. The error says why it did not return.
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
