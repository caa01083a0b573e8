//! Terminals whose users a gateway has identified (seed dialect of RCS terminals): they hold no access token.
//!
//! The gateway sends `X-3GPP-Intended-Identity: "sip:…"` (TS 24.109), or passes on HTTP Basic whose user name is the user.
//! Both count from a peer that the settings trust, and only where there is no token; from anybody else they are nothing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use csc_service::http::{Body, HttpService, Mount, Peer, TrustedPeers};
use csc_types::McpttId;
use csc_xcap::Names;
use csc_xcap_server::Asserted;
use http::Request;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName};
use tower::ServiceExt;

static IDENTITIES: [HeaderName; 2] = [
    HeaderName::from_static("x-3gpp-asserted-identity"),
    HeaderName::from_static("x-3gpp-intended-identity"),
];

/// `mount`, with the users that trusted peers name.
pub(crate) fn with_intended_identities(mount: Mount, trusted: TrustedPeers, names: Names) -> Mount {
    let Mount { segments, service } = mount;
    Mount::new(
        segments,
        tower::service_fn(move |mut request: Request<Body>| {
            let service: HttpService = service.clone();
            if request.extensions().get::<Peer>().is_some_and(|peer| trusted.trusts(peer))
                && let Some(user) = named(request.headers(), &names)
            {
                request.extensions_mut().insert(Asserted(user));
            }
            async move { service.oneshot(request).await }
        }),
    )
}

/// The one user that the headers name; `None` if they name nobody, or not clearly. A user name of HTTP Basic that is no
/// user's identity, such as a private one, says nothing; one that is must be the same.
fn named(headers: &HeaderMap, names: &Names) -> Option<McpttId> {
    let text = |value: &http::HeaderValue| value.to_str().map(str::trim).unwrap_or_default().to_owned();
    let identities = IDENTITIES.iter().flat_map(|name| headers.get_all(name)).map(text).map(unquoted);
    let identities = identities.map(|name| names.user(&name).ok());
    let basic = headers.get_all(AUTHORIZATION).iter().map(text).filter_map(|value| basic_user(&value));
    let basic = basic.filter_map(|name| names.user(&name).ok()).map(Some);
    let mut users = identities.chain(basic);
    let first = users.next()??;
    users.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

fn unquoted(text: String) -> String {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(bare) => bare.to_owned(),
        None => text,
    }
}

/// The user name of HTTP Basic credentials (RFC 7617): a URI holds colons, so the password begins behind the last one.
fn basic_user(credentials: &str) -> Option<String> {
    let (scheme, encoded) = credentials.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    Some(pair.rsplit_once(':')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(headers: &[(HeaderName, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), value.parse().unwrap());
        }
        named(&map, &Names::of("default".parse().unwrap())).map(|user| user.to_string())
    }

    #[test]
    fn who_is_named() {
        let [asserted, intended] = IDENTITIES.clone();
        let basic = |pair: &str| format!("Basic {}", STANDARD.encode(pair));
        let alex = Some("sip:Alex@example.org".to_owned());
        assert_eq!(user(&[(intended.clone(), "\"sip:Alex@Example.ORG\"")]), alex);
        assert_eq!(user(&[(asserted.clone(), "sip:Alex@example.org")]), alex);
        assert_eq!(user(&[(AUTHORIZATION, &basic("sip:Alex@example.org:secret"))]), alex);
        let both = basic("sip:Alex@example.org:X");
        assert_eq!(user(&[(intended.clone(), "\"sip:Alex@example.org\""), (AUTHORIZATION, &both)]), alex);
        let private = basic("alex-private:X");
        assert_eq!(user(&[(intended.clone(), "sip:Alex@example.org"), (AUTHORIZATION, &private)]), alex);
        for unclear in [
            vec![(AUTHORIZATION, private.as_str())],
            vec![],
            vec![(intended.clone(), "")],
            vec![(intended.clone(), "\"X\"")],
            vec![(intended.clone(), "\"sip:Kim@example.org\""), (AUTHORIZATION, &both)],
            vec![(intended.clone(), "sip:Kim@example.org"), (intended, "sip:Alex@example.org")],
            vec![(AUTHORIZATION, "Basic %%%")],
            vec![(AUTHORIZATION, "Digest username=\"sip:Alex@example.org\"")],
        ] {
            assert_eq!(user(&unclear), None, "{unclear:?}");
        }
    }
}
