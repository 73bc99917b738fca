//! Schemas of the types that requests carry and answers return, as the OpenAPI document needs them.
//! Only tests make them: a program that serves the document has its text.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A function that makes a type's schema.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// The schema of `T`, by reference where it has a name.
pub(crate) fn shape<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    match cfg!(test) {
        true => generator.subschema_for::<T>(),
        false => Schema::default(),
    }
}

/// The schema of the query `T`, in place, so that its members can be listed.
pub(crate) fn parameters<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    match cfg!(test) {
        true => T::json_schema(generator),
        false => Schema::default(),
    }
}

/// A time, RFC 3339.
pub(crate) fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// A time, RFC 3339, or null.
pub(crate) fn time_or_null(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}

/// A tier.
pub(crate) fn tier(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["standard", "express"] })
}
