//! The console's built files, as build.rs embeds them.

use std::{collections::HashMap, sync::LazyLock};

use axum::{
    extract::Path,
    http::{HeaderMap, HeaderName, StatusCode, header},
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
    let kept = [
        // A browser asks again each time, and a new deployment takes effect at once.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::ETAG, tag.clone()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    let mut known = entries(&headers, header::IF_NONE_MATCH);
    if known.any(|entry| entry.strip_prefix("W/").unwrap_or(entry) == tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let kind = [(header::CONTENT_TYPE, content_type(file.name))];
    let accepted = entries(&headers, header::ACCEPT_ENCODING).any(accepts_gzip);
    Ok(match accepted {
        true => {
            let encoding = [(header::CONTENT_ENCODING, "gzip")];
            (kept, kind, encoding, file.compressed).into_response()
        }
        false => (kept, kind, file.plain).into_response(),
    })
}

/// The comma-separated entries of a header.
fn entries(headers: &HeaderMap, header: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header).into_iter();
    let lists = values.filter_map(|value| value.to_str().ok());
    lists.flat_map(|list| list.split(',')).map(str::trim)
}

/// Returns whether an entry of `Accept-Encoding` is gzip with a weight above zero ([RFC
/// 9110](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3)).
fn accepts_gzip(entry: &str) -> bool {
    let mut parts = entry.split(';').map(str::trim);
    let coding = parts.next().unwrap_or_default();
    let mut weights = parts.filter_map(|part| part.split_once('='));
    coding.eq_ignore_ascii_case("gzip")
        && !weights.any(|(name, weight)| {
            name.eq_ignore_ascii_case("q") && weight.trim_end_matches(['0', '.']).is_empty()
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
