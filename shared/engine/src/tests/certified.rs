//! Tests of receipts under short-lived keys. A later writer with another key adopts the stored
//! receipt, but none whose certificate a foreign key signed.

use holdfast_receipt::{
    FORMAT, Receipt,
    evidence::{CertifiedSealer, Jwks, Kind, MemorySigner, SealerHost, Signatory, verified},
};

use super::*;
use crate::testing::{Clock, engine};

const HERE: &str = "210987654321/eu-central-1/holdfast";

/// The host of one process: its clock, and the byte of which its secrets consist.
#[derive(Clone)]
struct Process(Clock, u8);

impl SealerHost for Process {
    fn time(&self) -> Timestamp {
        self.0.now()
    }

    fn random(&self, secret: &mut [u8]) -> Result<(), String> {
        secret.fill(self.1);
        Ok(())
    }

    fn certified(&self, _: &str, _: Timestamp) {}
}

fn key(byte: u8) -> MemorySigner {
    MemorySigner::new(&[byte; 32]).unwrap()
}

fn here() -> TestEngine {
    TestEngine {
        deployment: Some(HERE.to_owned()),
        ..engine()
    }
}

/// Runs `Finish` in a process with a short-lived key of its own, which the key `signer` certifies.
fn finish_in(
    engine: &TestEngine,
    execution: &ExecutionRef,
    (signer, secret): (u8, u8),
) -> Result<FinishResult, TaskError> {
    let host = Process(engine.host.clone(), secret);
    let sealer = CertifiedSealer::new(key(signer), host, HERE, "1");
    run(engine.finish(&finish_task(execution), &sealer))
}

fn unrecorded(engine: &TestEngine, execution: &ExecutionRef) {
    change(engine, &partition(execution), |execution| {
        execution.receipt = None;
    });
}

fn signatory_of(engine: &TestEngine, object: &str) -> Signatory {
    let keys = Jwks::new(vec![key(1).public().clone()]);
    let bytes = engine.receipts.objects.lock().unwrap()[object].clone();
    verified::<Receipt>(&bytes, Kind::Receipt, FORMAT, &keys)
        .expect("it verifies")
        .signatory
}

#[test]
fn a_later_process_adopts_the_receipt_that_another_short_lived_key_signed() {
    let engine = here();
    let execution = begun(&engine);
    for step in STEPS {
        attempt(&engine, &step_task(&execution, step), &Script::default()).unwrap();
    }
    let first = finish_in(&engine, &execution, (1, 21)).unwrap();
    let certificate = signatory_of(&engine, &first.receipt).certificate;
    let certificate = certificate.expect("a short-lived key signed");
    assert_eq!(certificate.jwk.kid(), key(21).public().kid());
    // Another process, and one whose certificate no longer covers the end.
    for passes in [0, 3600] {
        engine.host.pass(passes);
        unrecorded(&engine, &execution);
        assert_eq!(finish_in(&engine, &execution, (1, 22)), Ok(first.clone()));
    }
}

#[test]
fn a_receipt_that_ended_before_the_key_was_made_has_the_signature_of_the_deployments_key() {
    let engine = here();
    let execution = begun(&engine);
    engine.receipts.refuse(1);
    finish_in(&engine, &execution, (1, 21)).expect_err("it is not written");
    engine.host.pass(3600);
    let ended = finish_in(&engine, &execution, (1, 22)).unwrap();
    assert_eq!(signatory_of(&engine, &ended.receipt).certificate, None);
}

#[test]
fn a_stored_receipt_under_a_certificate_of_another_key_is_not_adopted() {
    let engine = here();
    let execution = begun(&engine);
    finish_in(&engine, &execution, (2, 21)).unwrap();
    unrecorded(&engine, &execution);
    let error = finish_in(&engine, &execution, (1, 22)).unwrap_err();
    assert_eq!(error.name, ErrorName::Permanent);
    assert!(
        error
            .message
            .contains("its certificate: it is signed with key"),
        "{error}"
    );
}
