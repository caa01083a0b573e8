//! Whose keys are given out: the user of the token, under the identities that are really theirs.

use csc_types::McpttId;

use super::refusal::Refusal;
use super::request::Request;

/// The user of the token, with what the account record says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// The MCPTT ID.
    pub(crate) id: McpttId,
    /// Other URIs that the user directory binds to this user.
    pub(crate) bound: Vec<McpttId>,
    /// The only KMS of this user, if the directory names one.
    pub(crate) kms_uri: Option<String>,
}

/// An identity that gets a key set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// What its UID is derived from: P1.
    pub(crate) uri: String,
    /// How the user calls it: UserUri of the key set.
    pub(crate) user_uri: String,
}

/// The identities a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identities {
    /// UserUri of the answer: the name the request used.
    pub(crate) user_uri: String,
    /// The user's MCPTT ID, and behind it the bound identity that was asked for, if one was.
    pub(crate) all: Vec<Identity>,
}

/// What a name in a request turns out to be.
enum Name {
    /// The MCPTT ID.
    Own,
    /// The MCPTT ID with a configured domain behind it, which is the user's own as well.
    OwnInDomain,
    /// Another identity of the user.
    Bound(McpttId),
}

impl Subject {
    /// Decides which identities `request` is about, at the KMS `kms_uri` whose users may write `@<domain>` behind
    /// their MCPTT ID for each of `domains`.
    pub(crate) fn identities(
        &self,
        request: &Request,
        kms_uri: &str,
        domains: &[String],
    ) -> Result<Identities, Refusal> {
        if let Some(other) = self.kms_uri.as_ref().filter(|uri| *uri != kms_uri) {
            return Err(Refusal::OtherKms(other.clone()));
        }
        if request.kms_uri.as_ref().is_some_and(|uri| uri != kms_uri) {
            return Err(Refusal::OtherKms(kms_uri.to_owned()));
        }
        let mut own = Identity { uri: self.id.to_string(), user_uri: self.id.to_string() };
        let mut bound: Option<McpttId> = None;
        for text in &request.users {
            match self.name(text, domains)? {
                Name::Own => {}
                Name::OwnInDomain => own.user_uri.clone_from(text),
                Name::Bound(uri) if bound.as_ref().is_none_or(|other| *other == uri) => bound = Some(uri),
                Name::Bound(_) => return Err(Refusal::Malformed("the request names two other identities")),
            }
        }
        let bound = bound.map(|uri| Identity { uri: uri.to_string(), user_uri: uri.to_string() });
        let user_uri = bound.as_ref().map_or_else(|| own.user_uri.clone(), |bound| bound.user_uri.clone());
        Ok(Identities { user_uri, all: [own].into_iter().chain(bound).collect() })
    }

    fn name(&self, text: &str, domains: &[String]) -> Result<Name, Refusal> {
        let same = |text: &str| text.parse::<McpttId>().is_ok_and(|uri| uri == self.id);
        if same(text) {
            return Ok(Name::Own);
        }
        if let Some((user, domain)) = text.rsplit_once('@')
            && domains.iter().any(|known| known.eq_ignore_ascii_case(domain))
            && same(user)
        {
            return Ok(Name::OwnInDomain);
        }
        let uri = text.parse().map_err(|_| Refusal::SomeoneElse)?;
        if self.bound.contains(&uri) { Ok(Name::Bound(uri)) } else { Err(Refusal::SomeoneElse) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "tel:+82571009990";
    const BOUND: &str = "sip:alex.kim@example.org";

    fn subject() -> Subject {
        let bound = vec![BOUND.parse().unwrap(), "sip:desk@example.org".parse().unwrap()];
        Subject { id: OWN.parse().unwrap(), bound, kms_uri: None }
    }

    fn ask(subject: &Subject, users: &[&str]) -> Result<Identities, Refusal> {
        let users = users.iter().map(|user| (*user).to_owned()).collect();
        subject.identities(&Request { users, ..Request::default() }, "kms", &["ps-lte.com".to_owned()])
    }

    fn identity(uri: &str, user_uri: &str) -> Identity {
        Identity { uri: uri.to_owned(), user_uri: user_uri.to_owned() }
    }

    #[test]
    fn the_user_of_the_token() {
        for users in [&[][..], &[OWN], &["TEL:+82571009990"], &[OWN, OWN]] {
            let found = ask(&subject(), users).unwrap();
            assert_eq!(found, Identities { user_uri: OWN.to_owned(), all: vec![identity(OWN, OWN)] });
        }
    }

    #[test]
    fn the_own_identity_in_a_configured_domain_is_echoed() {
        let named = "tel:+82571009990@ps-lte.com";
        let found = ask(&subject(), &[OWN, named]).unwrap();
        assert_eq!(found, Identities { user_uri: named.to_owned(), all: vec![identity(OWN, named)] });
        for other in ["tel:+82571009990@example.com", "tel:+82571009991@ps-lte.com", "@ps-lte.com"] {
            assert_eq!(ask(&subject(), &[other]), Err(Refusal::SomeoneElse), "{other}");
        }
    }

    #[test]
    fn a_bound_identity_gets_a_second_key_set() {
        let found = ask(&subject(), &[OWN, "sip:alex.kim@EXAMPLE.org"]).unwrap();
        assert_eq!(found.user_uri, BOUND);
        assert_eq!(found.all, [identity(OWN, OWN), identity(BOUND, BOUND)]);
        let two = ask(&subject(), &[BOUND, "sip:desk@example.org"]);
        assert!(matches!(two, Err(Refusal::Malformed(_))));
    }

    #[test]
    fn anybody_else_is_refused() {
        for other in
            ["tel:+82571009991", "sip:alex@example.org", "alex", "%zz", "sip:alex.kim@example.org.evil"]
        {
            assert_eq!(ask(&subject(), &[other]), Err(Refusal::SomeoneElse), "{other}");
            assert_eq!(ask(&subject(), &[OWN, other]), Err(Refusal::SomeoneElse), "{other}");
        }
    }

    #[test]
    fn one_user_has_one_kms() {
        let elsewhere = Subject { kms_uri: Some("kms2".to_owned()), ..subject() };
        assert_eq!(ask(&elsewhere, &[]), Err(Refusal::OtherKms("kms2".to_owned())));
        assert!(ask(&Subject { kms_uri: Some("kms".to_owned()), ..subject() }, &[]).is_ok());
        let request = Request { kms_uri: Some("kms2".to_owned()), ..Request::default() };
        let found = subject().identities(&request, "kms", &[]);
        assert_eq!(found, Err(Refusal::OtherKms("kms".to_owned())));
    }
}
