//! The inbox on the stack: open questions in their lists, and what holds an execution up.

use holdfast_access::Role;
use holdfast_tests::{Api, Reply, Stack, eventually, texts, tokens, unique};
use serde_json::{Value, json};

use crate::decisions::{asked, decide, refused};

/// The ids of the executions in a list of `api`, in order.
async fn listed(api: &Api, path: &str, list: &str) -> Vec<String> {
    let Reply { status, body, .. } = api.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    let ids = texts(&body[list], "execution_id");
    ids.into_iter().map(str::to_owned).collect()
}

/// Waits until the execution is in the list, or is not. The index is a moment old.
async fn awaited(api: &Api, path: &str, list: &str, id: &str, expected: bool) {
    eventually(&format!("{path} has {id}: {expected}"), || async {
        let ids = listed(api, path, list).await;
        let found = ids.iter().any(|one| one == id);
        (found == expected)
            .then_some(())
            .ok_or_else(|| format!("{ids:?}"))
    })
    .await;
}

fn entry<'a>(body: &'a Value, list: &str, id: &str) -> &'a Value {
    let entries = body[list].as_array().into_iter().flatten();
    let mut found = entries.filter(|entry| entry["execution_id"] == id);
    found
        .next()
        .unwrap_or_else(|| panic!("{id} is not in {body}"))
}

#[tokio::test]
async fn an_open_question_waits_in_the_lists_of_its_people_until_it_is_decided() {
    let mut stack = Stack::from_env().await;
    let (tenant, vendor) = (stack.aws.new_tenant("inbox"), unique("vendor"));
    stack.api = stack.api.as_tenant(&tenant);
    let (id, question) = refused(&stack, &vendor).await;
    let (api, bob) = (&stack.api, stack.api.as_actor("bob"));
    awaited(&bob, "/v1/questions?for=me", "questions", &id, true).await;
    let questions = bob.get("/v1/questions").await.body;
    let listed_question = entry(&questions, "questions", &id);
    assert_eq!(listed_question["step"], question["step"]);
    assert_eq!(listed_question["message"], question["message"]);
    assert_eq!(listed_question["until"], question["until"]);
    assert_eq!(listed_question["tenant"], tenant.as_str());
    let observer = stack.api.as_role(Role::Observer, &tenant);
    let seen = observer.get("/v1/questions").await.body;
    assert!(
        entry(&seen, "questions", &id).get("message").is_none(),
        "{seen}"
    );
    for (role, own, path) in [
        (Role::TenantAdmin, tenant.as_str(), "/v1/questions?for=me"),
        (
            Role::TenantAdmin,
            tenant.as_str(),
            "/v1/questions?for=groups",
        ),
        (Role::TenantAdmin, "globex", "/v1/questions"),
    ] {
        let other = stack.api.as_role(role, own);
        awaited(&other, path, "questions", &id, false).await;
    }

    // The list and the single view show the same.
    let one = api.get(&format!("/v1/executions/{id}")).await.body;
    awaited(
        api,
        "/v1/executions?status=WAITING",
        "executions",
        &id,
        true,
    )
    .await;
    awaited(
        api,
        "/v1/executions?status=RUNNING",
        "executions",
        &id,
        false,
    )
    .await;
    let executions = api.get("/v1/executions").await.body;
    let many = entry(&executions, "executions", &id);
    for member in ["status", "waiting", "paused"] {
        assert_eq!(one[member], many[member], "{member}");
    }
    assert_eq!(one["status"], "WAITING");
    assert_eq!(one["waiting"]["step"], question["step"]);

    let decided = decide(&bob, &question, "rollback", &id).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    awaited(&bob, "/v1/questions", "questions", &id, false).await;
    awaited(
        api,
        "/v1/executions?status=WAITING",
        "executions",
        &id,
        false,
    )
    .await;
    api.finished(&id).await;
}

#[tokio::test]
async fn a_paused_tenant_sees_its_pause_and_an_execution_shows_it() {
    let stack = Stack::from_env().await;
    let (tenant, vendor) = (stack.aws.new_tenant("paused"), unique("vendor"));
    let workflow = include_str!("../workflows/stops.yaml");
    stack.aws.deploy(workflow).await;
    let api = stack.api.as_tenant(&tenant);
    let input = json!({ "first": vendor, "second": unique("vendor") });
    let id = api
        .started("WF-TEST-STOPS", &unique("paused"), &input)
        .await;
    let question = asked(&api, &id).await;
    let control = format!("/v1/controls/tenant/{tenant}");
    let pause = json!({ "state": "paused", "reason": "a leak" });
    assert_eq!(api.put(&control, &pause).await.status, 200);

    let one = api.get(&format!("/v1/executions/{id}")).await.body;
    assert_eq!(one["status"], "WAITING", "a question has a deadline: {one}");
    assert_eq!(one["paused"]["reason"], "a leak");
    let decided = decide(&api.as_actor("bob"), &question, "approve", &id).await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    let path = format!("/v1/executions/{id}");
    let one = eventually("the execution is paused", || async {
        let one = api.get(&path).await.body;
        match one["status"] == "PAUSED" {
            true => Ok(one),
            false => Err(one.to_string()),
        }
    })
    .await;
    awaited(
        &api,
        "/v1/executions?status=PAUSED",
        "executions",
        &id,
        true,
    )
    .await;
    let executions = api.get("/v1/executions").await.body;
    let many = entry(&executions, "executions", &id);
    assert_eq!(
        (&one["paused"], &one["status"]),
        (&many["paused"], &many["status"])
    );

    let scopes = |body: &Value| {
        let scopes = texts(&body["controls"], "scope").into_iter();
        scopes.map(str::to_owned).collect::<Vec<_>>()
    };
    let scope = format!("tenant/{tenant}");
    let admin = stack.api.as_role(Role::TenantAdmin, &tenant);
    eventually("the tenant sees its pause", || async {
        let controls = admin.get("/v1/controls").await.body;
        let others = scopes(&controls)
            .into_iter()
            .filter(|one| one.starts_with("tenant/"));
        (others.collect::<Vec<_>>() == [scope.clone()])
            .then_some(())
            .ok_or_else(|| controls.to_string())
    })
    .await;
    let other = stack.api.as_role(Role::Observer, "globex");
    assert!(!scopes(&other.get("/v1/controls").await.body).contains(&scope));

    let resume = json!({ "state": "running", "reason": "mended" });
    assert_eq!(api.put(&control, &resume).await.status, 200);
    let reason = json!({ "reason": "the end of the test" });
    api.post(&format!("{path}/cancel"), &reason).await;
    api.finished(&id).await;
}

#[tokio::test]
async fn a_role_of_every_tenant_lists_the_executions_of_all_page_by_page() {
    let stack = Stack::from_env().await;
    let began = jiff::Timestamp::now();
    let mut right = Vec::new();
    for _ in 0..2 {
        let tenant = stack.aws.new_tenant("merged");
        let api = stack.api.as_tenant(&tenant);
        let input =
            json!({ "group": "g", "hold_days": 3, "vendors": [{ "id": unique("vendor") }] });
        for _ in 0..2 {
            let id = api
                .started("WF-HOLD-VENDOR-GROUP", &unique("merged"), &input)
                .await;
            api.finished(&id).await;
            right.push(id);
        }
    }
    let ended = jiff::Timestamp::now();
    let token = tokens::token(Role::PlatformObserver, None, "eve");
    let eve = stack
        .api
        .as_role(Role::PlatformObserver, "acme")
        .bearing(token);
    eventually("the pages have all four once", || async {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/executions?from={began}&until={ended}&limit=2{cursor}");
            let page = eve.get(&path).await;
            if page.status != 200 {
                return Err(format!("{path}: {} {}", page.status, page.body));
            }
            let ids = texts(&page.body["executions"], "execution_id").into_iter();
            seen.extend(ids.map(str::to_owned));
            match page.body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let found = |id: &String| seen.iter().filter(|one| *one == id).count();
        let all = right.iter().all(|id| found(id) == 1);
        let newest_first: Vec<_> = seen.iter().filter(|id| right.contains(id)).rev().collect();
        (all && newest_first == right.iter().collect::<Vec<_>>())
            .then_some(())
            .ok_or_else(|| format!("{seen:?}"))
    })
    .await;
}
