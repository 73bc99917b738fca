//! Tests of the page: its content, its style and policy, and texts of an attacker.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::{
    evidence::{CertifiedSealer, MemorySigner, Seal, SealerHost, Signatory, seal},
    schema::schema,
};

/// A receipt with every member that a receipt can have.
fn rich() -> Value {
    serde_json::from_str(include_str!("sample.json")).unwrap()
}

fn page_text(receipt: &Value) -> String {
    let receipt = serde_json::from_value(receipt.clone()).unwrap();
    page(&PageInput {
        receipt: &receipt,
        object: "receipts/acme/2025/09/29/0-1.json",
        sha256: &"b".repeat(64),
        signature: &Ok(Signatory {
            kid: "key-1".to_owned(),
            certificate: None,
        }),
        at: "2025-10-01T09:00:00Z".parse().unwrap(),
    })
}

/// The page's tags in order, each with its number of quotes, without the marks of invisible
/// characters. Every `<` of the page begins a tag, and every `>` ends one.
fn tags(page: &str) -> Vec<(&str, usize)> {
    let (_, body) = page.split_once("</style>").unwrap();
    let mut tags = Vec::new();
    let mut inside_mark = false;
    for tag in body.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').unwrap();
        let mark = tag.starts_with("span class=\"hidden\"");
        if !mark && !inside_mark {
            tags.push((tag.split(' ').next().unwrap(), tag.matches('"').count()));
        }
        inside_mark = mark;
    }
    tags
}

/// Replaces every text of a receipt that has no form of its own by `text`.
fn filled(value: &mut Value, text: &str) {
    const FORMED: [&str; 6] = ["format", "status", "outcome", "decision", "at", "timestamp"];
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if !FORMED.contains(&name.as_str()) && !name.ends_with("_at") {
                    filled(member, text);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| filled(item, text)),
        Value::String(old) => *old = text.to_owned(),
        _ => {}
    }
}

#[test]
fn no_text_of_any_member_becomes_markup_or_hides() {
    let tame = page_text(&rich());
    let long = "x".repeat(20_000);
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></style></svg><iframe src=//evil>",
        "<!-- --!> ]]> &lt;b&gt; &#60;i>",
        "\u{202e}fdp.exe\u{2066}\u{0}\u{1b}[31m\u{200b}",
        "👩\u{200d}🚀 e\u{301} العربية",
        &long,
    ];
    for text in hostile {
        let mut receipt = rich();
        filled(&mut receipt, text);
        let page = page_text(&receipt);
        assert_eq!(tags(&page), tags(&tame), "{text}");
        let hides = |c: char| {
            c.is_control()
                || matches!(c, '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        let (_, body) = page.split_once("</style>").unwrap();
        assert_eq!(body.find(hides), None, "{text}");
    }
}

#[test]
fn every_attempt_and_every_other_content_of_a_receipt_is_on_its_page() {
    let page = page_text(&rich());
    let texts = [
        "Partially rolled back",
        "WF-HOLD",
        "version 3",
        "zoe",
        "wrong vendor",
        "bob",
        "it is mended",
        "the vendor answers again",
        "HTTP 503",
        "HTTP 403",
        "13:00:00.000",
        "13:00:11.000",
        "13:00:28.000",
        "04ca82f4",
        "receipts/acme/2025/09/29/0-0.json",
        "a hold lasts 30 days at most",
        "may remain",
        "sha256:d1",
        "sha256:p1",
        "ann",
        "PR-42",
        "u-1",
        "not run",
        "risk-17",
        "acme",
        "mia@acme",
        "order 4711",
        "Acme Tools",
        "amount due",
        "1250.5",
        "eu-central-1",
        "12:58:00",
        "13:00:25",
        "It needed 3 people of distinct groups of: ",
        "standing in for <bdi>dan</bdi>",
        "platform admin in the place of the group <bdi>board</bdi>",
        "dan is away",
        "55555555",
        "no person was asked, since this rule yielded false: <bdi>$input.amount &gt; 50000</bdi>",
    ];
    for text in texts {
        assert!(page.contains(text), "{text}");
    }
    let bars = ["<title>attempt ", "<title>undo "].map(|bar| page.matches(bar).count());
    assert_eq!(bars, [2, 1]);
}

#[test]
fn a_page_is_complete_under_its_policy_and_requests_nothing() {
    let page = page_text(&rich());
    let policy = content_security_policy();
    let (_, after) = page.split_once("<style>").unwrap();
    let (style, body) = after.split_once("</style>").unwrap();
    let hash = BASE64_STANDARD.encode(Sha256::digest(style.as_bytes()));
    assert!(
        policy.contains(&format!("style-src 'sha256-{hash}'")),
        "{policy}"
    );
    for asset in [
        "<script", "style=\"", "src=", "href=", "http://", "https://", "@import", "<link", "<form",
    ] {
        assert!(!body.contains(asset), "{asset}");
    }
    assert!(!style.contains("url(h") && !style.contains("@import"));
}

/// The clock and the secrets of a process that signs at the time of the sample.
struct SampleHost;

impl SealerHost for SampleHost {
    fn time(&self) -> Timestamp {
        let receipt: Receipt = serde_json::from_value(rich()).unwrap();
        receipt.timestamp.parse().unwrap()
    }

    fn random(&self, secret: &mut [u8]) -> Result<(), String> {
        secret.fill(9);
        Ok(())
    }

    fn certified(&self, _: &str, _: jiff::Timestamp) {}
}

#[test]
fn the_seal_names_the_key_that_certified_a_short_lived_one() {
    let signer = MemorySigner::new(&[7; 32]).unwrap();
    let keys = Jwks::new(vec![signer.public().clone()]);
    let kid = signer.public().kid().to_owned();
    let deployment = rich()["deployment"].as_str().unwrap().to_owned();
    let sealer = CertifiedSealer::new(signer, SampleHost, &deployment, "1");
    let bytes = futures_executor::block_on(sealer.receipt(rich())).unwrap();
    let page = page_of(&bytes, "x.json", None, &keys, SampleHost.time()).unwrap();
    let short = MemorySigner::new(&[9; 32])
        .unwrap()
        .public()
        .kid()
        .to_owned();
    for text in [
        format!("Signed by <code><bdi>{kid}</bdi></code>, verified"),
        format!("certified the short-lived key <code><bdi>{short}</bdi></code>"),
    ] {
        assert!(page.contains(&text), "{text}: {page}");
    }
    let altered = String::from_utf8(bytes)
        .unwrap()
        .replace("wrong vendor", "right vendor");
    let page = page_of(altered.as_bytes(), "x.json", None, &keys, SampleHost.time()).unwrap();
    for text in ["Not verified: ", "the signature does not fit"] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn the_seal_names_the_key_or_the_reason_why_it_is_not_verified() {
    let signer = MemorySigner::new(&[7; 32]).unwrap();
    let keys = Jwks::new(vec![signer.public().clone()]);
    let bytes = futures_executor::block_on(seal(&signer, Kind::Receipt, rich())).unwrap();
    let at: Timestamp = "2025-10-01T09:00:00Z".parse().unwrap();
    let of = |bytes: &[u8], recorded: Option<&str>, keys: &Jwks| {
        page_of(bytes, "x.json", recorded, keys, at).unwrap()
    };
    let sha256 = sha256_hex(&bytes);
    let good = of(&bytes, Some(&sha256), &keys);
    let kid = signer.public().kid();
    assert!(
        good.contains(&format!(
            "Signed by <code><bdi>{kid}</bdi></code>, verified"
        )),
        "{good}"
    );
    let text = String::from_utf8(bytes.clone()).unwrap();
    let altered = text.replace("wrong vendor", "right vendor");
    let other = Jwks::new(vec![MemorySigner::new(&[8; 32]).unwrap().public().clone()]);
    let unsigned = holdfast_ids::digest::canonical(&rich()).unwrap();
    let cases = [
        (
            of(altered.as_bytes(), None, &keys),
            "the signature does not fit",
        ),
        (of(&bytes, None, &other), "which is not in the key set"),
        (
            of(&bytes, Some("00"), &keys),
            "not the one that the ledger recorded",
        ),
        (of(&unsigned, None, &keys), "it has no signature"),
    ];
    for (page, why) in cases {
        assert!(
            page.contains("Not verified: ") && page.contains(why),
            "{why}"
        );
        assert!(!page.contains(", verified"), "{why}");
    }
    let error = page_of(b"{}", "x.json", None, &keys, at).unwrap_err();
    assert!(error.starts_with("it is no holdfast.receipt/1"), "{error}");
}

#[test]
fn the_samples_of_these_tests_are_receipts() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let wrong: Vec<_> = schema.iter_errors(&rich()).map(|e| e.to_string()).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// The snapshot has one block a line, and leaves out the style.
#[test]
fn a_rejected_start_has_a_short_page() {
    let mut receipt = rich();
    let members = receipt.as_object_mut().unwrap();
    for absent in [
        "approval",
        "approvals",
        "choices",
        "decisions",
        "earlier",
        "incident",
        "policy_digest",
        "previous_receipt",
        "redriven",
        "stopped",
    ] {
        members.remove(absent);
    }
    receipt["status"] = json!("REJECTED");
    receipt["generation"] = json!(0);
    receipt["failure"] = json!({ "state": "Begin", "error": "Rejected", "reason": "short_hold: a hold lasts 30 days at most" });
    receipt["residual_effects"] = json!([]);
    receipt["steps"] = json!([receipt["steps"][1]]);
    let page = page_text(&receipt);
    let (head, rest) = page.split_once("<style>").unwrap();
    let (_, body) = rest.split_once("</style>").unwrap();
    let mut lines = format!("{head}{body}");
    for block in [
        "body", "header", "main", "footer", "section", "h1", "h2", "div", "p", "dl", "table",
        "thead", "tbody", "tr", "svg",
    ] {
        for tag in [format!("<{block}>"), format!("<{block} ")] {
            lines = lines.replace(&tag, &format!("\n{tag}"));
        }
    }
    assert_snapshot!(lines, @r#"
    <!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex"><title>Rejected: order 4711, receipt</title></head>
    <body>
    <svg class="defs" width="0" height="0" aria-hidden="true" focusable="false"><defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-ground" width="5" height="5"></rect><rect class="hatch-line" width="2" height="5"></rect></pattern><pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="gap-line" width="1" height="6"></rect></pattern></defs></svg>
    <header>
    <p class="kind">Execution receipt</p>
    <h1><bdi>WF-HOLD</bdi> <span class="version">version 3</span></h1>
    <p class="subject"><bdi>order 4711</bdi></p>
    <div class="status bad">
    <svg class="icon" viewBox="0 0 24 24" width="40" height="40" aria-hidden="true" focusable="false"><circle cx="12" cy="12" r="11"></circle><path d="M7 12h10"></path></svg>
    <p><strong>Rejected</strong> <span>It was rejected before its first step. Nothing was applied.</span></p></div></header>
    <main>
    <section id="signature" aria-labelledby="signature-heading">
    <h2 id="signature-heading">Signature</h2>
    <p class="seal good"><strong>Signed by <code><bdi>key-1</bdi></code>, verified</strong> on 2025-10-01 09:00:00 UTC.</p></section>
    <section id="execution" aria-labelledby="execution-heading">
    <h2 id="execution-heading">Execution</h2>
    <dl class="facts">
    <div><dt><bdi>vendor</bdi></dt><dd><bdi>Acme Tools</bdi></dd></div>
    <div><dt><bdi>amount due</bdi></dt><dd><bdi>1250.5</bdi></dd></div>
    <div><dt>Tenant</dt><dd><bdi>acme</bdi></dd></div>
    <div><dt>Trigger</dt><dd><bdi>api</bdi></dd></div>
    <div><dt>Requested by</dt><dd><bdi>mia@acme</bdi></dd></div>
    <div><dt>Began</dt><dd><time datetime="2025-09-29T13:00:00Z">2025-09-29 13:00:00.000 UTC</time></dd></div>
    <div><dt>Ended</dt><dd><time datetime="2025-09-29T13:00:30Z">2025-09-29 13:00:30.000 UTC</time></dd></div>
    <div><dt>Took</dt><dd>30 s</dd></div>
    <div><dt>Receipt number</dt><dd>1</dd></div>
    <div><dt>Refused repeats of its start</dt><dd>2</dd></div>
    <div><dt>Region</dt><dd><bdi>eu-central-1</bdi></dd></div>
    <div class="wide"><dt>Deployment</dt><dd><code><bdi>210987654321/eu-central-1/holdfast</bdi></code></dd></div>
    <div class="wide"><dt>Execution</dt><dd><code><bdi>0000000000000000000000000000000000000000</bdi></code></dd></div>
    <div class="wide"><dt>Idempotency key</dt><dd><code><bdi>risk-17</bdi></code></dd></div></dl></section>
    <section id="failure" aria-labelledby="failure-heading">
    <h2 id="failure-heading">Why it was rejected</h2>
    <p class="reason"><bdi>short_hold: a hold lasts 30 days at most</bdi></p>
    <p class="aside">Error <strong><bdi>Rejected</bdi></strong> at <strong><bdi>Begin</bdi></strong>.</p></section>
    <section id="residual" aria-labelledby="residual-heading">
    <h2 id="residual-heading">What remains</h2>
    <p>Nothing: no effect of this execution remains.</p></section>
    <section id="timeline" aria-labelledby="timeline-heading">
    <h2 id="timeline-heading">Timeline</h2>
    <p>No step was attempted.</p></section>
    <section id="steps" aria-labelledby="steps-heading">
    <h2 id="steps-heading">Steps</h2>
    <table class="steps"><caption class="unseen">Every step with every attempt</caption>
    <thead>
    <tr><th scope="col">Step</th><th scope="col">Outcome</th><th scope="col">Began (UTC)</th><th scope="col">Took</th><th scope="col">Error</th></tr></thead>
    <tbody>
    <tr class="step"><th scope="rowgroup"><bdi>notify</bdi></th><td><span class="mark none">not run</span></td><td colspan="3"><bdi>http</bdi>, 0 attempts</td></tr></tbody></table></section>
    <section id="rollback" aria-labelledby="rollback-heading">
    <h2 id="rollback-heading">Rollback</h2>
    <p>There was nothing to undo.</p></section>
    <section id="guardrails" aria-labelledby="guardrails-heading">
    <h2 id="guardrails-heading">Guardrails</h2>
    <table><caption class="unseen">Outcome of each guardrail</caption>
    <thead>
    <tr><th scope="col">Guardrail</th><th scope="col">Outcome</th><th scope="col">Message</th></tr></thead>
    <tbody>
    <tr><th scope="row"><bdi>input</bdi></th><td><span class="mark good">held</span></td><td></td></tr>
    <tr><th scope="row"><bdi>short_hold</bdi></th><td><span class="mark bad">did not hold</span></td><td><bdi>a hold lasts 30 days at most</bdi></td></tr></tbody></table></section>
    <section id="evidence" aria-labelledby="evidence-heading">
    <h2 id="evidence-heading">Evidence</h2>
    <dl class="evidence">
    <div><dt>Receipt</dt><dd><code><bdi>receipts/acme/2025/09/29/0-1.json</bdi></code></dd></div>
    <div><dt>SHA-256 of the receipt</dt><dd><code><bdi>bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb</bdi></code></dd></div>
    <div><dt>Format</dt><dd><code><bdi>holdfast.receipt/1</bdi></code></dd></div>
    <div><dt>Digest of the definition</dt><dd><code><bdi>sha256:d1</bdi></code></dd></div>
    <div><dt>SHA-256 of the input</dt><dd><code><bdi>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</bdi></code></dd></div></dl>
    <p class="aside">This page is made from the receipt and proves nothing by itself. The receipt's file is the evidence. Verify it with the public keys: <code>holdfast receipt verify FILE --jwks KEYS</code>.</p></section></main>
    <footer>
    <p>Holdfast receipt 1 of execution <code><bdi>0000000000000000000000000000000000000000</bdi></code>.</p></footer></body></html>
    "#);
}

#[test]
fn a_requester_is_marked_as_the_senders_word_unless_the_api_took_it_from_a_token() {
    for (trigger, marked) in [("api", false), ("direct", true), ("vendor_risk", true)] {
        let mut receipt = rich();
        receipt["trigger"] = json!(trigger);
        let page = page_text(&receipt);
        let word = "(as the sender of the start says)";
        assert_eq!(page.contains(word), marked, "{trigger}");
    }
}
