//! The `digest` function: it writes each tenant's hourly signed digest, which lists the receipts
//! and names the previous digest.
//!
//! The schedule requests every digest that is due. A person can request more by `{"tenant": "acme",
//! "until": "2026-11-26T14:00:00Z"}`, both optional. `tenant` selects one tenant, and `until` can
//! include hours that are not over.

use futures_util::{StreamExt, stream};
use holdfast_audit::Metric;
use holdfast_aws::{Deployment, DynamoLedger, KmsSigner, S3Store, SystemHost, report};
use holdfast_engine::{
    Host,
    chain::{Heads, Progress, Queue, advance, tenants},
};
use holdfast_ids::names::check_tenant;
use holdfast_receipt::chain::{EARLY_HOURS, Hour};
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::Value;
use tracing::{info, warn};

/// The number of tenants whose chains are extended at the same time.
const AT_ONCE: usize = 8;

/// The time before the end of the invocation at which no further tenant is begun. The digest with
/// the most receipts takes less.
const RESERVE: SignedDuration = SignedDuration::from_mins(3);

struct Digests {
    receipts: S3Store,
    heads: DynamoLedger,
    signer: KmsSigner,
    stack: String,
}

/// The digests that an event requests.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DigestRequest {
    tenant: Option<String>,
    until: Option<Timestamp>,
}

impl DigestRequest {
    /// Reads an event. An event of EventBridge requests every digest that is due.
    fn read(event: &Value) -> Result<Self, String> {
        if event.get("detail-type").is_some() {
            return Ok(Self::default());
        }
        let request = Self::deserialize(event).map_err(|error| {
            format!("{error}; an event may have `tenant`, and `until`, a time in RFC 3339")
        })?;
        match &request.tenant {
            Some(tenant) => check_tenant(tenant).map(|()| request),
            None => Ok(request),
        }
    }

    /// The last hour whose digest is requested.
    fn last(&self, now: Timestamp) -> Result<Hour, String> {
        let Some(until) = self.until else {
            return Ok(Hour::newest_due(now));
        };
        let last = Hour::from_start(until)
            .map(|hour| hour.before(1))
            .ok_or_else(|| format!("until is {until}: it must be a full hour"))?;
        if last > Hour::newest_early(now) {
            return Err(format!(
                "until is {until}: digests can be requested {EARLY_HOURS} hours ahead at most"
            ));
        }
        Ok(last)
    }
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let digests = &Digests {
        receipts: deployment.bucket("HOLDFAST_RECEIPT_BUCKET")?,
        heads: deployment.ledger()?,
        // Boxed, since the SDK's futures nest deeply.
        signer: Box::pin(deployment.signer()).await?,
        stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        let ends = i64::try_from(event.context.deadline).ok();
        let ends = ends.and_then(|millis| Timestamp::from_millisecond(millis).ok());
        let until = ends.unwrap_or(Timestamp::MAX) - RESERVE;
        Box::pin(digests.write(&event.payload, until))
            .await
            .map_err(lambda_runtime::Error::from)
    }))
    .await
}

impl Digests {
    /// Writes the requested digests, and begins no tenant after `until`. A tenant whose chain fails
    /// delays no other tenant; the error counts the failures. A run that stops early keeps the
    /// place at which the next one continues with the quiet tenants.
    async fn write(&self, event: &Value, until: Timestamp) -> Result<(), String> {
        let request = DigestRequest::read(event)?;
        let now = SystemHost.now();
        let (last, due) = (request.last(now)?, Hour::newest_due(now));
        let Queue { recent, quiet } = match request.tenant {
            Some(tenant) => Queue::only(tenant),
            None => tenants(&self.receipts, &self.heads, due)
                .await
                .map_err(|error| error.to_string())?,
        };
        let (urgent, all) = (recent.len(), [recent, quiet].concat());
        let count = all.len();
        let (mut written, mut overdue, mut begun) = (Progress::default(), 0, 0);
        let in_time = all.iter().cloned().take_while(|_| SystemHost.now() < until);
        let mut runs = stream::iter(in_time.inspect(|_| begun += 1))
            .map(|tenant| async move {
                let Self {
                    receipts,
                    heads,
                    signer,
                    ..
                } = self;
                let advanced = advance(receipts, heads, signer, &tenant, last, due).await;
                (tenant, advanced)
            })
            .buffer_unordered(AT_ONCE);
        while let Some((tenant, advanced)) = runs.next().await {
            match advanced {
                Ok(progress) => {
                    written.digests += progress.digests;
                    written.receipts += progress.receipts;
                }
                Err(error) => {
                    overdue += 1;
                    warn!(tenant, reason = %error, "the chain of digests could not be extended");
                }
            }
        }
        drop(runs);
        overdue += urgent.saturating_sub(begun) as i64;
        if urgent < begun && begun < count {
            let kept = self.heads.set_cursor(&all[begun - 1]).await;
            kept.map_err(|error| error.to_string())?;
        }
        info!(
            tenants = count,
            left = count - begun,
            digests = written.digests,
            receipts = written.receipts,
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
                "the chains of {overdue} of {count} tenants could not be extended: the log has the reasons"
            )),
        }
    }
}
