//! `holdfast receipt get`, `verify` and `page`: a receipt as a file on this machine.

use std::{
    fs::{File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use holdfast_ids::{digest::sha256_hex, names::quoted};
use holdfast_receipt::{
    FORMAT, Receipt,
    evidence::{Jwks, Kind, MAX_BYTES, VerifiedFile, verified},
    page::page_of,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{api::Client, output, people::find_execution, report::Trouble, story::none};

/// Fetches a receipt into a file that does not exist yet, or that has it already.
pub(crate) fn get(
    api: &Client,
    named: &str,
    generation: Option<u32>,
    to: Option<PathBuf>,
) -> Result<(), Trouble> {
    let (id, api) = &find_execution(api, named)?;
    let link = link(api, id, generation)?;
    let text = |member: &str| link[member].as_str().unwrap_or_default();
    let sha256 = text("sha256");
    let name = match generation {
        Some(generation) => format!("{id}-{generation}.json"),
        None => format!("{id}.json"),
    };
    let file = to.unwrap_or_else(|| PathBuf::from(".").join(name));
    let done = match file.exists() {
        true => "was there before",
        false => "is written",
    };
    keep(&file, sha256, || fetch(api, text("url"), sha256))?;
    output::line(&format!("{} {done}, SHA-256 {sha256}", file.display()))
}

/// The bytes with this SHA-256, from the file if it exists, or else fetched into it.
pub(crate) fn keep(
    file: &Path,
    sha256: &str,
    fetch: impl FnOnce() -> Result<Vec<u8>, Trouble>,
) -> Result<Vec<u8>, Trouble> {
    if !file.exists() {
        let bytes = fetch()?;
        write_new(file, &bytes)?;
        return Ok(bytes);
    }
    let stored = read(file).map_err(Trouble::Other)?;
    if sha256_hex(&stored) == sha256 {
        return Ok(stored);
    }
    // A file that differs is not overwritten, so that a person can compare both.
    let why = "differs from the object of the API: look at it, and move it away to fetch the other";
    Err(Trouble::Other(format!("{} {why}", file.display())))
}

/// Fetches a file whose SHA-256 is known, so that no other bytes are ever written.
pub(crate) fn fetch(api: &Client, link: &str, sha256: &str) -> Result<Vec<u8>, Trouble> {
    let bytes = api.fetch(link, MAX_BYTES)?;
    let fetched = sha256_hex(&bytes);
    if fetched == sha256 {
        return Ok(bytes);
    }
    Err(Trouble::Other(format!(
        "the fetched file has the SHA-256 {fetched}, and {} is expected: nothing was written",
        quoted(sha256)
    )))
}

/// The API's link to the receipt of an execution generation, or to the newest receipt.
pub(crate) fn link(api: &Client, id: &str, generation: Option<u32>) -> Result<Value, Trouble> {
    let Some(generation) = generation else {
        return api.execution(id, "/receipt")?.ok_or_else(|| none(id));
    };
    let found = api.execution(id, &format!("/receipt?generation={generation}"))?;
    found.ok_or_else(|| {
        let why = format!(
            "this token reaches no execution {id}, or the execution has no generation {generation}"
        );
        Trouble::Refused(why)
    })
}

/// Writes the page of a receipt, with its signature verified by a key set, into a new file.
pub(crate) fn page(file: &Path, jwks: &Path, to: Option<PathBuf>) -> Result<(), Trouble> {
    let keys = key_set(jwks)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let page = page_of(
        &read(file).map_err(Trouble::Other)?,
        &name,
        None,
        &keys,
        Timestamp::now(),
    );
    let page = page.map_err(|why| in_file(file, why))?;
    let to = to.unwrap_or_else(|| file.with_extension("html"));
    write_new(&to, page.as_bytes())?;
    output::line(&to.display().to_string())
}

fn in_file(path: &Path, why: String) -> Trouble {
    Trouble::Other(format!("{}: {why}", path.display()))
}

/// The end of the name of an incomplete file, which a killed process leaves behind.
pub(crate) const PART: &str = ".part";

/// The reason why a file that exists is not written.
pub(crate) const EXISTS: &str =
    "it exists, and no file is overwritten: choose another name, or move it away";

/// Writes the whole file or none, and never over a file or a link that exists.
pub(crate) fn write_new(file: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let folder = file.parent().filter(|folder| *folder != Path::new(""));
    let write = || {
        // A new file of a random name, so that no link prepared by another user is followed.
        let mut part = tempfile::Builder::new()
            .suffix(PART)
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder.unwrap_or(Path::new(".")))?;
        part.write_all(bytes)?;
        part.as_file().sync_all()?;
        part.persist_noclobber(file)?;
        Ok(())
    };
    write().map_err(|error: io::Error| {
        let why = match error.kind() {
            io::ErrorKind::AlreadyExists => EXISTS.to_owned(),
            _ => error.to_string(),
        };
        in_file(file, why)
    })
}

/// Verifies a receipt's signature by a key set, and its deployment if one is expected, and prints
/// what the receipt is about.
pub(crate) fn verify(file: &Path, jwks: &Path, deployment: Option<&str>) -> Result<(), Trouble> {
    let keys = key_set(jwks)?;
    let bytes = read(file).map_err(Trouble::Other)?;
    let VerifiedFile { content, signatory } =
        verified::<Receipt>(&bytes, Kind::Receipt, FORMAT, &keys)
            .map_err(|why| in_file(file, why))?;
    if let Some(expected) = deployment {
        check_deployment(&content, expected).map_err(|why| in_file(file, why))?;
    }
    output::line(&format!("{}: signed by {}", file.display(), signatory.kid))?;
    if let Some(certificate) = signatory.certificate {
        output::line(&format!(
            "that key certified {} for receipts of {} from {} to {}",
            certificate.jwk.kid(),
            certificate.deployment,
            certificate.not_before,
            certificate.not_after
        ))?;
    }
    output::line(&format!(
        "{} of {}, tenant {}, execution {}, ended {}{}",
        content.status.name(),
        content.workflow_id,
        content.tenant,
        content.execution_id,
        content.timestamp,
        content
            .deployment
            .map(|deployment| format!(", deployment {deployment}"))
            .unwrap_or_default()
    ))
}

/// Refuses a receipt of another deployment, and one that names none.
fn check_deployment(receipt: &Receipt, expected: &str) -> Result<(), String> {
    match receipt.deployment.as_deref() {
        Some(deployment) if deployment == expected => Ok(()),
        Some(deployment) => Err(format!(
            "it is of the deployment {}, and {} is expected",
            quoted(deployment),
            quoted(expected)
        )),
        None => Err(
            "it names no deployment, as receipts of earlier releases: verify it without \
             --deployment"
                .to_owned(),
        ),
    }
}

/// The key set in a file.
pub(crate) fn key_set(file: &Path) -> Result<Jwks, Trouble> {
    let read = read(file).map_err(Trouble::Other)?;
    Jwks::parse(&read).map_err(|why| in_file(file, why))
}

/// The bytes of a file, up to one byte more than a sealed file may have.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, String> {
    let wrong = |error: io::Error| format!("{}: {error}", file.display());
    let mut bytes = Vec::new();
    // The additional byte shows the reader that the file is too large.
    let file = File::open(file).map_err(wrong)?;
    file.take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(wrong)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_file_is_written_whole_and_never_over_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("receipt.json");
        assert!(write_new(&file, b"first").is_ok());
        let refused = write_new(&file, b"second");
        assert!(matches!(refused, Err(Trouble::Other(why)) if why.contains("exists")));
        assert_eq!(fs::read(&file).expect("it is there"), b"first");
        let left = fs::read_dir(&folder).expect("a folder").count();
        assert_eq!(left, 1, "no part of it is left");
    }

    #[test]
    fn a_receipt_of_another_deployment_or_of_none_is_refused() {
        let sample = include_str!("../../shared/receipt/src/page/sample.json");
        let mut receipt: Receipt = serde_json::from_str(sample).expect("a receipt");
        let right = "210987654321/eu-central-1/holdfast";
        assert_eq!(check_deployment(&receipt, right), Ok(()));
        let other = "210987654321/eu-central-1/holdfast-staging";
        let why = check_deployment(&receipt, other).expect_err("another deployment");
        assert!(why.contains(right) && why.contains(other), "{why}");
        receipt.deployment = None;
        let why = check_deployment(&receipt, right).expect_err("no deployment");
        assert!(why.contains("names no deployment"), "{why}");
    }

    #[test]
    fn no_link_is_followed_by_a_written_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let (target, file) = (folder.path().join("other"), folder.path().join("receipt"));
        symlink(&target, &file).expect("a link");
        assert!(write_new(&file, b"bytes").is_err());
        assert!(!target.exists());
    }
}
