//! `holdfast receipt mirror`: mirrors a tenant's digests and receipts through the API.

use std::{
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
};

use clap::Args;
use holdfast_ids::{keys::of_receipt_object, names::quoted};
use holdfast_receipt::chain::{Entry, Hour, ReceiptDigest, SPAN_MAX};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    api::{Api, Client},
    audit::{Hours, counted, first_of},
    output,
    receipt::{fetch, keep, link},
    report::Trouble,
};

/// The tenant, the hours and the folder to mirror to.
#[derive(Args)]
pub(crate) struct MirrorArgs {
    #[command(flatten)]
    hours: Hours,
    /// The folder; a file that it has is not fetched again
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    #[command(flatten)]
    api: Api,
}

/// The progress so far.
struct Mirror<'a> {
    args: &'a MirrorArgs,
    client: &'a Client,
    tenant: &'a str,
    /// The first hour whose digest and receipts are asked for.
    start: Hour,
    digests: usize,
    receipts: usize,
    fetched: usize,
    /// The objects that could not be mirrored, with the reason. The audit will report them.
    missing: Vec<String>,
}

/// Fetches the files that the folder does not have.
pub(crate) fn run(args: &MirrorArgs) -> Result<(), Trouble> {
    let client = args.api.client()?;
    client.check_scope("/v1/digests")?;
    let tenant = client.tenant().ok_or_else(|| {
        Trouble::Usage(
            "--tenant is missing: it names the tenant whose receipts are mirrored".to_owned(),
        )
    })?;
    let Range { start, end } = args.hours.range()?;
    let mut mirror = Mirror {
        args,
        client: &client,
        tenant,
        start,
        digests: 0,
        receipts: 0,
        fetched: 0,
        missing: Vec::new(),
    };
    make_folder(&args.dir)?;
    // The digests before the range show whether the tenant was quiet at its start.
    let since = start.before(SPAN_MAX);
    let mut next = None;
    loop {
        let cursor = next.map_or(String::new(), |hour: Hour| {
            format!("&cursor={}", hour.number())
        });
        let page = client.read(&format!("/v1/digests?from={since}&until={end}{cursor}"))?;
        mirror.page(&page)?;
        let Some(text) = page["next"].as_str() else {
            break;
        };
        let hour = Hour::from_number(text).filter(|hour| Some(*hour) > next && *hour < end);
        next = Some(hour.ok_or_else(|| {
            Trouble::Other(format!(
                "the API's list of digests does not advance: next is {}",
                quoted(text)
            ))
        })?);
    }
    output::line(&format!(
        "{}: {}, {}, {} fetched now",
        args.dir.display(),
        counted(mirror.digests, "digest"),
        counted(mirror.receipts, "receipt"),
        mirror.fetched
    ))?;
    if mirror.digests == 0 {
        output::line(&format!(
            "tenant {tenant} has no digest of these hours; if it has receipts, its next digest is due \
             at {}",
            Hour::newest_due(Timestamp::now()).next().due_at()
        ))?;
    }
    if mirror.missing.is_empty() {
        return Ok(());
    }
    Err(Trouble::Other(first_of(&mirror.missing).join("\n")))
}

fn make_folder(folder: &Path) -> Result<(), Trouble> {
    fs::create_dir_all(folder)
        .map_err(|error: io::Error| Trouble::Other(format!("{}: {error}", folder.display())))
}

impl Mirror<'_> {
    /// The digests of a page, before their links expire, then the receipts that they list.
    fn page(&mut self, page: &Value) -> Result<(), Trouble> {
        let mut entries = Vec::new();
        for listed in page["digests"].as_array().into_iter().flatten() {
            let text = |member: &str| listed[member].as_str().unwrap_or_default();
            let object = text("object");
            // The name comes from the API and must not lead out of the folder.
            let Some(hour) = Hour::of_object(self.tenant, object) else {
                let why = format!(
                    "the API lists {}, which is not a digest of the tenant",
                    quoted(object)
                );
                return Err(Trouble::Other(why));
            };
            let in_range = hour >= self.start;
            self.digests += usize::from(in_range);
            let (api, sha256) = (self.client, text("sha256"));
            let bytes = self.keep(object, sha256, || fetch(api, text("url"), sha256))?;
            match serde_json::from_slice::<ReceiptDigest>(&bytes) {
                Ok(digest) if in_range => entries.extend(digest.receipts),
                Ok(_) => {}
                Err(error) => self
                    .missing
                    .push(format!("{object}: not a digest: {error}")),
            }
        }
        for entry in entries {
            self.receipts += 1;
            let object = entry.object.clone();
            if let Err(trouble) = self.receipt(entry) {
                self.missing
                    .push(format!("{}: {}", quoted(&object), why(trouble)));
            }
        }
        Ok(())
    }

    fn receipt(&mut self, entry: Entry) -> Result<(), Trouble> {
        let other = |why: &str| Trouble::Other(why.to_owned());
        let named = of_receipt_object(self.tenant, &entry.object);
        let (execution, generation) = named
            .ok_or_else(|| other("a digest lists it, and it is not a receipt of the tenant"))?;
        let api = self.client;
        self.keep(&entry.object, &entry.sha256, || {
            let link = link(api, &execution, Some(generation))?;
            if link["object"] != *entry.object {
                return Err(other("the ledger names another object"));
            }
            fetch(api, link["url"].as_str().unwrap_or_default(), &entry.sha256)
        })?;
        Ok(())
    }

    /// The bytes of an object, from the folder if it has them unaltered, or else fetched into it.
    fn keep(
        &mut self,
        object: &str,
        sha256: &str,
        fetch: impl FnOnce() -> Result<Vec<u8>, Trouble>,
    ) -> Result<Vec<u8>, Trouble> {
        let file = self.args.dir.join(object);
        make_folder(file.parent().unwrap_or(Path::new(".")))?;
        keep(&file, sha256, || {
            let bytes = fetch()?;
            self.fetched += 1;
            Ok(bytes)
        })
    }
}

fn why(trouble: Trouble) -> String {
    match trouble {
        Trouble::Usage(why)
        | Trouble::Refused(why)
        | Trouble::Unavailable(why)
        | Trouble::Unconfirmed(why)
        | Trouble::Other(why) => why,
        Trouble::Problems(_) => "it cannot be read".to_owned(),
    }
}
