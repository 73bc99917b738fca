//! The console's built files, as build.rs embeds them.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::Path,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use holdfast_ids::digest::sha256_hex;

use crate::api::problem::Problem;

/// A file of `functions/console/dist`.
pub(super) struct File {
    name: &'static str,
    plain: &'static [u8],
    /// The same, by gzip.
    pub(super) compressed: &'static [u8],
}

/// All files. The build names each, so that no request reaches a path of the machine.
pub(super) static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/console_files.rs"));

/// The entity tag of each file.
static TAGS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let tag = |file: &File| (file.name, format!("\"{}\"", &sha256_hex(file.plain)[..32]));
    FILES.iter().map(tag).collect()
});

/// `GET /console/{file}`.
pub(super) async fn file(
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = FILES.iter().find(|file| file.name == name);
    let file = found.ok_or_else(|| Problem::not_found("the console has no such file"))?;
    let tag = TAGS[file.name].clone();
    let has = |header, text: &str| {
        let values = headers.get_all(header).iter();
        let mut entries = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','));
        entries.any(|entry| entry.trim().split(';').next().unwrap_or_default().trim() == text)
    };
    let kept = [
        // A browser asks again each time, and a new deployment takes effect at once.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag.clone()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    if has(header::IF_NONE_MATCH, &tag) || has(header::IF_NONE_MATCH, &format!("W/{tag}")) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let kind = [(header::CONTENT_TYPE, content_type(file.name))];
    Ok(match has(header::ACCEPT_ENCODING, "gzip") {
        true => {
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            (kept, kind, encoding, file.compressed).into_response()
        }
        false => (kept, kind, file.plain).into_response(),
    })
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("json") => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}
