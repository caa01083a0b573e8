//! `csc documents …` and `csc groups …`: what is stored, and who did what to it, over the bus.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Subcommand;
use csc_proto::documents::v1::delete_response::Outcome as Deleted;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::revision::Action as Done;
use csc_proto::documents::v1::{DeleteRequest, GetRequest, HistoryRequest, ListRequest, PutRequest};
use csc_proto::groups::v1::groups_client::GroupsClient;
use csc_proto::groups::v1::{ListGroupsRequest, ListMembersRequest};
use jiff::Timestamp;
use tonic::transport::Channel;

use crate::cli::Bus;
use crate::provision::{LARGEST, document_outcome, refused};

/// What can be done with documents.
#[derive(Subcommand)]
pub(crate) enum Documents {
    /// List the documents of a usage: path, ETag, organisation.
    List {
        /// The AUID, such as `org.3gpp.mcptt.user-profile`.
        usage: String,
        /// Only those in the tree of this user, views of groups included.
        #[arg(long, default_value = "")]
        user: String,
        /// Only those of this organisation.
        #[arg(long, default_value = "")]
        organisation: String,
        #[command(flatten)]
        bus: Bus,
    },
    /// Print a document.
    Get {
        /// Path below the XCAP root, not percent-encoded.
        path: String,
        /// Whose global document is meant if the path does not say.
        #[arg(long, default_value = "")]
        organisation: String,
        #[command(flatten)]
        bus: Bus,
    },
    /// Store a document from a file. An equal one stays as it is.
    Put {
        /// Path below the XCAP root, not percent-encoded.
        path: String,
        /// The file.
        file: PathBuf,
        /// The organisation that a new group or global document belongs to.
        #[arg(long, default_value = "")]
        organisation: String,
        /// Only if it still has this ETag.
        #[arg(long, default_value = "")]
        etag: String,
        /// Only say what would change.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        bus: Bus,
    },
    /// Delete a document.
    Delete {
        /// Path below the XCAP root, not percent-encoded.
        path: String,
        /// Whose global document is meant if the path does not say.
        #[arg(long, default_value = "")]
        organisation: String,
        /// Only if it still has this ETag.
        #[arg(long, default_value = "")]
        etag: String,
        #[command(flatten)]
        bus: Bus,
    },
    /// Print the last revisions of a document, newest first: when, what, ETag, by whom, octets.
    History {
        /// Path below the XCAP root, not percent-encoded.
        path: String,
        /// Whose global document is meant if the path does not say.
        #[arg(long, default_value = "")]
        organisation: String,
        #[command(flatten)]
        bus: Bus,
    },
}

/// What can be asked about groups.
#[derive(Subcommand)]
pub(crate) enum Groups {
    /// List the groups that a user sees: group, ETag, organisation.
    Of {
        /// The MCPTT ID.
        user: String,
        #[command(flatten)]
        bus: Bus,
    },
    /// List the members of a group.
    Members {
        /// The group id.
        group: String,
        #[command(flatten)]
        bus: Bus,
    },
}

impl Documents {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { usage, user, organisation, bus } => {
                let mut client = client(bus, &usage)?;
                let mut page_token = String::new();
                loop {
                    let request = ListRequest {
                        usage: usage.clone(),
                        user: user.clone(),
                        organisation: organisation.clone(),
                        page_size: 0,
                        page_token,
                    };
                    let page = client.list(request).await.map_err(refused)?.into_inner();
                    for document in page.documents {
                        say!("{}\t{}\t{}", document.path, document.etag, document.organisation);
                    }
                    page_token = page.next_page_token;
                    if page_token.is_empty() {
                        return Ok(());
                    }
                }
            }
            Self::Get { path, organisation, bus } => {
                let mut client = client(bus, &path)?;
                let found = client.get(GetRequest { path, organisation }).await.map_err(refused)?;
                std::io::stdout().write_all(&found.into_inner().content).context("writing the document")
            }
            Self::Put { path, file, organisation, etag, dry_run, bus } => {
                let content = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
                let mut client = client(bus, &path)?;
                let request = PutRequest { path: path.clone(), content, organisation, etag, dry_run };
                let answer = client.put(request).await.map_err(refused)?.into_inner();
                let verb = if dry_run { " (dry run)" } else { "" };
                say!("{:<10} {path} {}{verb}", document_outcome(answer.outcome)?.word(), answer.etag);
                Ok(())
            }
            Self::Delete { path, organisation, etag, bus } => {
                let mut client = client(bus, &path)?;
                let request = DeleteRequest { path: path.clone(), organisation, etag };
                let answer = client.delete(request).await.map_err(refused)?.into_inner();
                let word = if answer.outcome() == Deleted::Absent { "absent" } else { "deleted" };
                say!("{word:<10} {path}");
                Ok(())
            }
            Self::History { path, organisation, bus } => {
                let mut client = client(bus, &path)?;
                let history = client.history(HistoryRequest { path, organisation }).await.map_err(refused)?;
                for revision in history.into_inner().revisions {
                    let done = match revision.action() {
                        Done::Stored => "stored",
                        Done::NodeStored => "node stored",
                        Done::NodeDeleted => "node deleted",
                        Done::Deleted => "deleted",
                        Done::Unspecified => "?",
                    };
                    let at =
                        i64::try_from(revision.at).ok().and_then(|at| Timestamp::from_microsecond(at).ok());
                    let at = at.map_or_else(String::new, |at| format!("{at:.3}"));
                    say!("{at}\t{done}\t{}\t{}\t{}", revision.etag, revision.author, revision.octets);
                }
                Ok(())
            }
        }
    }
}

impl Groups {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let (Self::Of { bus, .. } | Self::Members { bus, .. }) = &self;
        let mut client = GroupsClient::new(bus.clone().connect()?.gms);
        let mut page_token = String::new();
        loop {
            page_token = match &self {
                Self::Of { user, .. } => {
                    let request = ListGroupsRequest { mcptt_id: user.clone(), page_size: 0, page_token };
                    let page = client.list_groups(request).await.map_err(refused)?.into_inner();
                    for group in page.groups {
                        say!("{}\t{}\t{}", group.group_id, group.etag, group.organisation);
                    }
                    page.next_page_token
                }
                Self::Members { group, .. } => {
                    let request = ListMembersRequest { group_id: group.clone(), page_size: 0, page_token };
                    let page = client.list_members(request).await.map_err(refused)?.into_inner();
                    for member in page.mcptt_ids {
                        say!("{member}");
                    }
                    page.next_page_token
                }
            };
            if page_token.is_empty() {
                return Ok(());
            }
        }
    }
}

/// `documents.v1` where the document at `path`, or a usage, is.
fn client(bus: Bus, path: &str) -> anyhow::Result<DocumentsClient<Channel>> {
    let client = DocumentsClient::new(bus.connect()?.of(path));
    Ok(client.max_encoding_message_size(LARGEST).max_decoding_message_size(LARGEST))
}
