//! The head of a message on its way through: what belongs to one connection stays behind, what the service must know of
//! the client is added, everything else is passed on as it came (RFC 9110 section 7.6, RFC 9113 section 8.3.1).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use csc_service::http::{CLIENT_ADDRESS, CLIENT_CERTIFICATE, Peer};
use csc_service::trace;
use http::header::{CONNECTION, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE, VIA};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri, Version};

/// Fields that are about one connection. `Expect` is here because the listener has answered it.
const OF_THE_CONNECTION: [HeaderName; 8] = [
    CONNECTION,
    EXPECT,
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// The head of a request as services get it.
#[derive(Clone)]
pub(super) struct Head {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
}

impl Head {
    /// What of a client's request is passed on.
    ///
    /// # Errors
    /// The status to answer with when it cannot be passed on: a tunnel is asked for, or `Host` is no host.
    pub(super) fn new(parts: Parts) -> Result<Self, StatusCode> {
        let Parts { method, uri, mut headers, version, extensions, .. } = parts;
        if method == Method::CONNECT {
            return Err(StatusCode::NOT_IMPLEMENTED);
        }
        strip(&mut headers);
        for name in [CLIENT_ADDRESS, CLIENT_CERTIFICATE] {
            headers.remove(name);
        }
        if let Some(Peer { address, certificate }) = extensions.get() {
            headers.insert(CLIENT_ADDRESS, text(address.to_string()));
            if let Some(certificate) = certificate {
                headers.insert(CLIENT_CERTIFICATE, text(STANDARD.encode(certificate)));
            }
        }
        trace::pass_on(&mut headers);
        headers.append(VIA, text(format!("{} edge", number(version))));

        let authority = match uri.authority() {
            Some(authority) => Some(authority.clone()),
            None => host(&headers)?,
        };
        if let Some(authority) = &authority {
            // An absolute target is stronger than Host (RFC 9112 section 3.2.2); they must not differ.
            headers.insert(HOST, text(authority.as_str().to_owned()));
        }
        Ok(Self { method, uri: target(authority, uri.path_and_query()), headers })
    }

    /// Whether it may be repeated although a service may have acted on it.
    pub(super) fn is_safe(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD | Method::OPTIONS)
    }

    /// The request, with `body`.
    pub(super) fn request<B>(&self, body: B) -> Request<B> {
        let mut request = Request::new(body);
        request.method_mut().clone_from(&self.method);
        request.uri_mut().clone_from(&self.uri);
        request.headers_mut().clone_from(&self.headers);
        request
    }
}

/// Removes what is about the connection a message came over.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_THE_CONNECTION.iter().chain(&named) {
        headers.remove(name);
    }
}

/// The host a request is for; `None` when it names none.
fn host(headers: &HeaderMap) -> Result<Option<Authority>, StatusCode> {
    match headers.get(HOST).map(HeaderValue::as_bytes) {
        None | Some(b"") => Ok(None),
        Some(host) => Authority::try_from(host).map(Some).map_err(|_| StatusCode::BAD_REQUEST),
    }
}

/// The target for HTTP/2. Path and query are those that came, octet for octet.
fn target(authority: Option<Authority>, path: Option<&PathAndQuery>) -> Uri {
    let mut parts = http::uri::Parts::default();
    // Without a host HTTP/2 has no place for a scheme in a URI; it sends one of its own.
    parts.scheme = authority.is_some().then_some(Scheme::HTTPS);
    parts.authority = authority;
    parts.path_and_query = Some(path.cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).expect("scheme and authority are both there or both not, and there is a path")
}

/// A value that was made here.
fn text(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("an address, base64, a version and an authority are visible ASCII")
}

/// The version as `Via` names it.
fn number(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(request: http::request::Builder) -> Result<Request<()>, StatusCode> {
        Head::new(request.body(()).unwrap().into_parts().0).map(|head| head.request(()))
    }

    #[test]
    fn the_target_stays_as_it_is() {
        for target in [
            "/a/~~/b%5b%22x%22%5D?q=1&r=%2F",
            "/a/~~/b[@c=\"d\"]",
            "//a//b/",
            "/%2F%2f/",
            "/?",
            "/a?x={y}",
            "*",
            "/é",
        ] {
            let sent = head(Request::options(target).header(HOST, "csc.example.org:4420")).unwrap();
            assert_eq!(sent.uri().path_and_query().unwrap().as_str(), target);
            assert_eq!(sent.uri().authority().unwrap(), "csc.example.org:4420");
            let sent = head(Request::options(target)).unwrap();
            assert_eq!(sent.uri().path_and_query().unwrap().as_str(), target);
            assert_eq!(sent.uri().authority(), None);
        }
    }

    #[test]
    fn an_absolute_target_is_stronger_than_host() {
        let sent = head(Request::get("https://one.example.org/a?b").header(HOST, "two.example.org")).unwrap();
        assert_eq!(sent.uri(), "https://one.example.org/a?b");
        assert_eq!(sent.headers()[HOST], "one.example.org");
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in ["a b", "a/b", "a\"b"] {
            assert_eq!(
                head(Request::get("/").header(HOST, host)).unwrap_err(),
                StatusCode::BAD_REQUEST,
                "{host}"
            );
        }
        assert!(head(Request::get("/").header(HOST, "")).is_ok());
        let tunnel = Request::connect("a.example.org:443");
        assert_eq!(head(tunnel).unwrap_err(), StatusCode::NOT_IMPLEMENTED);
    }

    #[test]
    fn what_is_of_the_connection_stays_behind() {
        let request = Request::get("/")
            .header(CONNECTION, "close, X-One")
            .header(CONNECTION, "x-two , \"")
            .header("x-one", "1")
            .header("x-two", "2")
            .header("x-three", "3")
            .header("keep-alive", "1")
            .header(TE, "trailers")
            .header(UPGRADE, "h2c")
            .header("http2-settings", "x")
            .header(TRANSFER_ENCODING, "chunked")
            .header(EXPECT, "100-continue")
            .header(VIA, "1.0 other");
        let sent = head(request).unwrap();
        let mut names: Vec<_> = sent.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["via", "x-three"]);
        let via: Vec<_> = sent.headers().get_all(VIA).iter().collect();
        assert_eq!(via, ["1.0 other", "1.1 edge"]);
    }

    #[test]
    fn only_the_edge_says_who_the_client_is() {
        let forged = || {
            Request::get("/")
                .header("Csc-Client-Address", "192.0.2.9:1")
                .header("csc-client-address", "192.0.2.8:1")
                .header("csc-client-certificate", "AAAA")
        };
        let sent = head(forged()).unwrap();
        assert!(
            !sent.headers().contains_key(CLIENT_ADDRESS) && !sent.headers().contains_key(CLIENT_CERTIFICATE)
        );

        let peer = Peer { address: "[2001:db8::1]:5".parse().unwrap(), certificate: None };
        let sent = head(forged().extension(peer)).unwrap();
        assert_eq!(sent.headers().get_all(CLIENT_ADDRESS).iter().collect::<Vec<_>>(), ["[2001:db8::1]:5"]);
        assert!(!sent.headers().contains_key(CLIENT_CERTIFICATE));

        let peer =
            Peer { address: "192.0.2.1:5".parse().unwrap(), certificate: Some(vec![1, 2, 3, 4].into()) };
        let sent = head(forged().extension(peer)).unwrap();
        assert_eq!(sent.headers()[CLIENT_CERTIFICATE], "AQIDBA==");
    }
}
