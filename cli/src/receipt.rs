//! Receipts on this machine: fetched, held to the digest that the deployment names, verified by their signature.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use holdfast_core::{
    digest::sha256_hex,
    evidence::{Jwks, Kind, Verified, verified},
    receipt::{FORMAT, Receipt},
};

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

/// Verifies a receipt's signature by a key set, and says what the receipt says.
pub(crate) fn verify(file: &Path, jwks: &Path) -> Result<(), Trouble> {
    let read = |path: &Path| {
        fs::read(path).map_err(|error| Trouble::Other(format!("{}: {error}", path.display())))
    };
    let said = |path: &Path, why: String| Trouble::Other(format!("{}: {why}", path.display()));
    let keys = Jwks::parse(&read(jwks)?).map_err(|why| said(jwks, why))?;
    let Verified { content, kid } = verified::<Receipt>(&read(file)?, Kind::Receipt, FORMAT, &keys)
        .map_err(|why| said(file, why))?;
    output::line(&format!(
        "{}: signed by {kid}\n{} of {}, tenant {}, execution {}, ended {}",
        file.display(),
        content.status,
        content.workflow_id,
        content.tenant,
        content.execution_id,
        content.timestamp
    ))
}
