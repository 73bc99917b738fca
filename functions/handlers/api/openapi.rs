//! The OpenAPI 3.1 document, made of the table of routes and of the types that handlers read and
//! write.

use holdfast_access::{Access, Operation, Ownership, Role, access};
use holdfast_ids::names::{GROUP_MAX, KEY_MAX, TENANT_MAX};
use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::api::{
    answer::ProblemDocument, route::Route, routes::routes, schema::shape, start::WAIT_MAX_S,
};

/// The OpenAPI document of the routes.
pub(crate) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut reads = settings.clone().for_deserialize().into_generator();
    let mut writes = settings.for_serialize().into_generator();
    let mut paths = Map::new();
    for route in routes() {
        let operation = operation(&route, &mut reads, &mut writes);
        // The document writes `{*name}`, a parameter that may have slashes, like any other.
        let path = route.path.replace("{*", "{");
        paths.entry(path).or_insert_with(|| json!({}))[route.method] = operation;
    }
    let mut schemas = reads.take_definitions(true);
    schemas.extend(writes.take_definitions(true));
    schemas.insert(
        "GatewayMessage".to_owned(),
        json!({
            "description": "An answer of API Gateway itself.",
            "type": "object",
            "required": ["message"],
            "properties": { "message": { "type": "string" } },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Starts workflows, records decisions, and returns executions, \
                incidents and receipts.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" },
            },
            "schemas": schemas,
        },
    })
}

fn operation(route: &Route, reads: &mut SchemaGenerator, writes: &mut SchemaGenerator) -> Value {
    let mut parameters: Vec<Value> = route.path.split('/').filter_map(path_parameter).collect();
    if let Some(query) = route.query {
        parameters.extend(query_parameters(&query(reads)));
    }
    if route.keyed {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": true,
            "description": "A text that stays the same when this start is repeated, such as a \
                UUID.",
            "schema": { "type": "string", "pattern": format!("^[!-~]{{1,{KEY_MAX}}}$") },
        }));
        parameters.push(json!({
            "name": "Prefer", "in": "header",
            "description": format!("`wait=N` (RFC 7240): the answer waits up to N seconds for \
                the end of the execution. At most {WAIT_MAX_S}, and at most what the deployment \
                allows; other preferences are ignored."),
            "schema": { "type": "string" },
        }));
    }
    let mut responses = Map::new();
    for (status, description, shape) in &route.answers {
        let mut response = json!({ "description": description });
        if let Some(shape) = shape {
            response["content"] = json!({ "application/json": { "schema": shape(writes) } });
        }
        if route.keyed {
            response["headers"]["Preference-Applied"] = json!({
                "description": "`wait=N` with the applied number of seconds, if the request \
                    preferred to wait.",
                "schema": { "type": "string" },
            });
        }
        for form in route.forms.iter().filter(|_| *status == 200) {
            response["content"][*form] = json!({ "schema": { "type": "string" } });
        }
        responses.insert(status.to_string(), response);
    }
    let problem = shape::<ProblemDocument>(writes);
    let problems = json!({ "application/problem+json": { "schema": problem } });
    for status in route.problems() {
        let mut content = problems.clone();
        if matches!(status, 401 | 503) {
            // API Gateway answers itself if it refuses the token or cannot reach the function.
            content["application/json"] =
                json!({ "schema": { "$ref": "#/components/schemas/GatewayMessage" } });
        }
        responses.insert(
            status.to_string(),
            json!({ "description": description(status), "content": content }),
        );
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": parameters,
        "responses": responses,
    });
    match route.operation {
        Some(needed) => {
            let roles = roles(needed, route).join(", ");
            operation["description"] = format!("Roles: {roles}.").into();
        }
        None => operation["security"] = json!([]),
    }
    if let Some(body) = route.body {
        let schema = body(reads);
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// The names of the roles that may use a route. A role that reads only where asked lists nothing,
/// and only a member of a group names a stand-in for it.
fn roles(needed: Operation, route: &Route) -> Vec<&'static str> {
    let of_one = ["{execution_id}", "{incident_id}"]
        .iter()
        .any(|id| route.path.contains(id));
    let own_group = needed == Operation::Delegate && route.method != "get";
    let may = |role: &Role| match access(*role, needed, Ownership::Own) {
        Access::Allowed => !own_group || *role == Role::Approver,
        Access::WhereAsked => of_one,
        Access::Forbidden | Access::Hidden => false,
    };
    Role::ALL.into_iter().filter(may).map(Role::name).collect()
}

fn path_parameter(part: &str) -> Option<Value> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    let name = name.strip_prefix('*').unwrap_or(name);
    let schema = match name {
        "workflow_id" => {
            json!({ "type": "string", "pattern": "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$", "maxLength": 60 })
        }
        "tenant" => json!({ "type": "string", "pattern": tenant_pattern() }),
        "until" => json!({ "type": "string", "format": "date-time" }),
        "group" => json!({ "type": "string", "minLength": 1, "maxLength": GROUP_MAX }),
        _ => json!({ "type": "string", "pattern": "^[0-9a-f]{40}$" }),
    };
    Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
}

/// The pattern of a tenant's name.
fn tenant_pattern() -> String {
    let more = TENANT_MAX - 1;
    format!("^[a-z0-9][a-z0-9-]{{0,{more}}}$")
}

/// One parameter for each member of a query. An optional parameter can be left out, but not null.
fn query_parameters(query: &Schema) -> Vec<Value> {
    let members = query.get("properties").and_then(Value::as_object);
    members
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            let mut schema = schema.clone();
            let description = schema.as_object_mut().and_then(|all| {
                all.remove("default");
                all.remove("description")
            });
            if let Some(kinds) = schema["type"].as_array() {
                let kind = kinds.iter().find(|kind| *kind != "null").cloned();
                schema["type"] = kind.unwrap_or_default();
            }
            if name == "tenant" {
                schema["pattern"] = tenant_pattern().into();
            }
            json!({ "name": name, "in": "query", "description": description, "schema": schema })
        })
        .collect()
}

/// The description of a problem's status.
fn description(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read, or the input violates the workflow's schema.",
        401 => "The token is missing or invalid.",
        403 => "The role or the person may not do this.",
        404 => "This tenant has no such resource.",
        409 => "The state of the resource does not allow this, or not yet.",
        413 => "The body is larger than its limit.",
        415 => "The body is not JSON.",
        422 => "The idempotency key started an execution with another input.",
        _ => {
            "A dependency does not answer, or a control pauses the start: \
             send the same request again."
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, env, fs, path::Path};

    use super::*;

    /// `HOLDFAST_WRITE_DOCS=1 cargo test -p holdfast-functions openapi` updates the file.
    #[test]
    fn the_checked_in_openapi_document_equals_the_document_of_the_code() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let expected = format!("{:#}\n", document());
        if env::var_os("HOLDFAST_WRITE_DOCS").is_some() {
            fs::write(&file, &expected).expect("docs can be written");
        }
        let checked_in = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            checked_in == expected,
            "docs/openapi.json is stale: HOLDFAST_WRITE_DOCS=1 writes it"
        );
    }

    #[test]
    fn a_route_names_the_roles_that_it_answers() {
        let document = document();
        let roles = |method: &str, path: &str| {
            let said = &document["paths"][path][method]["description"];
            said.as_str().expect("a description").to_owned()
        };
        for (method, path, approver) in [
            ("get", "/v1/executions", false),
            ("get", "/v1/incidents", false),
            ("get", "/v1/executions/{execution_id}", true),
            ("get", "/v1/incidents/{incident_id}", true),
            ("post", "/v1/incidents/{incident_id}/decision", true),
            ("get", "/v1/questions", true),
        ] {
            let said = roles(method, path);
            assert_eq!(said.contains("approver"), approver, "{path}: {said}");
        }
        let delegations = "/v1/delegations/{group}";
        for method in ["put", "delete"] {
            assert_eq!(roles(method, delegations), "Roles: approver.");
        }
        let listed = roles("get", "/v1/delegations");
        assert_eq!(listed, "Roles: platform-admin, approver.");
    }

    #[test]
    fn every_reference_resolves_and_every_operation_id_is_unique() {
        let document = document();
        let text = document.to_string();
        let names = text.split("#/components/schemas/").skip(1);
        for name in names.filter_map(|rest| rest.split('"').next()) {
            assert!(
                document["components"]["schemas"].get(name).is_some(),
                "{name}"
            );
        }
        let routes = routes();
        let ids: BTreeSet<_> = routes.iter().map(|route| route.id).collect();
        assert_eq!(ids.len(), routes.len());
    }
}
