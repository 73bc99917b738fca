//! Ids for roles of every tenant: the API finds the tenant.

use holdfast_access::{Operation, Ownership, Role, access};
use holdfast_tests::{
    Stack,
    tokens::{claims, signed},
};

use super::{Resources, ask, check};

#[tokio::test]
async fn a_role_of_every_tenant_finds_the_tenant_of_an_id_and_may_there_what_it_may_elsewhere() {
    let stack = Stack::from_env().await;
    let tenants = stack
        .api
        .as_role(Role::PlatformAdmin, "acme")
        .get("/v1/tenants")
        .await;
    let registered = tenants.body["tenants"].as_array();
    let registered = registered
        .unwrap_or_else(|| panic!("{}", tenants.body))
        .len();
    // Tests register tenants, and the API looks in 200 at most.
    assert!(
        registered <= 200,
        "{registered} tenants: make down, make up"
    );
    let resources = Resources::of(&stack).await;
    let api = stack.api.as_role(Role::PlatformAdmin, "acme");
    let unknown = format!("/v1/executions/{}", "f".repeat(40));
    for role in [Role::PlatformAdmin, Role::PlatformObserver] {
        let anywhere = api.bearing(signed(&claims(role, None, "ops")));
        for operation in Operation::ALL {
            let (method, path, true) = resources.request(operation) else {
                continue;
            };
            for path in [path.clone(), format!("{path}?tenant=*")] {
                let reply = ask(&anywhere, operation, method, &path).await;
                let seen = format!("{} {method} {path}", role.name());
                check(
                    &seen,
                    &reply,
                    operation,
                    access(role, operation, Ownership::Other),
                );
            }
        }
        let reply = anywhere.get(&unknown).await;
        let detail = reply.body["detail"].to_string();
        assert!(
            reply.status == 404 && detail.contains("no registered tenant"),
            "{detail}"
        );
    }
    let admin = stack.api.as_role(Role::TenantAdmin, "globex");
    let path = format!("/v1/executions/{}?tenant=*", resources.execution);
    assert_eq!(admin.get(&path).await.status, 400);
}
