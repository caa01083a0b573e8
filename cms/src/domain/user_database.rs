//! The MCPTT user database (TS 24.484 4.4, TS 29.283): who keeps user profiles beside this server.

use async_trait::async_trait;
use bytes::Bytes;
use csc_store::StoreError;
use csc_types::McpttId;
use csc_xcap::usage::USER_PROFILE;
use csc_xcap::{Document, Place};

/// Keeps user profiles. What is not confirmed does not happen here either: a PUT or DELETE answers, and anybody sees it,
/// only after the database has said yes. A change that is decided again is told again, so confirming must bear repeating.
#[async_trait]
pub trait UserDatabase: Send + Sync + 'static {
    /// `profile`, a canonical name, of `user` is to be `content`; `None`: it is to go.
    ///
    /// # Errors
    /// It is not known that the database has it.
    async fn confirm(
        &self,
        user: &McpttId,
        profile: &str,
        content: Option<&Bytes>,
    ) -> Result<(), Unconfirmed>;
}

/// Has `database` confirm what becomes of a document, where it is a user profile; `content`: see
/// [`UserDatabase::confirm`].
///
/// # Errors
/// It does not confirm: what is to be done can be tried again.
pub(crate) async fn confirm(
    database: &dyn UserDatabase,
    document: &Document,
    content: Option<&Bytes>,
) -> Result<(), StoreError> {
    let (true, Place::User { user, name }) = (document.usage == &USER_PROFILE, &document.place) else {
        return Ok(());
    };
    let confirmed = database.confirm(user, name, content).await;
    confirmed.map_err(|unconfirmed| StoreError::Unavailable(unconfirmed.to_string()))
}

/// The database did not confirm a change.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the user database did not confirm: {0}")]
pub struct Unconfirmed(pub String);

/// The store of this server is the database: its commit is the confirmation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Local;

#[async_trait]
impl UserDatabase for Local {
    async fn confirm(&self, _: &McpttId, _: &str, _: Option<&Bytes>) -> Result<(), Unconfirmed> {
        Ok(())
    }
}
