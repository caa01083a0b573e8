//! `csc provision apply FILE`: brings a running server to what a declarative file says.
//!
//! Everything goes over the bus, so the server's own checks hold. Applying a file again changes nothing; a dry run
//! tells what would change.

mod import;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::{self as documents, PutRequest};
use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_proto::identity::v1::{
    self as identity, PutClientRequest, PutOrganisationRequest, PutResponse, PutUserRequest,
};
use csc_xcap::usage::GROUPS;
use serde::Deserialize;
use tokio::time::Instant;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};

pub use import::{Totals, import};

/// Octets of the largest message: the largest document that a setting permits, and its path.
pub(crate) const LARGEST: usize = 17 << 20;

/// How long a user is put again that the server cannot take yet, and how long it rests between.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// A provisioning file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    #[serde(default)]
    organisation: Vec<Organisation>,
    #[serde(default)]
    client: Vec<Client>,
    #[serde(default)]
    user: Vec<User>,
    #[serde(default)]
    document: Vec<Document>,
    /// Where the file lies; documents are found relative to it.
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Organisation {
    id: String,
    #[serde(default)]
    display_name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Client {
    id: String,
    organisation: String,
    redirect_uris: Vec<String>,
    scopes: Vec<String>,
    /// File with the secret that signs its id_tokens (HS256).
    secret_file: Option<PathBuf>,
    #[serde(default)]
    id_token_algorithm: String,
    #[serde(default)]
    audience: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    id: String,
    organisation: String,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    ue_ids: Vec<String>,
    #[serde(default)]
    user_uris: Vec<String>,
    #[serde(default)]
    kms_uri: String,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    scopes: Vec<String>,
    /// The password in the file itself: for samples and first passwords.
    password: Option<String>,
    /// File with the password; white space at its end is not part of it.
    password_file: Option<PathBuf>,
    /// base64url(SHA-256(password)) without padding, instead of the password.
    password_hash: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    path: String,
    #[serde(default)]
    organisation: String,
    file: PathBuf,
}

/// What became of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was not there.
    Created,
    /// It was there and different.
    Changed,
    /// It was so already.
    Unchanged,
}

impl Outcome {
    /// The word for it on the terminal.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// Where the administration services are.
#[derive(Clone)]
pub struct Servers {
    /// `identity.v1`, served by idms.
    pub idms: Channel,
    /// `documents.v1` for groups.
    pub gms: Channel,
    /// `documents.v1` for all other documents.
    pub cms: Channel,
}

impl Servers {
    /// All of them at one place: a process that holds every service.
    pub fn one(bus: Channel) -> Self {
        Self { idms: bus.clone(), gms: bus.clone(), cms: bus }
    }

    /// The server of the document at `path`.
    pub(crate) fn of(&self, path: &str) -> Channel {
        let auid = path.trim_start_matches('/').split('/').next();
        if auid == Some(GROUPS.auid) { self.gms.clone() } else { self.cms.clone() }
    }
}

impl Plan {
    /// Reads a provisioning file.
    ///
    /// # Errors
    /// If it cannot be read or holds a key that is unknown or missing.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let mut plan: Self = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
        plan.folder = file.parent().unwrap_or(Path::new("")).to_owned();
        Ok(plan)
    }

    /// Applies the plan at `servers` in the order in which things depend on each other: organisations, clients, users,
    /// documents. `report` hears of every item once it is done; with `dry_run` nothing is changed.
    ///
    /// # Errors
    /// At the first item that the server refuses; those before it stay applied, and a repeat goes on from there.
    pub async fn apply(
        &self,
        servers: &Servers,
        dry_run: bool,
        mut report: impl FnMut(Outcome, &str),
    ) -> anyhow::Result<()> {
        let mut directory = DirectoryClient::new(servers.idms.clone());
        for item in &self.organisation {
            let what = format!("organisation {}", item.id);
            let request = PutOrganisationRequest {
                id: item.id.clone(),
                display_name: item.display_name.clone(),
                dry_run,
            };
            let answer =
                directory.put_organisation(request).await.map_err(refused).with_context(|| what.clone())?;
            report(outcome(answer.into_inner().outcome)?, &what);
        }
        for item in &self.client {
            let what = format!("client {}", item.id);
            let request = self.client_request(item, dry_run).with_context(|| what.clone())?;
            let answer =
                directory.put_client(request).await.map_err(refused).with_context(|| what.clone())?;
            report(outcome(answer.into_inner().outcome)?, &what);
        }
        for item in &self.user {
            let what = format!("user {}", item.id);
            let request = self.user_request(item, dry_run).with_context(|| what.clone())?;
            let answer =
                put_user(&mut directory, request).await.map_err(refused).with_context(|| what.clone())?;
            report(outcome(answer.outcome)?, &what);
        }
        for item in &self.document {
            let what = format!("document {}", item.path);
            let content = read(&self.folder.join(&item.file)).with_context(|| what.clone())?;
            let (path, organisation) = (item.path.clone(), item.organisation.clone());
            let request = PutRequest { path, content, organisation, dry_run, ..PutRequest::default() };
            let mut store = DocumentsClient::new(servers.of(&item.path)).max_encoding_message_size(LARGEST);
            let answer = store.put(request).await.map_err(refused).with_context(|| what.clone())?;
            report(document_outcome(answer.into_inner().outcome)?, &what);
        }
        Ok(())
    }

    fn client_request(&self, item: &Client, dry_run: bool) -> anyhow::Result<PutClientRequest> {
        Ok(PutClientRequest {
            client_id: item.id.clone(),
            organisation: item.organisation.clone(),
            redirect_uris: item.redirect_uris.clone(),
            scopes: item.scopes.clone(),
            secret: item.secret_file.as_ref().map(|file| self.secret(file)).transpose()?,
            id_token_algorithm: item.id_token_algorithm.clone(),
            audience: item.audience.clone(),
            dry_run,
        })
    }

    fn user_request(&self, item: &User, dry_run: bool) -> anyhow::Result<PutUserRequest> {
        let password = match (&item.password, &item.password_file) {
            (Some(_), Some(_)) => anyhow::bail!("has both password and password_file"),
            (Some(password), None) => Some(password.clone()),
            (None, Some(file)) => Some(self.secret(file)?),
            (None, None) => None,
        };
        Ok(PutUserRequest {
            mcptt_id: item.id.clone(),
            organisation: item.organisation.clone(),
            roles: item.roles.clone(),
            ue_ids: item.ue_ids.clone(),
            user_uris: item.user_uris.clone(),
            kms_uri: item.kms_uri.clone(),
            disabled: item.disabled,
            scopes: item.scopes.clone(),
            password,
            password_hash: item.password_hash.clone(),
            dry_run,
        })
    }

    fn secret(&self, file: &Path) -> anyhow::Result<String> {
        let text = String::from_utf8(read(&self.folder.join(file))?).context("is not UTF-8")?;
        Ok(text.trim_end().to_owned())
    }
}

/// Puts a user. One that has the name of somebody who was just deleted is not taken before all of that one is removed: then
/// this tries again, for half a minute.
///
/// # Errors
/// When the server refuses for good, still does so at the end, or is not reached.
pub async fn put_user(
    directory: &mut DirectoryClient<Channel>,
    request: PutUserRequest,
) -> Result<PutResponse, Status> {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = directory.put_user(request.clone()).await;
        // Without a source the server has said so itself.
        let later = |status: &Status| status.code() == Code::Unavailable && status.source().is_none();
        if !answer.as_ref().is_err_and(later) || Instant::now() >= end {
            return answer.map(Response::into_inner);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What a call failed of, for the operator.
pub(crate) fn refused(status: Status) -> anyhow::Error {
    let Some(mut cause) = status.source() else {
        let words = if status.message().is_empty() { status.code().description() } else { status.message() };
        return anyhow::anyhow!("refused: {words}");
    };
    // No server has said this: the connection failed.
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    anyhow::anyhow!("the bus cannot be reached: {cause}")
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(file).with_context(|| format!("reading {}", file.display()))
}

fn outcome(number: i32) -> anyhow::Result<Outcome> {
    use identity::put_response::Outcome as Answer;
    match Answer::try_from(number) {
        Ok(Answer::Created) => Ok(Outcome::Created),
        Ok(Answer::Changed) => Ok(Outcome::Changed),
        Ok(Answer::Unchanged) => Ok(Outcome::Unchanged),
        Ok(Answer::Unspecified) | Err(_) => anyhow::bail!("the server's answer is of a newer version"),
    }
}

pub(crate) fn document_outcome(number: i32) -> anyhow::Result<Outcome> {
    use documents::put_response::Outcome as Answer;
    match Answer::try_from(number) {
        Ok(Answer::Created) => Ok(Outcome::Created),
        Ok(Answer::Changed) => Ok(Outcome::Changed),
        Ok(Answer::Unchanged) => Ok(Outcome::Unchanged),
        Ok(Answer::Unspecified) | Err(_) => anyhow::bail!("the server's answer is of a newer version"),
    }
}
