//! The `audit` function: tells the event bus, and CloudWatch, what the ledger's stream says was committed.
//!
//! At least once and in order: what cannot be published is reported as the batch's first failure, and the stream
//! comes again with it and all that follows. A change that cannot be read is set aside, so that it holds up nothing.

use std::collections::HashMap;

use holdfast_aws::{Change, Deployment, DynamoLedger, EventBus, SystemHost, change, report};
use holdfast_core::{
    audit::{self, About, Event, Metric, Record, events, metrics},
    engine::Host,
    keys::ExecutionKey,
    ledger::{Ledger, LedgerError},
};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{error, info, warn};

/// The type of the event that sets an unreadable change aside; a rule takes it to a queue.
const UNREADABLE: &str = "audit.unreadable";

/// Whose events are to be told once more.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rebuild {
    tenant: String,
    execution: String,
}

struct Audit {
    ledger: DynamoLedger,
    bus: EventBus,
    stack: String,
    by_tenant: bool,
}

/// What one change tells.
#[derive(Default)]
struct Told {
    events: Vec<Event>,
    /// What people must look at, if nothing could be made of it.
    aside: Option<Value>,
    committed: Option<Timestamp>,
}

impl Told {
    /// Types and details for the bus.
    fn published(&self, source: &str) -> Vec<(&'static str, Value)> {
        let events = self.events.iter();
        let events = events.map(|event| (event.kind.name(), event.cloud_event(source)));
        let aside = self.aside.iter().map(|aside| (UNREADABLE, aside.clone()));
        events.chain(aside).collect()
    }
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load().await;
    let audit = &Audit {
        ledger: deployment.ledger()?,
        bus: deployment.event_bus()?,
        stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
        by_tenant: deployment.optional("HOLDFAST_METRICS_BY_TENANT") == "true",
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Boxed, since the SDK's futures nest deeply.
        match event.payload.get("rebuild") {
            Some(asked) => Box::pin(audit.rebuild(asked)).await,
            None => Ok(Box::pin(audit.batch(&event.payload)).await),
        }
    }))
    .await
}

impl Audit {
    /// Tells once more what the records of one execution say: for events that the stream, or a consumer, has lost. Their
    /// ids are those of the first time; metrics are not counted again.
    async fn rebuild(&self, asked: &Value) -> Result<Value, lambda_runtime::Error> {
        let asked = Rebuild::deserialize(asked)
            .map_err(|error| format!("rebuild: {error}; it has tenant and execution"))?;
        let (tenant, execution) = (asked.tenant, asked.execution);
        let at = ExecutionKey { tenant, execution };
        let snapshot = self.ledger.snapshot(&at).await?;
        let snapshot = snapshot
            .ok_or_else(|| format!("rebuild: {} has no record of its own", at.partition()))?;
        let source = format!("holdfast/{}", self.stack);
        let events = audit::story(&self.ledger, &snapshot).await?;
        let published: Vec<_> = events
            .iter()
            .map(|event| (event.kind.name(), event.cloud_event(&source)))
            .collect();
        self.bus.publish(&published).await?;
        let (tenant, execution) = (&at.tenant, &at.execution);
        info!(tenant, execution, events = events.len(), "told once more");
        Ok(json!({ "events": events.len() }))
    }

    /// Tells a batch, change by change, and answers where it has to begin again.
    async fn batch(&self, batch: &Value) -> Value {
        let none = Vec::new();
        let records = batch["Records"].as_array().unwrap_or(&none);
        let mut workflows = HashMap::new();
        let (mut told, mut failed) = (Vec::new(), None);
        for (n, record) in records.iter().enumerate() {
            match self.tell(&record["dynamodb"], &mut workflows).await {
                Ok(one) => told.push(one),
                Err(error) => {
                    warn!(reason = %error, "the ledger does not say whose a change is");
                    failed = Some(n);
                    break;
                }
            }
        }
        let source = format!("holdfast/{}", self.stack);
        let published: Vec<_> = told.iter().map(|one| one.published(&source)).collect();
        if let Err(unpublished) = self.bus.publish(&published.concat()).await {
            warn!(reason = %unpublished, "the batch is tried again");
            let lengths: Vec<_> = published.iter().map(Vec::len).collect();
            failed = audit::untold(&lengths, unpublished.from).or(failed);
        }
        told.truncate(failed.unwrap_or(records.len()));
        self.count(&told);
        info!(
            changes = records.len(),
            told = told.len(),
            events = told.iter().map(|one| one.events.len()).sum::<usize>(),
            "changes told"
        );
        let failed = failed.map(|n| {
            let place = &records[n]["dynamodb"]["SequenceNumber"];
            json!({ "itemIdentifier": place })
        });
        json!({ "batchItemFailures": failed.into_iter().collect::<Vec<_>>() })
    }

    /// What one change tells; an error where that cannot be known now.
    async fn tell(
        &self,
        record: &Value,
        workflows: &mut HashMap<ExecutionKey, About>,
    ) -> Result<Told, LedgerError> {
        let Change {
            old,
            new,
            committed,
        } = match change(record) {
            Ok(Some(change)) => change,
            Ok(None) => return Ok(Told::default()),
            Err(unreadable) => return Ok(self.set_aside(&unreadable.to_string(), record)),
        };
        if let (Some(about), Record::Execution(meta)) = (new.about(), &new) {
            workflows.insert(meta.at.clone(), about);
        }
        let about = match (new.about(), new.execution()) {
            (Some(about), _) => about,
            (None, Some(at)) => match workflows.get(at) {
                Some(about) => about.clone(),
                None => {
                    let Some(meta) = self.ledger.meta(at).await? else {
                        let why = format!("{} has no record of its own", at.partition());
                        return Ok(self.set_aside(&why, record));
                    };
                    let about = About::of(&meta);
                    workflows.insert(at.clone(), about.clone());
                    about
                }
            },
            (None, None) => return Ok(Told::default()),
        };
        Ok(Told {
            events: events(old.as_ref(), &new, &about, committed),
            aside: None,
            committed: Some(committed),
        })
    }

    /// A change that nothing can be made of: its keys go to a queue that people look at.
    fn set_aside(&self, why: &str, record: &Value) -> Told {
        // Not its sort key, which can name an item: that is in the queue.
        let partition = &record["Keys"]["pk"]["S"];
        error!(%partition, "a change of the ledger cannot be told");
        let aside = json!({
            "reason": why,
            "keys": record["Keys"],
            "sequence_number": record["SequenceNumber"],
        });
        Told {
            aside: Some(aside),
            ..Told::default()
        }
    }

    fn count(&self, told: &[Told]) {
        for event in told.iter().flat_map(|one| &one.events) {
            let counted = metrics(event);
            if !counted.is_empty() {
                let about = Some(&event.about);
                report(&self.stack, &counted, about, self.by_tenant, event.at);
            }
        }
        let now = SystemHost.now();
        let unreadable = told.iter().filter(|one| one.aside.is_some()).count();
        let mut whole = Vec::new();
        if unreadable > 0 {
            whole.push((Metric::AuditUnreadable, unreadable as i64));
        }
        if let Some(oldest) = told.iter().filter_map(|one| one.committed).min() {
            let lag = now.duration_since(oldest).as_millis().max(0) as i64;
            whole.push((Metric::AuditLag, lag));
        }
        if !whole.is_empty() {
            report(&self.stack, &whole, None, false, now);
        }
    }
}
