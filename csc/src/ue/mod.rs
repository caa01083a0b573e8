//! A simulated terminal: what a real one does over HTTPS and SIP, and nothing a real one could not do.

mod https;
mod keys;
mod login;
mod profile;
mod sip;

use anyhow::{Context, bail};
use bytes::Bytes;
use csc_types::{Entropy, McpttId};
use http::{Request, Response};

pub use https::Https;
pub use keys::{Certificate, Received};
pub use login::Tokens;
pub use profile::Profile;
pub use sip::{Change, Notify, SipUe, Subscription};

/// A terminal and its HTTPS connection.
pub struct Ue {
    profile: Profile,
    https: Https,
    tokens: Option<Tokens>,
}

/// A document as fetched.
pub struct Fetched {
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its octets.
    pub body: Bytes,
}

impl Ue {
    /// The terminal that `profile` describes; nothing is sent yet.
    ///
    /// # Errors
    /// If the server's URL is malformed or its certificates cannot be read.
    pub fn new(profile: Profile) -> anyhow::Result<Self> {
        let https = Https::new(&profile.server, &profile.ca)?;
        Ok(Self { profile, https, tokens: None })
    }

    /// The user.
    pub const fn user(&self) -> &McpttId {
        &self.profile.user
    }

    /// The profile it was made from.
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Logs in; later requests carry the access token.
    ///
    /// # Errors
    /// If the server refuses, with its own words.
    pub async fn login(&mut self, entropy: &dyn Entropy) -> anyhow::Result<&Tokens> {
        let tokens = login::login(&mut self.https, &self.profile, entropy).await?;
        Ok(self.tokens.insert(tokens))
    }

    /// Trades the refresh token for new tokens.
    ///
    /// # Errors
    /// If there is none yet, or the server refuses.
    pub async fn refresh(&mut self) -> anyhow::Result<&Tokens> {
        let tokens = self.tokens.as_ref().context("not logged in")?;
        let tokens = login::refresh(&mut self.https, &self.profile, &tokens.refresh_token).await?;
        Ok(self.tokens.insert(tokens))
    }

    /// Sends `request` (its URI is the bare target) with the access token, in the field dialect.
    ///
    /// # Errors
    /// If no answer comes.
    pub async fn send(&mut self, mut request: Request<Bytes>) -> anyhow::Result<Response<Bytes>> {
        if let Some(tokens) = &self.tokens {
            let headers = request.headers_mut();
            headers.insert("access_token", tokens.access_token.parse()?);
            headers.insert("x-3gpp-asserted-identity", self.profile.user.as_str().parse()?);
        }
        self.https.send(request).await
    }

    /// Fetches the document or node at `path` (below the server's root, without the first slash).
    ///
    /// # Errors
    /// If the answer is not 200.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Fetched> {
        let answer = self.send(Request::get(target(path)).body(Bytes::new())?).await?;
        if answer.status() != 200 {
            bail!("GET {path} was answered {}", answer.status());
        }
        let etag = answer.headers().get("etag").context("the answer has no ETag")?.to_str()?;
        Ok(Fetched { etag: etag.trim_matches('"').to_owned(), body: answer.into_body() })
    }

    /// Stores `document` at `path`. `if_match` is the ETag it replaces.
    ///
    /// # Errors
    /// If the answer is neither 200 nor 201.
    pub async fn put(
        &mut self,
        path: &str,
        media_type: &str,
        document: Bytes,
        if_match: Option<&str>,
    ) -> anyhow::Result<()> {
        let mut request = Request::put(target(path)).header("content-type", media_type);
        if let Some(etag) = if_match {
            request = request.header("if-match", format!("\"{etag}\""));
        }
        let answer = self.send(request.body(document)?).await?;
        if !matches!(answer.status().as_u16(), 200 | 201) {
            bail!("PUT {path} was answered {}: {}", answer.status(), String::from_utf8_lossy(answer.body()));
        }
        Ok(())
    }

    /// The groups that the document directory of this user lists.
    ///
    /// # Errors
    /// If the directory cannot be fetched or read.
    pub async fn groups(&mut self) -> anyhow::Result<Vec<String>> {
        let user = self.user().clone();
        let directory =
            self.get(&format!("org.openmobilealliance.xcap-directory/users/{user}/directory.xml")).await?;
        let document = csc_xml::parse(&directory.body, &csc_xml::Limits::DEFAULT)?;
        let prefix = format!("org.openmobilealliance.groups/users/{user}/");
        let uris = document.descendants().filter_map(|node| node.attribute("uri"));
        Ok(uris.filter_map(|uri| uri.split_once(&prefix).map(|(_, group)| group.to_owned())).collect())
    }
}

/// The request target for `path`: what may not stand in one is percent-encoded, what is encoded stays.
fn target(path: &str) -> String {
    let mut target = String::with_capacity(path.len() + 1);
    target.push('/');
    for octet in path.trim_start_matches('/').bytes() {
        if octet.is_ascii_graphic()
            && !matches!(octet, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' | b'#')
        {
            target.push(char::from(octet));
        } else {
            target.push_str(&format!("%{octet:02X}"));
        }
    }
    target
}
