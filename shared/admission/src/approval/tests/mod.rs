//! Tests of signed approvals: each algorithm, a corpus of attacks, and the key set.

mod signer;

use aws_lc_rs::hmac;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use self::signer::{b64, eddsa, es256, rs256};
use super::{
    super::{StartScope, check},
    *,
};
use holdfast_receipt::Approval;
use holdfast_task::StartConditions;

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
        timeout_s: 900,
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

/// Why the guardrail `approval` refuses the start, or why its form does; empty if neither does.
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
    let (right_header, right) = (signer.header().to_string(), claims());
    let header = |member: &str, value: Value| {
        let header = with(signer.header(), member, value);
        signer.jws(&header, &right.to_string())
    };
    let claim =
        |member: &str, value: Value| signer.jws(&right_header, &with(right.clone(), member, value));
    let honest = signer.honest();
    let (signed, signature) = honest.rsplit_once('.').expect("a JWS");
    let (head, payload) = signed.split_once('.').expect("two parts");
    let other_payload = b64(with(claims(), "approved_by", json!("cfo")));
    let none = b64(with(signer.header(), "alg", json!("none")));
    let hs256 = b64(with(signer.header(), "alg", json!("HS256")));
    let public = BASE64_URL_SAFE_NO_PAD
        .decode(signer.jwk["x"].as_str().expect("x"))
        .expect("bytes");
    let mac = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &public),
        format!("{hs256}.{payload}").as_bytes(),
    );
    let twice = right
        .to_string()
        .replacen('{', r#"{"approved_by":"cfo","#, 1);
    let corpus = [
        // Another key, algorithm or type.
        (header("kid", json!("unknown")), "is not listed"),
        (
            eddsa(2).honest(),
            "its alg is \"EdDSA\", and key \"erp\" is for ES256",
        ),
        (es256().honest(), "its signature does not fit"),
        (format!("{none}.{payload}."), "its alg is \"none\""),
        (
            format!("{none}.{payload}.{signature}"),
            "its alg is \"none\"",
        ),
        (
            format!("{hs256}.{payload}.{}", b64(mac)),
            "its alg is \"HS256\"",
        ),
        (header("alg", json!("es256")), "its alg is \"es256\""),
        (header("typ", json!("JWT")), "the typ of its header"),
        // A header that brings a key or an extension.
        (header("jwk", signer.jwk.clone()), "unknown field"),
        (
            header("jku", json!("https://evil.example/keys")),
            "unknown field",
        ),
        (header("x5c", json!(["AA"])), "unknown field"),
        (header("crit", json!(["exp"])), "unknown field"),
        (header("b64", json!(false)), "unknown field"),
        // Altered bytes.
        (
            format!("{head}.{other_payload}.{signature}"),
            "its signature does not fit",
        ),
        (
            format!("{signed}.{}", b64([0; 64])),
            "its signature does not fit",
        ),
        (format!("{signed}."), "its signature does not fit"),
        (format!("{honest}="), "not base64url"),
        (format!("{honest}.{signature}"), "header.payload.signature"),
        (signed.to_owned(), "header.payload.signature"),
        (honest.replace('.', ".."), "header.payload.signature"),
        (
            format!("{honest}{}", "A".repeat(JWS_MAX)),
            "at most 6000 characters",
        ),
        // A member twice, unknown, absent or of another type.
        (signer.jws(&right_header, &twice), "duplicate field"),
        (
            signer.jws(
                &right_header.replacen('{', r#"{"alg":"none","#, 1),
                &right.to_string(),
            ),
            "duplicate field",
        ),
        (claim("aud", json!("payroll")), "unknown field"),
        (claim("nbf", json!(0)), "unknown field"),
        (claim("exp", Value::Null), "not this JSON object"),
        (claim("exp", json!(1.5)), "not this JSON object"),
        (claim("exp", json!("9999999999")), "not this JSON object"),
        (claim("exp", json!(i64::MAX)), "exp is not a time"),
        (signer.jws(&right_header, "[]"), "not this JSON object"),
        (signer.jws(&right_header, "{}"), "missing field"),
        // Another tenant, workflow, input, time.
        (claim("tenant", json!("globex")), "it is for tenant globex"),
        (claim("tenant", json!("Acme")), "is not a tenant name"),
        (claim("workflow_id", json!("WF-PAY")), "it is for WF-PAY"),
        (claim("workflow_id", json!("*")), "not a workflow's id"),
        (
            claim("input_sha256", json!("0".repeat(64))),
            "another input",
        ),
        (claim("exp", json!(seconds(NOW))), "it has expired"),
        (
            claim("iat", json!(seconds("2025-09-29T13:02:00Z"))),
            "later than the start",
        ),
        // The requester, under any spelling.
        (claim("approved_by", json!("ann")), "cannot approve it"),
        (claim("approved_by", json!(" ANN ")), "cannot approve it"),
    ];
    for (n, (jws, why)) in corpus.iter().enumerate() {
        for unsigned in [false, true] {
            let said = refusal(&signer.keys(), &gate(unsigned), jws, "ann");
            assert!(said.contains(why), "{n}: {why}: {said:?}");
        }
    }
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
