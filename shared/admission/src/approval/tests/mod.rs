//! Tests of signed approvals: each algorithm, a corpus of attacks, and the key set.

mod attacks;
mod signer;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use self::{
    attacks::{altered_bytes, forged_claims, forged_headers},
    signer::{b64, eddsa, es256, rs256},
};
use super::{
    super::{StartScope, check},
    *,
};
use holdfast_receipt::Approval;
use holdfast_task::{ShownFields, StartConditions};

const NOW: &str = "2025-09-29T13:00:00Z";
/// The JWS that docs/examples/sign-approval.mjs makes with its recorded key and claims.
const RECORDED: &str = include_str!("../recorded.jws");
const RECORDED_KEYS: &str = include_str!("../recorded-keys.json");

fn seconds(text: &str) -> i64 {
    let at: Timestamp = text.parse().expect("a time");
    at.as_second()
}

fn input() -> Value {
    json!({ "amount": 5 })
}

fn claims() -> Value {
    json!({
        "approved_by": "bob", "iat": seconds("2025-09-29T12:00:00Z"),
        "exp": seconds("2025-09-29T14:00:00Z"), "workflow_id": "WF-HOLD", "tenant": "acme",
        "input_sha256": value_sha256_hex(&input()).expect("a digest"), "jti": "CASE-7",
    })
}

fn with(mut value: Value, member: &str, other: Value) -> String {
    value[member] = other;
    value.to_string()
}

fn gate(unsigned_approvals: bool) -> AdmissionSpec {
    AdmissionSpec {
        workflow: "WF-HOLD".to_owned(),
        version: 1,
        description: None,
        definition_digest: "sha256:d".to_owned(),
        tenants: Vec::new(),
        input_schema: json!({ "type": "object" }),
        guardrails: Vec::new(),
        rules: StartConditions {
            approval: true,
            unsigned_approvals,
            ..StartConditions::default()
        },
        triggers: Vec::new(),
        fields: ShownFields::default(),
        timeout_s: 900,
        tier: holdfast_task::Tier::Standard,
    }
}

fn start(approval: Approval) -> Start {
    Start {
        tenant: "acme".to_owned(),
        idempotency_key: "k".to_owned(),
        input: input(),
        trigger: "api".to_owned(),
        requested_by: Some("ann".to_owned()),
        approval: Some(approval),
        trace: None,
        unmapped: None,
    }
}

fn read(jws: &str) -> Result<Approval, String> {
    let jws = jws.to_owned();
    SentApproval::Signed(SignedApproval { jws }).read()
}

/// The reason why the guardrail `approval`, or the check of the form, refuses the start; or empty.
fn refusal(keys: &ApprovalKeys, gate: &AdmissionSpec, jws: &str, by: &str) -> String {
    let approval = match read(jws) {
        Ok(approval) => approval,
        Err(why) => return why,
    };
    let start = Start {
        requested_by: Some(by.to_owned()),
        ..start(approval)
    };
    let now = NOW.parse().expect("a time");
    let scope = StartScope::of(gate, &start, "e-1", now);
    let outcomes = check(gate, &start, &scope, keys, now);
    let refused = outcomes.into_iter().find(|outcome| !outcome.held);
    refused.map_or(String::new(), |outcome| {
        assert_eq!(outcome.name, "approval");
        outcome.message.unwrap_or_default()
    })
}

#[test]
fn an_approval_that_a_listed_key_signed_admits_the_start() {
    for signer in [eddsa(1), es256(), rs256()] {
        let said = refusal(&signer.keys(), &gate(false), &signer.honest(), "ann");
        assert_eq!(said, "", "{}", signer.alg);
    }
}

#[test]
fn the_approval_that_the_published_example_makes_admits_the_start() {
    let keys = ApprovalKeys::parse(RECORDED_KEYS).expect("a key set");
    assert_eq!(refusal(&keys, &gate(false), RECORDED.trim(), "ann"), "");
}

#[test]
fn a_forged_approval_is_refused_with_the_reason_against_it() {
    let signer = es256();
    let corpus = [
        forged_headers(&signer),
        altered_bytes(&signer),
        forged_claims(&signer),
    ]
    .concat();
    for (n, (jws, why)) in corpus.iter().enumerate() {
        for unsigned in [false, true] {
            let said = refusal(&signer.keys(), &gate(unsigned), jws, "ann");
            assert!(said.contains(why), "{n}: {why}: {said:?}");
        }
    }
    let honest = signer.honest();
    assert_eq!(refusal(&signer.keys(), &gate(false), &honest, "ann"), "");
}

#[test]
fn a_key_approves_only_for_the_tenants_and_workflows_that_list_it() {
    let signer = eddsa(1);
    for (other, why) in [
        (
            json!({ "tenants": ["globex"] }),
            "key \"erp\" is not for tenant acme",
        ),
        (
            json!({ "workflows": ["WF-PAY"] }),
            "key \"erp\" is not for WF-HOLD",
        ),
        (json!({ "tenants": ["*"], "workflows": ["*"] }), ""),
        (json!({ "tenants": ["globex", "acme"] }), ""),
    ] {
        let keys = ApprovalKeys::parse(&signer.set(other).to_string()).expect("a key set");
        assert_eq!(refusal(&keys, &gate(false), &signer.honest(), "ann"), why);
    }
    let none = ApprovalKeys::parse(" ").expect("no key");
    let said = refusal(&none, &gate(true), &signer.honest(), "ann");
    assert!(said.contains("is not listed in this deployment"), "{said}");
}

#[test]
fn an_unsigned_approval_counts_only_where_the_definition_says_so() {
    let approval = Approval {
        signature: None,
        ..read(&eddsa(1).honest()).expect("an approval")
    };
    let now = NOW.parse().expect("a time");
    let keys = eddsa(1).keys();
    let said = |gate: &AdmissionSpec| super::check(gate, &start(approval.clone()), &keys, now);
    assert_eq!(said(&gate(true)), Ok(()));
    let why = said(&gate(false)).expect_err("unsigned");
    assert!(why.contains("it is not signed"), "{why}");
}

#[test]
fn a_key_set_with_a_wrong_key_is_refused_with_its_place() {
    let signer = es256();
    let faults = [
        (json!({ "tenants": [] }), "keys[0]: tenants lists"),
        (json!({ "tenants": ["ACME"] }), "keys[0]: tenants lists"),
        (json!({ "workflows": ["hold"] }), "keys[0]: workflows lists"),
        (
            json!({ "alg": "EdDSA" }),
            "keys[0]: kty and crv do not fit alg EdDSA",
        ),
        (json!({ "alg": "none" }), "unknown variant"),
        (json!({ "alg": "HS256" }), "unknown variant"),
        (json!({ "d": "AQ" }), "keys[0]: it holds a private key"),
        (json!({ "use": "enc" }), "keys[0]: its use is not sig"),
        (
            json!({ "x": b64([1; 32]) }),
            "keys[0]: x and y are no point",
        ),
        (json!({ "x": "AQ" }), "keys[0]: x must be 32 bytes"),
        (json!({ "kid": "" }), "keys[0]: kid has 1 to 200"),
        (json!({ "tenant": "acme" }), "unknown field"),
    ];
    for (other, why) in faults {
        let said = ApprovalKeys::parse(&signer.set(other).to_string()).expect_err(why);
        assert!(said.contains(why), "{why}: {said}");
    }
    let encoded = BASE64_STANDARD.encode(signer.set(json!({})).to_string());
    ApprovalKeys::parse(&encoded).expect("base64 of a key set");
    ApprovalKeys::parse("keys").expect_err("neither JSON nor base64");
    let one = signer.set(json!({}))["keys"][0].clone();
    let twice = json!({ "keys": [one, one] }).to_string();
    let said = ApprovalKeys::parse(&twice).expect_err("one kid twice");
    assert_eq!(said, "keys[1]: another key has its kid");
    let weak = json!({ "kty": "RSA", "alg": "RS256", "n": b64([0xff; 128]), "e": "AQAB",
        "kid": "weak", "tenants": ["*"], "workflows": ["*"] });
    let said = ApprovalKeys::parse(&json!({ "keys": [weak] }).to_string()).expect_err("1024 bits");
    assert!(said.contains("2048 to 8192 bits"), "{said}");
}

#[test]
fn an_approval_is_sent_again_in_its_form() {
    let signed = read(&eddsa(1).honest()).expect("an approval");
    let unsigned = Approval {
        signature: None,
        ..signed.clone()
    };
    for approval in [signed, unsigned] {
        let text = json!(SentApproval::of(approval.clone())).to_string();
        let sent: SentApproval = serde_json::from_str(&text).expect("an approval");
        assert_eq!(sent.read(), Ok(approval));
    }
    let posed = r#"{"approved_by":"bob","approved_at":"2025-09-29T12:00:00Z","reference":"C",
        "expires_at":"2025-09-29T14:00:00Z","input_sha256":"0","signature":{"kid":"erp",
        "verified":true,"jws":"a.b.c"}}"#;
    serde_json::from_str::<SentApproval>(posed).expect_err("a sender writes no signature");
    let list = r#"["bob","2025-09-29T12:00:00Z","2025-09-29T14:00:00Z","0","C"]"#;
    let error = serde_json::from_str::<SentApproval>(list).expect_err("a list is no approval");
    assert_eq!(
        error.to_string(),
        "invalid type: sequence, expected an object"
    );
}

#[test]
fn a_time_of_an_approval_has_an_offset_of_less_than_a_day() {
    let approval = |expires_at: &str| {
        let text = json!({"approved_by": "bob", "approved_at": "2025-09-29T12:00:00Z",
            "expires_at": expires_at, "input_sha256": "0", "reference": "C"});
        serde_json::from_str::<SentApproval>(&text.to_string())
    };
    approval("2025-09-29T14:00:00-23:59").expect("an approval");
    let error = approval("2025-09-29T14:00:00-25:00").expect_err("no offset");
    assert_eq!(
        error.to_string(),
        "a time of the approval must have an offset of at most 23:59"
    );
}

/// `HOLDFAST_WRITE_SCHEMAS=1 cargo test -p holdfast-admission published` writes the files.
#[test]
fn the_published_schemas_of_approvals_are_those_of_the_code() {
    for (name, schema) in [
        ("approval", schemars::schema_for!(SentApproval)),
        ("signed-approval", schemars::schema_for!(ApprovalClaims)),
    ] {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("../../docs/schemas/{name}.json"));
        let right = format!("{:#}\n", json!(schema));
        if std::env::var_os("HOLDFAST_WRITE_SCHEMAS").is_some() {
            std::fs::write(&file, &right).expect("docs can be written");
        }
        let published = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(published, right, "{} is stale", file.display());
    }
}
