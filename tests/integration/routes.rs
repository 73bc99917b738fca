//! Every route of the served document is open to the roles that it declares, in their own tenant
//! only.

use holdfast_access::{Operation, Role};
use holdfast_tests::{Api, DELAY, Reply, Stack, unique};
use serde_json::{Value, json};

use crate::{hold, roles::Resources};

/// A route that needs a token, and the roles that may use it.
struct Route {
    id: String,
    method: String,
    path: String,
    roles: Vec<String>,
    /// The statuses of its answers.
    statuses: Vec<u16>,
}

/// The routes of the document that need a token, with these resources in their paths. The route
/// that closes a tenant closes `spare`.
fn routes(document: &Value, resources: &Resources, spare: &str) -> Vec<Route> {
    let mut found = Vec::new();
    let paths = document["paths"].as_object().expect("paths");
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("methods") {
            if operation["security"] == json!([]) {
                continue;
            }
            let tenant = match operation["operationId"] == "closeTenant" {
                true => spare,
                false => "acme",
            };
            let says = operation["description"].as_str().expect("a description");
            let roles = says
                .strip_prefix("Roles: ")
                .and_then(|all| all.strip_suffix('.'));
            let roles = roles.expect("roles").split(", ").map(str::to_owned);
            let statuses = operation["responses"].as_object().expect("answers");
            let statuses = statuses.keys().map(|one| one.parse().expect("a status"));
            found.push(Route {
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_uppercase(),
                path: path
                    .replace("{workflow_id}", DELAY)
                    .replace("{execution_id}", &resources.execution)
                    .replace("{incident_id}", &resources.incident)
                    .replace("{bulk_id}", &resources.bulk)
                    .replace("{until}", &resources.until)
                    .replace("{tenant}", tenant)
                    .replace("{group}", "cfo"),
                roles: roles.collect(),
                statuses: statuses.collect(),
            });
        }
    }
    found
}

async fn ask(api: &Api, route: &Route, query: &str) -> Reply {
    let request = api.request(&route.method, &format!("{}{query}", route.path));
    let body = match route.id.as_str() {
        "startWorkflow" | "checkStart" => json!({ "input": hold(&unique("vendor")) }),
        "decide" => json!({ "decision": "retry", "reason": "tried" }),
        "registerTenant" => json!({}),
        "previewBulk" => {
            let filter = json!({ "workflow_id": "WF-NONE" });
            json!({ "operation": "cancel", "filter": filter, "reason": "tried" })
        }
        "runBulk" => json!({ "token": "0".repeat(64) }),
        "setDelegation" => {
            json!({ "to": "bob", "until": "2999-01-01T00:00:00Z", "reason": "tried" })
        }
        // A scope that was never paused stays as it is.
        id if id.starts_with("control") => json!({ "state": "running", "reason": "tried" }),
        _ => json!({ "reason": "tried" }),
    };
    api.send(match route.method.as_str() {
        "POST" | "PUT" => request
            .header("content-type", "application/json")
            .header("idempotency-key", unique("routes"))
            .body(body.to_string()),
        _ => request,
    })
    .await
}

/// Returns whether the role may use the route, and yet not for these resources: they ask no
/// approver, the approver is no member of the group, and the bulk is another person's.
fn refuses_by_itself(role: Role, route: &Route) -> bool {
    let lists = ["/v1/delegations", "/v1/questions"].contains(&route.path.as_str());
    match role {
        Role::Approver => !lists,
        Role::TenantAdmin => route.id == "stopBulk",
        _ => false,
    }
}

/// Returns whether the route is about one execution or one incident.
fn of_one(route: &Route, resources: &Resources) -> bool {
    [&resources.execution, &resources.incident]
        .iter()
        .any(|id| route.path.contains(id.as_str()))
}

#[tokio::test]
async fn every_route_is_open_to_exactly_the_roles_that_the_document_declares() {
    let stack = Stack::from_env().await;
    let resources = Resources::of(&stack).await;
    let document = stack.api.get("/v1/openapi.json").await.body;
    let routes = routes(&document, &resources, &stack.aws.new_tenant("spare"));
    assert!(routes.len() > 16, "{} routes need a token", routes.len());
    let table = Operation::ALL.map(Operation::roles);
    for route in &routes {
        let seen = format!("{} {}", route.method, route.path);
        // A route may be open to fewer roles than its operation: a list is not where asked.
        let roles = &route.roles;
        let within = |row: &Vec<&str>| roles.iter().all(|role| row.contains(&role.as_str()));
        assert!(
            !roles.is_empty() && table.iter().any(within),
            "{seen}: {roles:?}"
        );
        let anonymous = stack.api.anonymous(&route.method, &route.path);
        assert_eq!(stack.api.send(anonymous).await.status, 401, "{seen}");
        for role in Role::ALL {
            let may = route.roles.iter().any(|one| one == role.name());
            let reply = ask(&stack.api.as_role(role, "acme"), route, "").await;
            let (status, seen) = (reply.status, format!("{}: {seen}", role.name()));
            if may && refuses_by_itself(role, route) {
                assert!(matches!(status, 403 | 404), "{seen}: {status}");
            } else if may {
                // A repeated or a conflicting request has an answer of its own, not 403.
                assert!(
                    matches!(status, 200 | 202 | 409),
                    "{seen}: {status} {}",
                    reply.body
                );
                assert!(route.statuses.contains(&status), "{seen}: {status}");
                assert_eq!(reply.header("cache-control"), "no-store", "{seen}");
            } else if role == Role::Approver && of_one(route, &resources) {
                // It asks no approver, so that no answer tells one that it exists.
                assert_eq!(status, 404, "{seen}: {}", reply.body);
            } else {
                assert_eq!(status, 403, "{seen}: {}", reply.body);
            }
            let other = stack.api.as_role(role, "globex");
            let status = ask(&other, route, "?tenant=acme").await.status;
            match role {
                Role::PlatformAdmin if !may => assert_eq!(status, 403, "{seen}"),
                Role::PlatformAdmin => {
                    assert!(matches!(status, 200 | 202 | 409), "{seen}: {status}")
                }
                // It reads in every tenant.
                Role::PlatformObserver if may => assert_eq!(status, 200, "{seen}"),
                Role::PlatformObserver => assert_eq!(status, 403, "{seen}"),
                // Controls and the registry belong to no caller, and are no secret.
                _ if ["/v1/controls/", "/v1/tenants"]
                    .iter()
                    .any(|at| route.path.starts_with(at)) =>
                {
                    assert_eq!(status, 403, "{seen}");
                }
                _ => assert_eq!(status, 404, "{seen}, another tenant's"),
            }
        }
    }
}
