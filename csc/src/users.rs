//! `csc users …`: users of a running server, over the bus. What makes and changes them is `csc provision`.

use clap::Subcommand;
use csc_proto::identity::v1::DeleteUserRequest;
use csc_proto::identity::v1::delete_response::Outcome;
use csc_proto::identity::v1::directory_client::DirectoryClient;

use crate::cli::Bus;
use crate::provision::refused;

/// What can be done with users.
#[derive(Subcommand)]
pub(crate) enum Users {
    /// Delete a user: its account, sessions and names at once; its documents and its places in groups soon after, and until
    /// then nobody gets its MCPTT ID. Repeating it finishes what was cut off.
    Delete {
        /// The MCPTT ID.
        user: String,
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        bus: Bus,
    },
}

impl Users {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let Self::Delete { user, dry_run, bus } = self;
        let mut client = DirectoryClient::new(bus.connect()?.idms);
        let request = DeleteUserRequest { mcptt_id: user.clone(), dry_run };
        let answer = client.delete_user(request).await.map_err(refused)?.into_inner();
        let word = if answer.outcome() == Outcome::Absent { "absent" } else { "deleted" };
        let verb = if dry_run { " (dry run)" } else { "" };
        say!("{word:<10} {user}{verb}");
        Ok(())
    }
}
