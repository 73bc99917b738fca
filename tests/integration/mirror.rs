//! An auditor who has only the API lists digests, mirrors them with their receipts, and audits the
//! mirror.

use std::{fs, path::Path};

use holdfast_access::Role;
use holdfast_ids::digest::sha256_hex;
use holdfast_receipt::chain::Hour;
use holdfast_tests::{Stack, tokens, unique};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    chain::{Folder, files, key_set},
    story::{holdfast, holdfast_as},
};

#[tokio::test]
async fn an_auditor_without_aws_credentials_mirrors_and_audits_through_the_api() {
    let stack = Stack::from_env().await;
    let (folder, tenant) = (Folder::new(), stack.aws.new_tenant("tenant"));
    let api = stack.api.as_tenant(&tenant);
    let auditor = stack.api.as_role(Role::Auditor, &tenant);
    let group = json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
    let id = api
        .started("WF-HOLD-VENDOR-GROUP", &unique("chain"), &group)
        .await;
    let (_, receipt) = api.finished(&id).await;
    let signed = receipt["timestamp"].as_str().expect("a time");
    let began = Hour::of(signed.parse().expect("a time"));
    // The first receipt is the predecessor of the second, and the digests list both.
    let path = format!("/v1/executions/{id}/rollback");
    let reply = api.post(&path, &json!({ "reason": "a mistake" })).await;
    assert_eq!(reply.status, 202, "{}", reply.body);
    api.finished(&id).await;
    let until = Hour::of(Timestamp::now()).next().next();
    stack.aws.invoke(
        "digest",
        &json!({ "tenant": tenant, "until": until.from() }),
    );

    let (from, to) = (began.to_string(), until.to_string());
    let path = format!("/v1/digests?from={from}&until={to}&limit=1");
    let (mut page, mut hours) = (auditor.get(&path).await, Vec::new());
    loop {
        assert_eq!(page.status, 200, "{}", page.body);
        let one = &page.body["digests"][0];
        let bytes = auditor.bytes(one["url"].as_str().expect("a url")).await;
        assert_eq!(one["sha256"], sha256_hex(&bytes));
        hours.push(one["from"].as_str().expect("a time").to_owned());
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        page = auditor.get(&format!("{path}&cursor={next}")).await;
    }
    let all: Vec<_> = (0..)
        .map(|n| Hour::of(began.from() + SignedDuration::from_hours(n)))
        .take_while(|hour| *hour < until)
        .map(|hour| hour.to_string())
        .collect();
    assert_eq!(hours, all, "each hour, in order, and no other");
    let none = auditor.get(&format!("/v1/digests?from={to}")).await;
    assert_eq!(none.body, json!({ "digests": [], "next": null }));
    for (query, status) in [
        (format!("tenant={}", unique("tenant")), 404),
        ("cursor=1".to_owned(), 400),
        ("from=today".to_owned(), 400),
        ("limit=101".to_owned(), 400),
        ("hour=1".to_owned(), 400),
    ] {
        let reply = auditor.get(&format!("/v1/digests?{query}")).await;
        assert_eq!(reply.status, status, "{query}: {}", reply.body);
    }
    let observer = stack.api.as_role(Role::Observer, &tenant);
    assert_eq!(observer.get("/v1/digests").await.status, 403);

    let (dir, keys) = (folder.path("mirror"), key_set(&stack.api, &folder).await);
    let token = tokens::token(Role::Auditor, Some(&tenant), "auditor");
    let mirror = [
        "receipt", "mirror", "--tenant", &tenant, "--from", &from, "--to", &to, "--dir", &dir,
    ];
    let digests = all.len();
    let counts = format!("{digests} digests, 2 receipts, {} fetched now", digests + 2);
    let (fine, said) = holdfast_as(&token, &mirror).await;
    assert!(fine && said.contains(&counts), "{said}");
    let (fine, said) = holdfast_as(&token, &mirror).await;
    assert!(fine && said.contains("2 receipts, 0 fetched now"), "{said}");
    let audit = [
        "receipt", "audit", "--tenant", &tenant, "--from", &from, "--to", &to, "--dir", &dir,
        "--jwks", &keys,
    ];
    let (fine, said) = holdfast(&audit).await;
    let right = "2 receipts, all as they were written";
    assert!(fine && said.contains(right), "{said}");
    // A later range has the digests before it, which show whether the tenant was quiet.
    let (late, last) = (folder.path("late"), all.last().expect("an hour"));
    let of_late = [
        "receipt", "mirror", "--tenant", &tenant, "--from", last, "--to", &to, "--dir", &late,
    ];
    let (fine, said) = holdfast_as(&token, &of_late).await;
    assert!(fine && said.contains("1 digest, 0 receipts"), "{said}");
    assert!(Path::new(&late).join(began.object(&tenant)).exists());
    // An altered file stays where it is, so that a person can look at it.
    let mut receipts = Vec::new();
    files(&Path::new(&dir).join("receipts"), &mut receipts);
    fs::write(&receipts[0], b"{}").expect("it can be written");
    let (fine, said) = holdfast_as(&token, &mirror).await;
    assert!(
        !fine && said.contains("differs from the object of the API"),
        "{said}"
    );
}
