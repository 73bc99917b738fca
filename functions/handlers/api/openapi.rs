//! The OpenAPI 3.1 document, made of the routes that are served and of the types that they read and write.

use axum::Json;
use holdfast_core::names::{KEY_MAX, TENANT_MAX};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::api::{
    answer::ProblemDocument,
    routes::{Route, routes},
};

/// How a type says its schema.
pub(crate) type Shape = fn(&mut SchemaGenerator) -> Schema;

/// The schema of `T`.
pub(crate) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The schema of the query `T`, where it stands.
pub(crate) fn parameters<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

/// `GET /v1/openapi.json`: nobody has to be known for it.
pub(crate) async fn served() -> Json<Value> {
    Json(document())
}

/// The document.
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
        paths.entry(route.path).or_insert_with(|| json!({}))[route.method] = operation;
    }
    let mut schemas = reads.take_definitions(true);
    schemas.extend(writes.take_definitions(true));
    schemas.insert(
        "GatewayMessage".to_owned(),
        json!({
            "description": "What API Gateway answers by itself.",
            "type": "object", "required": ["message"], "properties": { "message": { "type": "string" } },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Holdfast",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Starts workflows, shows executions, incidents and receipts, and takes what people decide.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
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
            "description": "The same whenever this start is repeated, such as a UUID.",
            "schema": { "type": "string", "pattern": format!("^[!-~]{{1,{KEY_MAX}}}$") },
        }));
    }
    let mut responses = Map::new();
    for (status, says, shape) in &route.answers {
        let mut response = json!({ "description": says });
        if let Some(shape) = shape {
            response["content"] = json!({ "application/json": { "schema": shape(writes) } });
        }
        if route.paged && *status == 200 {
            response["content"]["text/html"] = json!({ "schema": { "type": "string" } });
        }
        responses.insert(status.to_string(), response);
    }
    let problem = shape::<ProblemDocument>(writes);
    let problems = json!({ "application/problem+json": { "schema": problem } });
    for status in route.problems() {
        let mut content = problems.clone();
        if matches!(status, 401 | 503) {
            // API Gateway answers for itself where it refuses a token, or cannot reach the function.
            content["application/json"] =
                json!({ "schema": { "$ref": "#/components/schemas/GatewayMessage" } });
        }
        let says = says(status);
        responses.insert(
            status.to_string(),
            json!({ "description": says, "content": content }),
        );
    }
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.says,
        "parameters": parameters,
        "responses": responses,
    });
    match route.operation {
        Some(needed) => {
            let roles = needed.roles().join(", ");
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

fn path_parameter(part: &str) -> Option<Value> {
    let name = part.strip_prefix('{')?.strip_suffix('}')?;
    let schema = match name {
        "workflow_id" => {
            json!({ "type": "string", "pattern": "^WF-[A-Z0-9]+(-[A-Z0-9]+)*$", "maxLength": 60 })
        }
        "tenant" => json!({ "type": "string", "pattern": tenants() }),
        _ => json!({ "type": "string", "pattern": "^[0-9a-f]{40}$" }),
    };
    Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
}

/// What tenants' names look like.
fn tenants() -> String {
    let more = TENANT_MAX - 1;
    format!("^[a-z0-9][a-z0-9-]{{0,{more}}}$")
}

/// One parameter for each member of a query; a parameter that may be left out is not one that may be null.
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
                schema["pattern"] = tenants().into();
            }
            json!({ "name": name, "in": "query", "description": description, "schema": schema })
        })
        .collect()
}

fn says(status: u16) -> &'static str {
    match status {
        400 => "The request cannot be read, or the input does not fit the workflow.",
        401 => "No token, or none that is valid.",
        403 => "Not in this role, or not by this person.",
        404 => "There is no such thing for this tenant.",
        409 => "Not as it stands, or not yet.",
        413 => "The body is too large.",
        415 => "The body is not JSON.",
        422 => "The idempotency key started an execution with another input.",
        _ => "A part does not answer, or it is paused: send the same request again.",
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, env, fs, path::Path};

    use super::*;

    /// `HOLDFAST_WRITE_DOCS=1 cargo test -p holdfast-functions openapi` writes it anew.
    #[test]
    fn the_checked_in_openapi_document_is_that_of_the_code() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
        let right = format!("{:#}\n", document());
        if env::var_os("HOLDFAST_WRITE_DOCS").is_some() {
            fs::write(&file, &right).expect("docs can be written");
        }
        let stands = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            stands == right,
            "docs/openapi.json is stale: HOLDFAST_WRITE_DOCS=1 writes it"
        );
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_a_name_of_its_own() {
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
