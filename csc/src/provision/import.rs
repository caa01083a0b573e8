//! `csc provision import DIR`: many documents at once.
//!
//! The folder mirrors the XCAP root: `DIR/<AUID>/users/<xui>/<name>`, `DIR/<AUID>/global/…`. Each document is put like
//! one of a provisioning file, several at a time. One that is refused does not hold up the others; repeating the import
//! changes what is missing.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use csc_proto::documents::v1::PutRequest;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use futures::stream::{self, StreamExt};

use super::{LARGEST, Outcome, Servers, document_outcome, read, refused};

/// Documents under way at a time.
const AT_ONCE: usize = 8;
/// Folders inside each other; a path of XCAP has few.
const DEPTH: usize = 16;

/// What became of an import.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Documents that were not there.
    pub created: usize,
    /// Documents that were there and different.
    pub changed: usize,
    /// Documents that were so already.
    pub unchanged: usize,
    /// Documents that were refused.
    pub refused: usize,
}

/// Puts every document below `folder` at `servers`; with `dry_run` nothing is changed. New groups and global documents
/// belong to `organisation`; empty: to the installation's default one. `report` hears of each document: what became of it, or
/// why not.
///
/// # Errors
/// If the folder cannot be read or holds a name that is no text. Refused documents are counted.
pub async fn import(
    servers: &Servers,
    folder: &Path,
    organisation: &str,
    dry_run: bool,
    mut report: impl FnMut(anyhow::Result<Outcome>, &str),
) -> anyhow::Result<Totals> {
    let mut found = Vec::new();
    find(folder, "", DEPTH, &mut found)?;
    found.sort();
    let mut answers = stream::iter(found)
        .map(|(path, file)| async move {
            let outcome = put(servers, &path, &file, organisation, dry_run).await;
            (path, outcome)
        })
        .buffered(AT_ONCE);
    let mut totals = Totals::default();
    while let Some((path, outcome)) = answers.next().await {
        match &outcome {
            Ok(Outcome::Created) => totals.created += 1,
            Ok(Outcome::Changed) => totals.changed += 1,
            Ok(Outcome::Unchanged) => totals.unchanged += 1,
            Err(_) => totals.refused += 1,
        }
        report(outcome, &path);
    }
    Ok(totals)
}

async fn put(
    servers: &Servers,
    path: &str,
    file: &Path,
    organisation: &str,
    dry_run: bool,
) -> anyhow::Result<Outcome> {
    let content = read(file)?;
    let request = PutRequest {
        path: path.to_owned(),
        content,
        // A user's document belongs where the user does.
        organisation: if path.contains("/users/") { String::new() } else { organisation.to_owned() },
        dry_run,
        ..PutRequest::default()
    };
    let mut store = DocumentsClient::new(servers.of(path)).max_encoding_message_size(LARGEST);
    let answer = store.put(request).await.map_err(refused)?;
    document_outcome(answer.into_inner().outcome)
}

/// The files below `folder`, each with its path below the XCAP root. Hidden ones are left out.
fn find(folder: &Path, path: &str, depth: usize, found: &mut Vec<(String, PathBuf)>) -> anyhow::Result<()> {
    let entries = folder.read_dir().with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        let name = entry.file_name();
        let name = name.to_str().with_context(|| format!("{} is no text", entry.path().display()))?;
        if name.starts_with('.') {
            continue;
        }
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        if !entry.path().is_dir() {
            found.push((path, entry.path()));
        } else if depth == 0 {
            bail!("{}: no document lies that deep", entry.path().display());
        } else {
            find(&entry.path(), &path, depth - 1, found)?;
        }
    }
    Ok(())
}
