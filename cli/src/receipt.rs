//! Receipts on this machine: fetched, and held to the digest that the deployment names.

use std::{fs::OpenOptions, io::Write, path::PathBuf};

use holdfast_core::digest::sha256_hex;

use crate::{
    api::{Door, fetch},
    output,
    report::Trouble,
    story::none,
};

/// Fetches a receipt into a file that does not exist yet.
pub(crate) fn get(door: &Door, id: &str, to: Option<PathBuf>) -> Result<(), Trouble> {
    let link = door.execution(id, "/receipt")?.ok_or_else(|| none(id))?;
    let text = |member: &str| link[member].as_str().unwrap_or_default();
    let bytes = fetch(text("url"))?;
    let sha256 = sha256_hex(&bytes);
    if sha256 != text("sha256") {
        return Err(Trouble::Other(format!(
            "what was fetched has the SHA-256 {sha256}; the ledger says {}: nothing was written",
            text("sha256")
        )));
    }
    let file = to.unwrap_or_else(|| PathBuf::from(format!("{id}.json")));
    let wrong = |error| Trouble::Other(format!("{}: {error}", file.display()));
    let mut written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&file)
        .map_err(wrong)?;
    written.write_all(&bytes).map_err(wrong)?;
    output::line(&format!("{}  SHA-256 {sha256}", file.display()))
}
