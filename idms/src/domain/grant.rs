//! What a login left behind: an authorization code, then a family of refresh tokens (RFC 6749 1.5, RFC 9700 4.14).
//!
//! Of a family one token at a time is current. Using it makes its child current; the answer is remembered for a short
//! while, so that a terminal on a bad radio link that repeats its request gets the same answer again. Any other use of
//! an old token means that two parties hold it: the family is revoked.

use std::time::Duration;

use csc_types::{ClientId, McpttId, Timestamp};
use subtle::ConstantTimeEq;

use super::claims::Validity;
use super::opaque::RefreshToken;
use super::pkce::Challenge;
use super::scope::Scopes;

/// What a user granted to a client by logging in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who logged in.
    pub user: McpttId,
    /// With which client.
    pub client: ClientId,
    /// What was granted.
    pub scopes: Scopes,
    /// When the password was proved.
    pub auth_time: Timestamp,
    /// [`super::user::User::session_epoch`] of that time.
    pub session_epoch: u64,
}

/// The record of an authorization code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRecord {
    /// What it gives.
    pub grant: Grant,
    /// Where it was sent; the token request must name the same.
    pub redirect_uri: String,
    /// What the verifier must match.
    pub challenge: Challenge,
    /// To be repeated in the id_token.
    pub nonce: Option<String>,
}

/// An access token that was given out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Its `jti`.
    pub id: String,
    /// From when to when it is good.
    pub validity: Validity,
    /// What it permits.
    pub scopes: Scopes,
}

/// The record of a family of refresh tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// What was granted. Narrowing the scope of one access token does not change it.
    pub grant: Grant,
    /// How often it was refreshed.
    pub generation: u64,
    /// The hash of the current token.
    pub current: [u8; 32],
    /// Until when the current token may be used.
    pub usable_until: Timestamp,
    /// The last refresh.
    pub last: Option<Refreshed>,
    /// Whether it is worth nothing any more.
    pub revoked: bool,
}

/// The last refresh of a family: what is needed to give the same answer again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The hash of the token that was used.
    pub parent: [u8; 32],
    /// When.
    pub at: Timestamp,
    /// What was given.
    pub issued: Issued,
}

/// What a presented refresh token is.
#[derive(Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    /// The current one.
    Current,
    /// The one before, with which the same request was answered just now: answer it again.
    Retry(&'a Refreshed),
    /// An older one, or a retry that is none: somebody else holds it too.
    Replayed,
    /// The current one, too late.
    Expired,
    /// One of a family that was revoked.
    Revoked,
}

impl Family {
    /// The family that a code gave, with its first token.
    pub fn new(grant: Grant, first: &RefreshToken, usable_until: Timestamp) -> Self {
        Self { grant, generation: 0, current: first.hash(), usable_until, last: None, revoked: false }
    }

    /// What `token` is at `now`, presented with a request for `scopes`; a repeated request is the same one up to
    /// `grace` later.
    pub fn presented(
        &self,
        token: &RefreshToken,
        scopes: Scopes,
        now: Timestamp,
        grace: Duration,
    ) -> Presented<'_> {
        let hash = token.hash();
        if self.revoked {
            return Presented::Revoked;
        }
        if bool::from(hash.ct_eq(&self.current)) {
            return if now < self.usable_until { Presented::Current } else { Presented::Expired };
        }
        match &self.last {
            Some(last)
                if bool::from(hash.ct_eq(&last.parent))
                    && last.issued.scopes == scopes
                    && now.since(last.at) <= grace =>
            {
                Presented::Retry(last)
            }
            _ => Presented::Replayed,
        }
    }

    /// The family after `parent`, its current token, was replaced by `child` and `issued` given at `now`.
    pub fn refreshed(
        self,
        parent: &RefreshToken,
        child: &RefreshToken,
        issued: Issued,
        now: Timestamp,
        usable_until: Timestamp,
    ) -> Self {
        Self {
            generation: self.generation.saturating_add(1),
            current: child.hash(),
            usable_until,
            last: Some(Refreshed { parent: parent.hash(), at: now, issued }),
            ..self
        }
    }

    /// The family, worth nothing.
    pub fn revoked(self) -> Self {
        Self { revoked: true, last: None, ..self }
    }
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;
    use csc_types::Partition;

    use super::*;
    use crate::domain::opaque::{ChildKey, Code};

    const GRACE: Duration = Duration::from_secs(30);

    fn scopes(names: &[&str]) -> Scopes {
        Scopes::from_names(names.iter().copied()).unwrap()
    }

    struct World {
        family: Family,
        tokens: Vec<RefreshToken>,
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    fn world() -> World {
        let entropy = SeededEntropy::new(1);
        let user: McpttId = "tel:+82571009990".parse().unwrap();
        let partition = Partition::of(user.as_str());
        let first = RefreshToken::random(partition, Code::random(partition, &entropy).family(), &entropy);
        let grant = Grant {
            user,
            client: "MCPTT_UE".parse().unwrap(),
            scopes: scopes(&["openid", "3gpp:mcptt:ptt_server"]),
            auth_time: at(0),
            session_epoch: 0,
        };
        World { family: Family::new(grant, &first, at(1000)), tokens: vec![first] }
    }

    impl World {
        /// Refreshes with the current token.
        fn refresh(&mut self, now: u64, scopes: Scopes) {
            let parent = self.tokens.last().unwrap();
            let child = parent.child(&ChildKey::new(&[1; 32]), self.family.generation + 1);
            let validity = Validity { from: now, until: now + 7201 };
            let issued = Issued { id: now.to_string(), validity, scopes };
            self.family = self.family.clone().refreshed(parent, &child, issued, at(now), at(now + 1000));
            self.tokens.push(child);
        }

        fn present(&self, token: usize, now: u64, scopes: Scopes) -> Presented<'_> {
            self.family.presented(&self.tokens[token], scopes, at(now), GRACE)
        }
    }

    #[test]
    fn only_the_last_token_is_current_and_only_its_parent_may_retry() {
        let (mut world, all) = (world(), scopes(&["openid"]));
        assert_eq!(world.present(0, 10, all), Presented::Current);
        world.refresh(10, all);
        assert!(matches!(world.present(0, 40, all), Presented::Retry(last) if last.issued.id == "10"));
        assert_eq!(world.present(1, 40, all), Presented::Current);
        assert_eq!(world.present(0, 41, all), Presented::Replayed, "the window is over");
        world.refresh(12, all);
        assert_eq!(world.present(0, 13, all), Presented::Replayed, "the child was used");
        assert_eq!(world.present(2, 13, all), Presented::Current);
    }

    #[test]
    fn a_retry_is_the_same_request() {
        let mut world = world();
        world.refresh(10, scopes(&["openid"]));
        assert_eq!(world.present(0, 11, scopes(&["3gpp:mcptt:ptt_server"])), Presented::Replayed);
    }

    #[test]
    fn expiry_and_revocation() {
        let (mut world, all) = (world(), scopes(&["openid"]));
        assert_eq!(world.present(0, 999, all), Presented::Current);
        assert_eq!(world.present(0, 1000, all), Presented::Expired);
        world.refresh(10, all);
        world.family = world.family.clone().revoked();
        for token in 0..2 {
            assert_eq!(world.present(token, 11, all), Presented::Revoked);
        }
    }
}
