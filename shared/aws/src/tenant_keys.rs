//! Tests of the keys that a tenant's session and the functions' conditions reach.
//!
//! The emulator does not evaluate `dynamodb:LeadingKeys`. So the conditions are compared with the
//! keys that the ledger builds, as text and by an implementation of IAM that evaluates them
//! (`tests/iam`).

use std::{
    fs,
    io::Write as _,
    process::{Command, Stdio},
};

use holdfast_access::{Stores, every_tenants_lists_policy, session_policy};
use holdfast_ids::keys::{ExecutionKey, execution_id};
use holdfast_ledger::{
    BulkKey, COPIES, Counter, CounterKind, DelegationKey, IncidentKey, IncidentStatus, Key, List,
    Scope, StatisticsKey,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The partition keys that hold a tenant's items: of the table, then of its indexes `listed`,
/// `found_by` and `for_people`.
fn partitions(tenant: &str) -> Vec<String> {
    let tenant = || tenant.to_owned();
    let keys = [
        Key::Execution(ExecutionKey {
            tenant: tenant(),
            execution: execution_id(&tenant(), "WF-A", "k"),
        }),
        Key::Incident(IncidentKey::new(&tenant(), "0")),
        Key::Counter(Counter {
            tenant: tenant(),
            kind: CounterKind::Budget,
            name: "held".to_owned(),
            period: String::new(),
        }),
        Key::Refusal {
            tenant: tenant(),
            at: Timestamp::UNIX_EPOCH,
            id: "0".to_owned(),
        },
        Key::Delegation(DelegationKey::new(&tenant(), "cfo", "ann")),
        Key::Bulk(BulkKey {
            tenant: tenant(),
            id: "0".to_owned(),
        }),
        Key::Statistics(StatisticsKey {
            tenant: tenant(),
            hour: Timestamp::UNIX_EPOCH,
            workflow: "WF-A".to_owned(),
        }),
    ];
    let lists = [
        List::Executions {
            tenant: tenant(),
            shard: 7,
        },
        List::OfSubject {
            tenant: tenant(),
            subject: "order 4711".to_owned(),
        },
        List::Incidents {
            tenant: tenant(),
            status: IncidentStatus::Open,
        },
        List::Questions(tenant()),
    ];
    let keys = keys.iter().map(Key::pk);
    keys.chain(lists.iter().map(List::hash)).collect()
}

/// The partition keys, of the table and its indexes, under which items of all tenants lie.
fn shared_partitions() -> [String; 4] {
    let lists = [List::Controls, List::OpenIncidents].map(|list| list.hash());
    let [controls, incidents] = lists;
    [
        controls,
        Key::HEADS.to_owned(),
        incidents,
        Key::TENANTS.to_owned(),
    ]
}

fn control_partitions() -> Vec<String> {
    let scopes = Scope::around("acme", "WF-A");
    let controls = scopes.into_iter().map(Key::Control);
    let copies = (0..COPIES).map(Key::ControlCopy);
    controls.chain(copies).map(|key| key.pk()).collect()
}

#[test]
fn a_session_reaches_everything_of_its_tenant_and_nothing_else() {
    let stores = Stores {
        table: "table".to_owned(),
        bucket: "bucket".to_owned(),
    };
    let policy = session_policy(&stores, "acme");
    let keys =
        &policy["Statement"][0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
    let prefix = keys[0].as_str().and_then(|key| key.strip_suffix('*'));
    let prefix = prefix.expect("one prefix");
    assert_eq!(keys.as_array().map(Vec::len), Some(1), "{keys}");
    let reached = |partition: &String| partition.starts_with(prefix);
    for own in partitions("acme") {
        assert!(reached(&own), "{own}");
    }
    let others = ["acm", "acme-2", "globex"].map(partitions).concat();
    // The index `open` has shards of all tenants' executions, and all their incidents.
    let shards = [false, true].into_iter().flat_map(List::all_open);
    let shards = shards.map(|list| list.hash());
    let all = others.into_iter().chain(control_partitions()).chain(shards);
    for other in all.chain(shared_partitions()) {
        assert!(!reached(&other), "{other}");
    }
}

fn tenant_of(key: &str) -> &str {
    key.split('#').nth(1).expect("a tenant")
}

/// The decision of IAM on each request under a policy.
fn decided(policy: &Value, requests: &[Value]) -> Vec<bool> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/iam/decide.mjs");
    let input = json!({ "policy": policy, "requests": requests });
    let mut node = Command::new("node")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("infra/local/setup.sh checks installs node");
    let mut stdin = node.stdin.take().expect("a pipe");
    let written = stdin.write_all(input.to_string().as_bytes());
    drop(stdin);
    let output = node.wait_with_output().expect("it ends");
    let errors = String::from_utf8_lossy(&output.stderr);
    let hint = "infra/local/setup.sh checks installs what it needs";
    assert!(written.is_ok() && output.status.success(), "{errors}{hint}");
    let decided: Vec<bool> = serde_json::from_slice(&output.stdout).expect("a list of decisions");
    assert_eq!(decided.len(), requests.len());
    decided
}

#[test]
fn iam_lets_a_session_reach_only_the_partitions_of_its_tenant() {
    let table = "arn:aws:dynamodb:us-east-1:123456789012:table/ledger";
    let stores = Stores {
        table: table.to_owned(),
        bucket: "arn:aws:s3:::receipts".to_owned(),
    };
    let places = [
        ("dynamodb:GetItem", table.to_owned()),
        ("dynamodb:PutItem", table.to_owned()),
        ("dynamodb:UpdateItem", table.to_owned()),
        ("dynamodb:Query", table.to_owned()),
        ("dynamodb:Query", format!("{table}/index/listed")),
        ("dynamodb:Query", format!("{table}/index/found_by")),
        ("dynamodb:Query", format!("{table}/index/for_people")),
    ];
    let request = |action: &str, resource: &str, keys: &[String]| json!({ "action": action, "resource": resource, "context": { "dynamodb:LeadingKeys": keys } });
    let tenants = ["acme", "acm", "acme-2", "globex"];
    for session in tenants {
        let (mut requests, mut expected) = (Vec::new(), Vec::new());
        let own = &partitions(session)[0];
        for (action, resource) in &places {
            for tenant in tenants {
                for key in partitions(tenant) {
                    requests.push(request(action, resource, std::slice::from_ref(&key)));
                    // A transaction has several keys, and one of another tenant is enough to deny
                    // it.
                    requests.push(request(action, resource, &[own.clone(), key]));
                    expected.extend([tenant == session; 2]);
                }
            }
            for key in shared_partitions() {
                requests.push(request(action, resource, &[key]));
                expected.push(false);
            }
        }
        for action in [
            "dynamodb:DeleteItem",
            "dynamodb:Scan",
            "dynamodb:BatchGetItem",
        ] {
            requests.push(request(action, table, std::slice::from_ref(own)));
            expected.push(false);
        }
        let policy = session_policy(&stores, session);
        for (n, allowed) in decided(&policy, &requests).into_iter().enumerate() {
            assert_eq!(allowed, expected[n], "{session}: {}", requests[n]);
        }
    }
}

#[test]
fn iam_lets_the_session_of_every_tenants_lists_query_indexes_and_statistics_alone() {
    let table = "arn:aws:dynamodb:us-east-1:123456789012:table/ledger";
    let stores = Stores {
        table: table.to_owned(),
        bucket: "arn:aws:s3:::receipts".to_owned(),
    };
    let lists = ["listed", "found_by", "for_people"].map(|index| format!("{table}/index/{index}"));
    let open = format!("{table}/index/open");
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    let mut expect = |action: &str, resource: &str, key: &str, allowed: bool| {
        let context = json!({ "dynamodb:LeadingKeys": [key] });
        requests.push(json!({ "action": action, "resource": resource, "context": context }));
        expected.push(allowed);
    };
    for key in ["acme", "globex"].map(partitions).concat() {
        for list in &lists {
            expect("dynamodb:Query", list, &key, true);
            expect("dynamodb:Scan", list, &key, false);
        }
        for action in ["GetItem", "PutItem", "UpdateItem", "Query", "Scan"] {
            let statistics = action == "Query" && key == Key::statistics(tenant_of(&key));
            expect(&format!("dynamodb:{action}"), table, &key, statistics);
        }
        expect("dynamodb:Query", &open, &key, false);
    }
    for key in shared_partitions() {
        expect("dynamodb:Query", &lists[2], &key, false);
        expect("dynamodb:Query", table, &key, false);
    }
    let decided = decided(&every_tenants_lists_policy(&stores), &requests);
    for (n, allowed) in decided.into_iter().enumerate() {
        assert_eq!(allowed, expected[n], "{}", requests[n]);
    }
}

#[test]
fn the_conditions_in_the_template_match_their_keys_and_no_tenants_keys() {
    let template = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let template = fs::read_to_string(template).expect("the template");
    let (prefix, tenants) = (Key::CONTROL_PREFIX, Key::TENANTS);
    let prefix = format!("dynamodb:LeadingKeys: [\"{prefix}*\", {tenants}]");
    assert!(template.contains(&prefix), "{prefix}");
    for list in [
        List::Controls.hash(),
        Key::HEADS.to_owned(),
        Key::TENANTS.to_owned(),
    ] {
        let list = format!("dynamodb:LeadingKeys: [{list}]");
        assert!(template.contains(&list), "{list}");
    }
    let statistics = format!("dynamodb:LeadingKeys: [\"{}\"]", Key::statistics("*"));
    assert!(template.contains(&statistics), "{statistics}");
    // Each function that queries the controls may query the index that lists them.
    let index = format!("index/{}\"", List::Controls.index());
    let keys = format!("dynamodb:LeadingKeys: [{}]", List::Controls.hash());
    let lines: Vec<_> = template.lines().collect();
    let queries = lines.windows(2).filter(|two| two[1].contains(&keys));
    let resources: Vec<_> = queries.map(|two| two[0]).collect();
    assert_eq!(resources.len(), 2, "{resources:?}");
    assert!(
        resources.iter().all(|one| one.ends_with(&index)),
        "{resources:?}"
    );
    let controls = |partition: &String| partition.starts_with(Key::CONTROL_PREFIX);
    assert!(control_partitions().iter().all(controls));
    assert!(!partitions("CONTROL").iter().any(controls));
}
