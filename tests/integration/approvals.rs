//! Approvals by people of groups: who may approve through which door, what an approver sees, and
//! what the receipt says of each vote.

mod matrix;
mod people;
mod shipped;

use holdfast_access::Role;
use holdfast_ids::{digest::value_sha256_hex, keys::execution_id};
use holdfast_ledger::{IncidentKey, Key};
use holdfast_tests::{Stack, tokens, unique};
use serde_json::{Value, json};

use self::people::People;
use crate::decisions::{asked, decide};

const SIGNS: &str = "WF-TEST-SIGNS";
const SOON: &str = "WF-TEST-SIGNS-SOON";

/// The people of one test, and a workflow that asks cfo and treasury above 50,000.
async fn people(stack: &Stack) -> People<'_> {
    let signs = include_str!("../workflows/signs.yaml");
    stack.aws.deploy(signs).await;
    let suffix = unique("people");
    People { stack, suffix }
}

/// An execution that `requester` starts and that waits, its question, and its vendor.
async fn waiting(people: &People<'_>, requester: &str) -> (String, Value, String) {
    let vendor = unique("vendor");
    let input = json!({ "vendor_id": vendor, "amount": 90_000 });
    let api = people.api(requester);
    let id = api.started(SIGNS, &unique("signs"), &input).await;
    let question = asked(&people.stack.api, &id).await;
    (id, question, vendor)
}

#[tokio::test]
async fn the_answer_to_each_vote_and_the_receipt_say_who_for_whom_and_for_which_group() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let (id, question, _) = waiting(&people, "tenant-admin:rita").await;
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let body = json!({ "to": people.subject("bob"), "until": until, "reason": "leave" });
    let path = "/v1/delegations/cfo";
    let set = people.api("cfo:ann").put(path, &body).await;
    assert_eq!(
        (set.status, &set.body["in_force"]),
        (200, &json!(true)),
        "{}",
        set.body
    );
    let again = people.api("cfo:ann").put(path, &body).await;
    assert_eq!(again.body["replayed"], true, "{}", again.body);

    let path = format!("/v1/executions/{id}");
    let seen = people.api("cfo:ann").get(&path).await.body;
    let first = decide(&people.api("none:bob"), &question, "approve", &id)
        .await
        .body;
    assert_eq!(
        (&first["decided"], &first["needed"]["people"]),
        (&json!(false), &json!(1)),
        "{first}"
    );
    assert_eq!(first["needed"]["groups"], json!(["treasury"]), "{first}");
    let second = decide(&people.api("admin:root"), &question, "approve", &id)
        .await
        .body;
    assert_eq!(
        (&second["decided"], &second["needed"]),
        (&json!(true), &Value::Null),
        "{second}"
    );

    let (_, receipt) = stack.api.finished(&id).await;
    let votes = &receipt["approvals"][0]["votes"];
    let (bob, ann, root) = (
        people.subject("bob"),
        people.subject("ann"),
        people.subject("root"),
    );
    for (vote, by, group, acting_for, in_place) in [
        (&votes[0], bob, "cfo", json!(ann), json!(false)),
        (&votes[1], root, "treasury", Value::Null, json!(true)),
    ] {
        let in_place_of_group = vote.get("in_place_of_group").unwrap_or(&Value::Bool(false));
        assert_eq!(
            (
                &vote["by"],
                &vote["group"],
                &vote["acting_for"],
                in_place_of_group
            ),
            (&json!(by), &json!(group), &acting_for, &in_place),
            "{receipt}"
        );
        assert_eq!(vote["reason"], "seen to", "{receipt}");
        // The digest is of what the approver's own answer shows.
        let asked = &seen["questions"][0];
        let shown = seen["shown"].as_array().into_iter().flatten();
        let label = |field: &Value| field["label"].as_str().expect("a label").to_owned();
        let show = shown.map(|field| (label(field), field["value"].clone()));
        let shown = json!({
            "execution_id": seen["execution_id"], "workflow_id": seen["workflow_id"],
            "workflow_version": seen["workflow_version"], "tenant": seen["tenant"],
            "step": asked["step"], "message": asked["message"], "until": asked["until"],
            "subject": seen["subject"], "input_sha256": seen["input_sha256"],
            "show": show.collect::<serde_json::Map<_, _>>(),
        });
        let digest = value_sha256_hex(&shown).expect("canonical JSON");
        assert_eq!(vote["shown_sha256"], digest, "{shown} {receipt}");
    }
}

#[tokio::test]
async fn an_approver_sees_what_asks_them_and_nothing_else() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let (id, question, vendor) = waiting(&people, "tenant-admin:rita").await;
    let ann = people.api("cfo:ann");
    let execution = ann.get(&format!("/v1/executions/{id}")).await;
    assert_eq!(execution.status, 200, "{}", execution.body);
    let shown = &execution.body["questions"][0];
    assert!(shown["message"].to_string().contains(&vendor), "{shown}");
    assert_eq!(shown["by"], json!(["cfo", "treasury"]), "{shown}");
    for payload in ["input", "output"] {
        assert!(execution.body.get(payload).is_none(), "{}", execution.body);
    }
    let subject = json!(format!("vendor {vendor}"));
    assert_eq!(execution.body["subject"], subject, "{}", execution.body);
    for member in ["shown", "input_sha256"] {
        assert!(execution.body.get(member).is_some(), "{member}");
    }
    let incident = question["incident"].as_str().expect("a path");
    let incident = ann.get(incident).await;
    assert_eq!(incident.status, 200, "{}", incident.body);
    let link = &incident.body["executions"][0];
    let shown = &link["question"]["message"];
    assert!(shown.to_string().contains(&vendor), "{}", incident.body);
    assert_eq!(link["subject"], subject, "{}", incident.body);
    let observer = people.api("observer:olga");
    let observed = observer.get(&format!("/v1/executions/{id}")).await;
    for member in ["subject", "shown", "input_sha256"] {
        assert!(observed.body.get(member).is_none(), "{}", observed.body);
    }

    let other = people.api("ops:ann");
    for path in [
        format!("/v1/executions/{id}"),
        format!("/v1/executions/{id}/events"),
        question["incident"].as_str().expect("a path").to_owned(),
    ] {
        assert_eq!(other.get(&path).await.status, 404, "{path}");
        assert_eq!(
            people.api("cfo@globex:ann").get(&path).await.status,
            404,
            "{path}"
        );
    }
    for path in [
        "/v1/executions",
        "/v1/incidents",
        "/v1/receipts",
        "/v1/digests",
        "/v1/workflows",
        "/v1/controls",
        "/v1/tenants",
        &format!("/v1/executions/{id}/receipt"),
    ] {
        let reply = ann.get(path).await;
        assert_eq!(reply.status, 403, "{path}: {}", reply.body);
    }
    for what in ["cancel", "rollback", "redrive"] {
        let path = format!("/v1/executions/{id}/{what}");
        let reply = ann.post(&path, &json!({ "reason": "tried" })).await;
        assert_eq!(reply.status, 403, "{what}: {}", reply.body);
    }
    let input = json!({ "vendor_id": vendor, "amount": 1 });
    let start = ann.start(SIGNS, &unique("signs"), &input).await;
    assert_eq!(start.status, 403, "{}", start.body);
}

#[tokio::test]
async fn an_incident_takes_no_decision_for_another_execution() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let (one, _, _) = waiting(&people, "tenant-admin:rita").await;
    let (_, other, _) = waiting(&people, "tenant-admin:rita").await;
    for person in ["cfo:ann", "admin:root"] {
        let reply = decide(&people.api(person), &other, "approve", &one).await;
        assert_eq!(reply.status, 409, "{}", reply.body);
    }
    let execution = stack.api.get(&format!("/v1/executions/{one}")).await.body;
    assert_eq!(execution["questions"][0]["votes"], json!([]), "{execution}");
}

#[tokio::test]
async fn a_question_is_shown_once_its_incident_names_its_execution() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let (id, question, _) = waiting(&people, "tenant-admin:rita").await;
    let path = question["incident"].as_str().expect("a path");
    let incident = path.rsplit('/').next().expect("an id");
    let ann = people.api("cfo:ann");
    let every = stack.api.as_role(Role::PlatformAdmin, "acme");
    let every = every.bearing(tokens::token(Role::PlatformAdmin, None, "ops"));
    let seen = || async {
        let execution = ann.get(&format!("/v1/executions/{id}")).await.body;
        let questions = execution["questions"].as_array().map(Vec::len);
        let mut listed = Vec::new();
        for api in [&ann, &every] {
            let list = api.get("/v1/questions?limit=100").await.text;
            listed.push(list.contains(&id));
        }
        (execution["status"].clone(), questions, listed)
    };
    let shown = (json!("WAITING"), Some(1), vec![true; 2]);
    assert_eq!(seen().await, shown);
    // Without the link, it is as if the function that asks were slow after its question.
    let key = Key::Link {
        incident: IncidentKey::new("acme", incident),
        execution: id.clone(),
        generation: 0,
    };
    let record = stack.aws.take_record(&key).await;
    let hidden = (json!("RUNNING"), Some(0), vec![false; 2]);
    assert_eq!(seen().await, hidden);
    stack.aws.put_back(record).await;
    assert_eq!(seen().await, shown);
    let vote = decide(&ann, &question, "approve", &id).await;
    assert_eq!(vote.status, 200, "{}", vote.body);
}

#[tokio::test]
async fn votes_of_one_person_at_the_same_time_count_once() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let (id, question, vendor) = waiting(&people, "tenant-admin:rita").await;
    let spellings = [
        "cfo:ann",
        "treasury:ann",
        "treasury:^ann",
        "cfo:~ann",
        "treasury:_ann",
    ];
    let apis = spellings.map(|person| people.api(person));
    let votes = apis
        .iter()
        .map(|api| decide(api, &question, "approve", &id));
    let replies = futures_util::future::join_all(votes).await;
    let new = replies
        .iter()
        .filter(|reply| reply.body["replayed"] == false);
    assert_eq!(new.count(), 1, "{replies:?}");
    let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
    let votes = execution["questions"][0]["votes"].as_array().map(Vec::len);
    assert_eq!(votes, Some(1), "{execution}");
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn votes_of_two_people_at_the_same_time_decide() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let (id, question, vendor) = waiting(&people, "tenant-admin:rita").await;
    let (ann, bob) = (people.api("cfo:ann"), people.api("treasury:bob"));
    let replies = futures_util::join!(
        decide(&ann, &question, "approve", &id),
        decide(&bob, &question, "approve", &id),
    );
    assert_eq!(
        (replies.0.status, replies.1.status),
        (200, 200),
        "{replies:?}"
    );
    assert_eq!(stack.api.finished(&id).await.0["status"], "EXECUTED");
    assert_eq!(stack.vendor.effects_on(&vendor).await, ["hold_placed"]);
}

#[tokio::test]
async fn an_approval_after_its_deadline_is_refused_and_has_no_effect() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    stack
        .aws
        .deploy(include_str!("../workflows/signs-soon.yaml"))
        .await;
    let vendor = unique("vendor");
    let input = json!({ "vendor_id": vendor });
    let id = people
        .api("tenant-admin:rita")
        .started(SOON, &unique("soon"), &input)
        .await;
    let question = asked(&stack.api, &id).await;
    let (execution, receipt) = stack.api.finished(&id).await;
    assert_eq!(
        receipt["failure"]["error"], "Expired",
        "{execution} {receipt}"
    );
    for person in ["cfo:ann", "admin:root"] {
        let late = decide(&people.api(person), &question, "approve", &id).await;
        assert_eq!(late.status, 409, "{person}: {}", late.body);
    }
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

/// Doors beside the API: a direct start and an event can carry anything that a sender writes.
#[tokio::test]
async fn no_start_and_no_event_brings_the_votes_of_a_definition() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let (vendor, key, ann) = (unique("vendor"), unique("signs"), people.subject("ann"));
    let input = json!({
        "vendor_id": vendor, "amount": 90_000,
        "votes": [{ "by": ann, "decision": "approve" }], "approvers": null,
    });
    let start = json!({
        "tenant": "acme", "idempotency_key": key, "input": input,
        "requested_by": people.subject("_ann"),
    });
    stack.aws.start(SIGNS, &unique("signs"), &start).await;
    let id = execution_id("acme", SIGNS, &key);
    let question = asked(&stack.api, &id).await;
    // The sender named ann as the requester, in another spelling.
    let own = decide(&people.api("cfo:ann"), &question, "approve", &id).await;
    assert_eq!(own.status, 403, "{}", own.body);
    let decided = json!({ "decision": "approve", "step": "cfo_agrees", "execution_id": id });
    for name in ["workflow.incident.decided", "workflow.approval.decided"] {
        stack.aws.emit("holdfast", name, &decided).await;
    }
    let execution = stack.api.get(&format!("/v1/executions/{id}")).await.body;
    let question = &execution["questions"][0];
    assert_eq!(
        (&question["status"], &question["votes"]),
        (&json!("OPEN"), &json!([])),
        "{execution}"
    );
    assert!(stack.vendor.effects_on(&vendor).await.is_empty());
}

#[tokio::test]
async fn delegations_are_listed_for_both_people_and_removed_by_the_member() {
    let stack = Stack::from_env().await;
    let people = people(&stack).await;
    let now = jiff::Timestamp::now();
    let body = json!({
        "to": people.subject("bob"), "reason": "leave",
        "from": now + jiff::SignedDuration::from_hours(1),
        "until": now + jiff::SignedDuration::from_hours(2),
    });
    // A name of a group may have a slash, a space and letters of any language.
    let (group, path) = (
        "/finance/tr\u{e9}so EU",
        "/v1/delegations/%2Ffinance%2Ftr%C3%A9so%20EU",
    );
    let mut claims =
        holdfast_tests::tokens::claims(Role::Approver, Some("acme"), &people.subject("ann"));
    claims["groups"] = json!([group]);
    let ann = people
        .api("none:ann")
        .bearing(holdfast_tests::tokens::signed(&claims));
    let mut wrong = body.clone();
    let later = now + jiff::SignedDuration::from_hours(30);
    wrong["until"] = json!(later.strftime("%FT%T+25:00").to_string());
    assert_eq!(ann.put(path, &wrong).await.status, 400, "no offset");
    let set = ann.put(path, &body).await;
    assert_eq!(
        (set.status, &set.body["group"]),
        (200, &json!(group)),
        "{}",
        set.body
    );
    assert_eq!(set.body["in_force"], false, "{}", set.body);
    let count = async |person: &str| {
        let listed = people.api(person).get("/v1/delegations").await.body;
        let listed = listed["delegations"].as_array().expect("a list").clone();
        listed.iter().filter(|one| one["to"] == body["to"]).count()
    };
    let both = (
        count("none:ann").await,
        count("none:bob").await,
        count("admin:root").await,
    );
    assert_eq!(both, (1, 1, 1));
    assert_eq!(count("cfo:eve").await, 0, "it concerns neither");
    // The stand-in has no delegation of their own to remove.
    let bob = people.api("none:bob");
    assert_eq!(bob.send(bob.request("DELETE", path)).await.status, 404);
    for replayed in [false, true] {
        let removed = ann.send(ann.request("DELETE", path)).await;
        assert_eq!(
            (removed.status, &removed.body["replayed"]),
            (200, &json!(replayed)),
            "{}",
            removed.body
        );
    }
    assert_eq!(count("none:ann").await, 0);
}
