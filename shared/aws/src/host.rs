//! The clock, the timer and the randomness of the system.

use std::time::Duration;

use holdfast_engine::Host;
use holdfast_ids::trace::TraceId;
use holdfast_receipt::evidence::SealerHost;
use jiff::Timestamp;
use uuid::Uuid;

/// The trace of this invocation, from the Lambda runtime.
pub fn trace() -> Option<TraceId> {
    let header = std::env::var("_X_AMZN_TRACE_ID").ok()?;
    TraceId::from_xray(&header)
}

/// The real clock and real randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemHost;

impl Host for SystemHost {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // Milliseconds are enough for people and keep ledger items short.
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn token(&self) -> String {
        Uuid::now_v7().simple().to_string()
    }
}

impl SealerHost for SystemHost {
    fn time(&self) -> Timestamp {
        self.now()
    }

    fn random(&self, secret: &mut [u8]) -> Result<(), String> {
        let filled = aws_lc_rs::rand::fill(secret);
        filled.map_err(|_| "the operating system gives no random bytes".to_owned())
    }

    fn certified(&self, kid: &str, not_after: Timestamp) {
        tracing::info!(kid, %not_after, "a new short-lived key signs receipts");
    }
}
