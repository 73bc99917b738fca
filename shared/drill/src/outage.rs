//! Makes an AWS service refuse every request for an hour, from one call of a run on, and checks how
//! soon the run then comes to rest.

use std::{
    rc::Rc,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use holdfast_engine::Host;
use holdfast_receipt::evidence::{NoSigner, Seal, SealError, SignError};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::{
    Drill, Outcome,
    meter::Meter,
    process::Process,
    survey::play,
    world::{World, lock},
};

/// The length of an outage.
const OUTAGE: SignedDuration = SignedDuration::from_hours(1);
/// The time from an outage's end to the handling of a status event that could not be handled. Its
/// queue delivers it again every two minutes.
const REDELIVERY: SignedDuration = SignedDuration::from_mins(2);
/// The longest time from an outage's end to rest.
const REST_WITHIN: SignedDuration = SignedDuration::from_mins(30);

/// A service that can be away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// DynamoDB.
    Ledger,
    /// S3, with payloads and receipts.
    Store,
    /// KMS.
    Key,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 3] = [Self::Ledger, Self::Store, Self::Key];
}

/// An outage of one run.
pub(crate) struct Outage {
    service: Service,
    /// The call with which it begins, counted over all functions and services.
    from_call: u32,
    calls: AtomicU32,
    began: Mutex<Option<Timestamp>>,
}

impl Outage {
    pub(crate) fn new(service: Service, from_call: u32) -> Self {
        Self {
            service,
            from_call,
            calls: AtomicU32::new(0),
            began: Mutex::new(None),
        }
    }

    /// Counts a call of a function, and returns true if the service refuses it.
    pub(crate) fn refuses(&self, service: Service, now: Timestamp) -> bool {
        if self.calls.fetch_add(1, Relaxed) + 1 == self.from_call {
            *lock(&self.began) = Some(now);
        }
        service == self.service && self.until().is_some_and(|until| now < until)
    }

    /// The time of its end, if it has begun.
    fn until(&self) -> Option<Timestamp> {
        lock(&self.began).map(|began| began + OUTAGE)
    }
}

impl World {
    /// Waits until the ledger answers again, if it is away. `recover` and people need it.
    pub(crate) async fn ledger_back(&self) {
        let outage = self.outage.as_ref();
        let outage = outage.filter(|outage| outage.service == Service::Ledger);
        if let Some(until) = outage.and_then(Outage::until)
            && self.clock.now() < until
        {
            self.clock.until(until + REDELIVERY).await;
        }
    }
}

/// The signing key as a process reaches it. The drill signs nothing.
pub(crate) struct SigningKey<'a>(pub(crate) &'a Process);

impl SigningKey<'_> {
    fn answers(&self) -> Result<(), SealError> {
        let world = self.0.world();
        let outage = world.outage.as_ref();
        match outage.is_some_and(|outage| outage.refuses(Service::Key, world.clock.now())) {
            true => Err(SignError("the key is away".to_owned()).into()),
            false => Ok(()),
        }
    }
}

impl Seal for SigningKey<'_> {
    async fn receipt(&self, value: Value) -> Result<Vec<u8>, SealError> {
        self.0.world().meter(Meter::signature);
        self.answers()?;
        NoSigner.receipt(value).await
    }

    async fn verify(&self, stored: &[u8]) -> Result<(), SealError> {
        self.answers()?;
        NoSigner.verify(stored).await
    }
}

impl Drill {
    /// Runs an outage of a service from each call on that a run makes, and returns the outcomes in
    /// the order of the calls.
    ///
    /// It is a violation if the run does not rest within 30 minutes of the outage, or of the end
    /// that it has without an outage. It is another one if the run is rolled back although its
    /// state machine had reached `Finish`.
    pub fn outages(&self, service: Service) -> Result<Vec<Outcome>, String> {
        let (left, _) = play(&self.deployed, &Rc::default(), &[], self.stage(false)?);
        let (ends, mut outcomes) = (left.rested, Vec::new());
        for call in 1.. {
            let mut stage = self.stage(true)?;
            stage.outage = Some(Outage::new(service, call));
            let (left, found) = play(&self.deployed, &Rc::default(), &[], stage);
            let outage = left.world.outage.as_ref();
            let Some(until) = outage.and_then(Outage::until) else {
                break;
            };
            let mut violations = found.violations;
            if left.rested > ends.max(until) + REST_WITHIN {
                violations.push(format!(
                    "it rests at {}, the outage ended {until}",
                    left.rested
                ));
            }
            let done = left.entered.iter().any(|state| state == "Finish");
            if done && found.status.as_deref() != Some("EXECUTED") {
                let status = found.status.as_deref().unwrap_or("without a record");
                violations.push(format!("a success ends {status}"));
            }
            outcomes.push(Outcome {
                status: found.status,
                remaining: found.remaining,
                receipt: found.receipt,
                violations,
                struck: true,
                story: left.world.story(),
            });
        }
        Ok(outcomes)
    }
}
