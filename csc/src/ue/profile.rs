//! Who a simulated terminal is and where its servers are: a small TOML file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use csc_types::{ClientId, McpttId};
use serde::{Deserialize, Serialize};

/// The profile of a terminal, as read from its file.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Base of every HTTPS request, such as `https://127.0.0.1:4420`.
    pub server: String,
    /// PEM file with the certificates that are trusted; relative to the profile.
    pub ca: PathBuf,
    /// The MCPTT ID.
    #[serde(deserialize_with = "parsed", serialize_with = "shown")]
    pub user: McpttId,
    /// Its password. A simulator's: a real terminal asks its user.
    pub password: String,
    /// The OAuth client.
    #[serde(deserialize_with = "parsed", serialize_with = "shown")]
    pub client_id: ClientId,
    /// A redirect URI registered for that client.
    pub redirect_uri: String,
    /// The scopes to ask for, separated by blanks.
    pub scope: String,
    /// `address:port` of the subscription proxy (UDP); of each replica, separated by commas.
    pub proxy: String,
    /// The PSI that subscriptions are sent to.
    pub psi: String,
}

impl Profile {
    /// Reads the profile in `file`.
    ///
    /// # Errors
    /// If the file cannot be read or a value is missing, unknown or malformed.
    pub fn read(file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
        let mut profile: Self = toml::from_str(&text).with_context(|| format!("in {}", file.display()))?;
        profile.ca = file.parent().unwrap_or(Path::new("")).join(&profile.ca);
        Ok(profile)
    }

    /// The replicas of the subscription proxy.
    ///
    /// # Errors
    /// If one of them is no address.
    pub fn proxies(&self) -> anyhow::Result<Vec<SocketAddr>> {
        let addresses = self.proxy.split(',').map(str::trim);
        addresses.map(|address| address.parse().context("the proxy's address")).collect()
    }
}

fn parsed<'de, D: serde::Deserializer<'de>, T: std::str::FromStr<Err: std::fmt::Display>>(
    from: D,
) -> Result<T, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn shown<S: serde::Serializer>(value: &impl std::fmt::Display, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}
