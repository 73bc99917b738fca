//! The `digest` function: every hour, of each tenant, the signed digest that lists its receipts and names the one before.
//!
//! The schedule asks for what is due. A person may ask for more by `{"tenant": "acme", "until": "2026-11-26T14:00:00Z"}`,
//! both optional: of one tenant alone, and of hours that are not over yet.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use holdfast_aws::{Deployment, DynamoLedger, KmsSigner, S3Store, SystemHost, report};
use holdfast_core::{
    audit::Metric,
    engine::Host,
    evidence::chain::{EARLY_HOURS, Hour, Progress, advance, tenants},
    names::check_tenant,
};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

/// How many tenants are looked after at once.
const AT_ONCE: usize = 8;

struct Digests {
    receipts: S3Store,
    heads: DynamoLedger,
    signer: KmsSigner,
    stack: String,
}

/// What a person may ask for.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    tenant: Option<String>,
    until: Option<Timestamp>,
}

impl Asked {
    /// Reads an event; one of EventBridge asks for what is due.
    fn read(event: &Value) -> Result<Self, String> {
        if event.get("detail-type").is_some() {
            return Ok(Self::default());
        }
        let asked = Self::deserialize(event).map_err(|error| {
            format!("{error}; an event may have tenant, and until, a time in RFC 3339")
        })?;
        match &asked.tenant {
            Some(tenant) => check_tenant(tenant).map(|()| asked),
            None => Ok(asked),
        }
    }

    /// The last hour that is to have a digest.
    fn last(&self, now: Timestamp) -> Result<Hour, String> {
        let Some(until) = self.until else {
            return Ok(Hour::newest_due(now));
        };
        let last = Hour::from_start(until)
            .map(|hour| hour.before(1))
            .ok_or_else(|| format!("until is {until}: it must be a full hour"))?;
        if last > Hour::newest_early(now) {
            return Err(format!(
                "until is {until}: digests can be asked for {EARLY_HOURS} hours ahead at most"
            ));
        }
        Ok(last)
    }
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let digests = &Digests {
        receipts: deployment.bucket("HOLDFAST_RECEIPT_BUCKET")?,
        heads: deployment.ledger()?,
        // Boxed, since the SDK's futures nest deeply.
        signer: Box::pin(deployment.signer()).await?,
        stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        Box::pin(digests.write(&event.payload))
            .await
            .map_err(lambda_runtime::Error::from)
    }))
    .await
}

impl Digests {
    /// Writes what is asked for. A tenant that fails holds up no other; the error says how many did.
    async fn write(&self, event: &Value) -> Result<(), String> {
        let asked = Asked::read(event)?;
        let now = SystemHost.now();
        let last = asked.last(now)?;
        let tenants = match asked.tenant {
            Some(tenant) => BTreeSet::from([tenant]),
            None => tenants(&self.receipts, &self.heads)
                .await
                .map_err(|error| error.to_string())?,
        };
        let count = tenants.len();
        let mut all = Progress::default();
        let mut overdue = 0;
        let mut runs = stream::iter(tenants)
            .map(|tenant| async move {
                let Self {
                    receipts,
                    heads,
                    signer,
                    ..
                } = self;
                let advanced = advance(receipts, heads, signer, &tenant, last).await;
                (tenant, advanced)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((tenant, advanced)) = runs.next().await {
            match advanced {
                Ok(progress) => {
                    all.digests += progress.digests;
                    all.receipts += progress.receipts;
                }
                Err(error) => {
                    overdue += 1;
                    warn!(tenant, reason = %error, "its chain does not go on");
                }
            }
        }
        info!(
            tenants = count,
            digests = all.digests,
            receipts = all.receipts,
            overdue,
            last = %last,
            "digests written"
        );
        report(
            &self.stack,
            &[(Metric::DigestsOverdue, overdue)],
            None,
            false,
            now,
        );
        match overdue {
            0 => Ok(()),
            _ => Err(format!(
                "the chains of {overdue} of {count} tenants do not go on: the log says why"
            )),
        }
    }
}
