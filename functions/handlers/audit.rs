//! The `audit` function: it publishes audit events, writes metrics and adds to the statistics for
//! every change in the ledger's stream.
//!
//! Events are published at least once. `sequence` has their order, since events that share an entry
//! are published with its first one. The function reports the first change that it could not
//! publish, and the stream delivers that change and all that follow again. A change that cannot be
//! read is set aside, so that it delays no other change.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use holdfast_audit::{
    About, Event, Links, Measurement, Metric, MetricBatch, Publication, StepEvents, contributions,
    events, first_unpublished, measurements,
};
use holdfast_aws::{
    AuditBus, Change, Deployment, DynamoLedger, SystemHost, change, report, report_batch,
};
use holdfast_engine::Host;
use holdfast_ids::keys::ExecutionKey;
use holdfast_ledger::{
    Contribution, Key, Ledger, LedgerError, Statistics, StatisticsKey, add_contributions,
};
use jiff::Timestamp;
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{error, info, warn};

use crate::origins::Origins;

/// The type of the event that sets an unreadable change aside. A rule sends it to a queue.
const UNREADABLE: &str = "audit.unreadable";
/// Number of places of statistics that are written at the same time.
const AT_ONCE: usize = 8;

/// The variable with the publication of step events.
const STEP_EVENTS: &str = "HOLDFAST_AUDIT_STEP_EVENTS";

/// The execution whose events are to be published again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RebuildRequest {
    tenant: String,
    execution: String,
}

struct Audit {
    ledger: DynamoLedger,
    bus: AuditBus,
    stack: String,
    by_tenant: bool,
    by_step: bool,
    step_events: StepEvents,
    links: Links,
}

/// The events of one change.
#[derive(Default)]
struct ChangeEvents {
    events: Vec<Event>,
    /// The measurements of a step or a question, with its tenant and workflow.
    measured: Option<(About, Vec<Measurement>)>,
    /// The additions to the statistics, each with its place.
    added: Vec<(StatisticsKey, Statistics)>,
    /// The keys of the change and the reason, if the change could not be read.
    aside: Option<Value>,
    committed: Option<Timestamp>,
}

pub(crate) async fn run() -> Result<(), lambda_runtime::Error> {
    let deployment = Deployment::load();
    let audit = &Audit {
        ledger: deployment.ledger()?,
        bus: deployment.audit_bus()?,
        stack: deployment.variable("HOLDFAST_STACK")?.to_owned(),
        by_tenant: deployment.optional("HOLDFAST_METRICS_BY_TENANT") == "true",
        by_step: deployment.optional("HOLDFAST_METRICS_BY_STEP") == "true",
        step_events: deployment
            .variable(STEP_EVENTS)?
            .parse()
            .map_err(|why| format!("environment variable {STEP_EVENTS}: {why}"))?,
        links: Links::new(deployment.variable("HOLDFAST_PAGES")?),
    };
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| async move {
        // Boxed, since the SDK's futures nest deeply.
        match event.payload.get("rebuild") {
            Some(request) => Box::pin(audit.rebuild(request)).await,
            None => Ok(Box::pin(audit.batch(&event.payload)).await),
        }
    }))
    .await
}

impl Audit {
    /// Publishes the events of one execution again, after the stream or a consumer has lost some.
    /// The ids are the same as before, and metrics are not counted again.
    async fn rebuild(&self, request: &Value) -> Result<Value, lambda_runtime::Error> {
        let request = RebuildRequest::deserialize(request)
            .map_err(|error| format!("rebuild: {error}; it has `tenant` and `execution`"))?;
        let (tenant, execution) = (request.tenant, request.execution);
        let at = ExecutionKey { tenant, execution };
        let snapshot = self.ledger.snapshot(&at).await?;
        let snapshot = snapshot.ok_or_else(|| {
            format!(
                "rebuild: {} has no execution record",
                Key::Execution(at.clone()).pk()
            )
        })?;
        let source = format!("holdfast/{}", self.stack);
        let events = holdfast_audit::story(&self.ledger, &snapshot).await?;
        let mut publication = Publication::new(self.step_events, &source);
        let published = events.len();
        for (n, event) in events.into_iter().enumerate() {
            publication.event(n, &event.linked(&self.links));
        }
        self.bus.publish(&publication.entries()).await?;
        let (tenant, execution) = (&at.tenant, &at.execution);
        info!(
            tenant,
            execution,
            events = published,
            "events published again"
        );
        Ok(json!({ "events": published }))
    }

    /// Publishes the events of a batch, and returns the first change that the stream must deliver
    /// again.
    async fn batch(&self, batch: &Value) -> Value {
        let none = Vec::new();
        let records = batch["Records"].as_array().unwrap_or(&none);
        let mut origins = Origins::new(&self.ledger);
        let (mut changes, mut failed) = (Vec::new(), None);
        for (n, record) in records.iter().enumerate() {
            match self.derive(&record["dynamodb"], &mut origins).await {
                Ok(change) => changes.push(change),
                Err(error) => {
                    warn!(reason = %error, "the execution record of a change could not be read");
                    failed = Some(n);
                    break;
                }
            }
        }
        let source = format!("holdfast/{}", self.stack);
        let mut publication = Publication::new(self.step_events, &source);
        for (n, change) in changes.iter().enumerate() {
            for event in &change.events {
                publication.event(n, event);
            }
            if let Some(aside) = &change.aside {
                publication.entry(n, UNREADABLE, aside.clone());
            }
        }
        let entries = publication.entries();
        if let Err(unpublished) = self.bus.publish(&entries).await {
            warn!(reason = %unpublished, "events were not published: the stream delivers them again");
            failed = first_unpublished(&entries, unpublished.from).or(failed);
        }
        changes.truncate(failed.unwrap_or(records.len()));
        match self.add_statistics(records, &changes).await {
            // A delivery that began later would not find the marks that cover more.
            Ok(true) if failed.is_some() => {
                failed = Some(0);
                changes.clear();
            }
            Ok(_) => {}
            Err(error) => {
                warn!(reason = %error, "statistics were not added: the stream delivers the batch again");
                // Marks are found by the first change of a group. A delivery that began later would
                // not find those of the groups that were added.
                failed = Some(0);
                changes.clear();
            }
        }
        self.count(&changes);
        info!(
            changes = records.len(),
            published = changes.len(),
            events = changes
                .iter()
                .map(|change| change.events.len())
                .sum::<usize>(),
            "changes published"
        );
        let failed = failed.map(|n| {
            let place = &records[n]["dynamodb"]["SequenceNumber"];
            json!({ "itemIdentifier": place })
        });
        json!({ "batchItemFailures": failed.into_iter().collect::<Vec<_>>() })
    }

    /// Adds what the changes contribute to statistics. They are the first ones of a batch, which
    /// comes from one shard of the stream. Returns true if a mark covers more changes than these,
    /// and fails if a place must be added by a repeat.
    async fn add_statistics(
        &self,
        records: &[Value],
        changes: &[ChangeEvents],
    ) -> Result<bool, LedgerError> {
        let mut places: BTreeMap<&StatisticsKey, Vec<Contribution>> = BTreeMap::new();
        for (record, change) in records.iter().zip(changes) {
            let sequence = record["dynamodb"]["SequenceNumber"].as_str();
            for (place, sums) in &change.added {
                places.entry(place).or_default().push(Contribution {
                    sequence: sequence.unwrap_or_default().to_owned(),
                    sums: sums.clone(),
                });
            }
        }
        let now = SystemHost.now();
        let writes = places.iter();
        let writes =
            writes.map(|(place, added)| add_contributions(&self.ledger, place, added, now));
        let writes: Vec<_> = writes.collect();
        let written: Vec<Result<bool, LedgerError>> = stream::iter(writes)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let covers_more = written.contains(&Ok(true));
        for error in written.into_iter().filter_map(Result::err) {
            // One place that waits for a repeat makes the stream deliver the batch again.
            if matches!(error, LedgerError::Unavailable(_)) {
                return Err(error);
            }
            // A repeat would meet the same refusal, and delay every event after it.
            error!(reason = %error, "the statistics lack a batch");
        }
        Ok(covers_more)
    }

    /// The events of one change. Fails if the ledger does not answer.
    async fn derive(
        &self,
        record: &Value,
        origins: &mut Origins<'_>,
    ) -> Result<ChangeEvents, LedgerError> {
        let Change {
            old,
            new,
            committed,
        } = match change(record) {
            Ok(Some(change)) => change,
            Ok(None) => return Ok(ChangeEvents::default()),
            Err(unreadable) => return Ok(self.set_aside(&unreadable.to_string(), record)),
        };
        let origin = origins.of(&new).await?;
        let about = match (new.about(), &origin, new.execution()) {
            (Some(about), ..) => about,
            (None, Some(origin), _) => origin.about.clone(),
            (None, None, Some(at)) => {
                let key = Key::Execution(at.clone()).pk();
                let why = format!("{key} has no execution record");
                return Ok(self.set_aside(&why, record));
            }
            (None, None, None) => return Ok(ChangeEvents::default()),
        };
        let events = events(old.as_ref(), &new, &about, committed);
        let measured =
            origin.map_or_else(Vec::new, |origin| measurements(old.as_ref(), &new, &origin));
        Ok(ChangeEvents {
            added: contributions(&events, &measured, &about),
            events: events
                .into_iter()
                .map(|event| event.linked(&self.links))
                .collect(),
            measured: self.by_step.then_some((about, measured)),
            aside: None,
            committed: Some(committed),
        })
    }

    /// Sets a change aside that cannot be read: its keys go to a queue for people.
    fn set_aside(&self, why: &str, record: &Value) -> ChangeEvents {
        // The log line leaves out the sort key, which can name an item. The queue has it.
        let partition = &record["Keys"]["pk"]["S"];
        error!(%partition, "a change of the ledger cannot be read and is set aside");
        let aside = json!({
            "reason": why,
            "keys": record["Keys"],
            "sequence_number": record["SequenceNumber"],
        });
        ChangeEvents {
            aside: Some(aside),
            ..ChangeEvents::default()
        }
    }

    fn count(&self, changes: &[ChangeEvents]) {
        let mut batch = MetricBatch::default();
        for event in changes.iter().flat_map(|change| &change.events) {
            batch.event(event);
        }
        for (about, measured) in changes.iter().filter_map(|change| change.measured.as_ref()) {
            for one in measured {
                batch.measurement(about, one.clone());
            }
        }
        report_batch(&self.stack, &batch, self.by_tenant);
        let now = SystemHost.now();
        let unreadable = changes
            .iter()
            .filter(|change| change.aside.is_some())
            .count();
        let mut whole = Vec::new();
        if unreadable > 0 {
            whole.push((Metric::AuditUnreadable, unreadable as i64));
        }
        if let Some(oldest) = changes.iter().filter_map(|change| change.committed).min() {
            let lag = now.duration_since(oldest).as_millis().max(0) as i64;
            whole.push((Metric::AuditLag, lag));
        }
        if !whole.is_empty() {
            report(&self.stack, &whole, None, false, now);
        }
    }
}
