//! Who is who on the bus: the DNS names in a certificate of the bus CA say what its owner is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::client::verify_server_name;
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// What a process on the bus is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// The identity management server.
    Idms,
    /// The configuration management server.
    Cms,
    /// The group management server.
    Gms,
    /// The key management server.
    Kms,
    /// The subscription proxy.
    SubscriptionProxy,
    /// The edge, which forwards the requests of terminals.
    Edge,
    /// Whoever administers the installation.
    Operator,
}

impl Member {
    /// All there are.
    pub const ALL: [Self; 7] =
        [Self::Idms, Self::Cms, Self::Gms, Self::Kms, Self::SubscriptionProxy, Self::Edge, Self::Operator];

    /// Its DNS name, without the domain of the bus.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idms => "idms",
            Self::Cms => "cms",
            Self::Gms => "gms",
            Self::Kms => "kms",
            Self::SubscriptionProxy => "subscription-proxy",
            Self::Edge => "edge",
            Self::Operator => "operator",
        }
    }

    /// Its DNS name in a certificate of the bus.
    pub fn server_name(self, domain: Option<&BusDomain>) -> ServerName<'static> {
        let name = qualified(self.name(), domain);
        ServerName::try_from(name)
            .expect("BusDomain takes only what is a DNS name behind the longest member's name")
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What stands behind the names of the members in their certificates: `bus.example.org`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusDomain(String);

impl FromStr for BusDomain {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let longest = format!("{}.{text}", Member::SubscriptionProxy.name());
        match ServerName::try_from(longest) {
            Ok(ServerName::DnsName(_)) if !text.is_empty() && !text.ends_with('.') => {
                Ok(Self(text.to_owned()))
            }
            _ => Err("must be a DNS name such as bus.example.org"),
        }
    }
}

fn qualified(name: &str, domain: Option<&BusDomain>) -> String {
    match domain {
        Some(BusDomain(domain)) => format!("{name}.{domain}"),
        None => name.to_owned(),
    }
}

/// All that one process is: a process may be several members at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Members(u8);

impl Members {
    /// Nobody.
    pub const NONE: Self = Self(0);

    /// Everybody.
    pub const ALL: Self = Self::of(&Member::ALL);

    /// These.
    pub const fn of(members: &[Member]) -> Self {
        let (mut bits, mut n) = (0, 0);
        while n < members.len() {
            bits |= 1 << members[n] as u8;
            n += 1;
        }
        Self(bits)
    }

    /// Whether nobody is both in these and in `other`.
    pub const fn is_disjoint(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// Whether `member` is one of these.
    pub const fn contains(self, member: Member) -> bool {
        !self.is_disjoint(Self::of(&[member]))
    }
}

impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for member in Member::ALL.into_iter().filter(|member| self.contains(*member)) {
            write!(f, "{gap}{member}")?;
            gap = "+";
        }
        Ok(())
    }
}

impl FromStr for Members {
    type Err = &'static str;

    /// What they are shown as.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let member = |name: &str| Member::ALL.into_iter().find(|member| member.name() == name);
        let members: Option<Vec<Member>> = text.split('+').map(member).collect();
        members.map(|members| Self::of(&members)).ok_or("must be names of members, as in cms+gms")
    }
}

/// The names of all members with the domain of one bus.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    members: Vec<(Member, ServerName<'static>)>,
    /// A name that belongs to no member. Only a wildcard covers it, and a wildcard would make its owner everybody.
    nobody: ServerName<'static>,
}

impl Names {
    pub(crate) fn new(domain: Option<&BusDomain>) -> Self {
        let nobody = qualified("nobody", domain);
        Self {
            members: Member::ALL.iter().map(|member| (*member, member.server_name(domain))).collect(),
            nobody: ServerName::try_from(nobody).expect("as the names of the members"),
        }
    }

    /// What the owner of `certificate` is, by name alone.
    pub(crate) fn members(&self, certificate: &CertificateDer<'_>) -> Members {
        let Ok(certificate) = ParsedCertificate::try_from(certificate) else { return Members::NONE };
        if verify_server_name(&certificate, &self.nobody).is_ok() {
            return Members::NONE;
        }
        let named = self.members.iter().filter(|(_, name)| verify_server_name(&certificate, name).is_ok());
        Members::of(&named.map(|(member, _)| *member).collect::<Vec<_>>())
    }
}

/// Lets only some members connect. Others fail in the handshake, before a single call.
pub(crate) struct MembersOnly {
    /// Looks at the chain.
    pub(crate) chain: Arc<dyn ClientCertVerifier>,
    pub(crate) names: Names,
    pub(crate) allowed: Members,
}

impl ClientCertVerifier for MembersOnly {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(end_entity, intermediates, now)?;
        let members = self.names.members(end_entity);
        if members.is_disjoint(self.allowed) {
            let named = if members == Members::NONE { "no member".to_owned() } else { members.to_string() };
            return Err(Error::General(format!("the certificate names {named}; wanted: {}", self.allowed)));
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

impl fmt::Debug for MembersOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MembersOnly").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(names: &[&str]) -> CertificateDer<'static> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        rcgen::generate_simple_self_signed(names).unwrap().cert.der().clone()
    }

    #[test]
    fn the_names_of_a_certificate_say_what_its_owner_is() {
        let names = Names::new(None);
        assert_eq!(names.members(&certificate(&["gms"])), Members::of(&[Member::Gms]));
        let several = names.members(&certificate(&["localhost", "idms", "subscription-proxy"]));
        assert_eq!(several.to_string(), "idms+subscription-proxy");
        for none in [&["gms.example.org"][..], &["localhost"], &["gmsx"], &["*.gms"], &[]] {
            assert_eq!(names.members(&certificate(none)), Members::NONE, "{none:?}");
        }
        assert_eq!(names.members(&CertificateDer::from(vec![0x30, 0])), Members::NONE);
    }

    #[test]
    fn a_domain_belongs_to_the_name() {
        let domain: BusDomain = "bus.example.org".parse().unwrap();
        let names = Names::new(Some(&domain));
        assert_eq!(names.members(&certificate(&["cms.bus.example.org"])), Members::of(&[Member::Cms]));
        for none in ["cms", "*.bus.example.org", "cms.example.org", "x.cms.bus.example.org"] {
            assert_eq!(names.members(&certificate(&[none])), Members::NONE, "{none}");
        }
        for wrong in ["", ".", "a b", "127.0.0.1:1", "example.org.", &"a.".repeat(120), "http://x"] {
            assert!(wrong.parse::<BusDomain>().is_err(), "{wrong}");
        }
    }
}
