//! Calls on the bus: a span for each that is served, and its cause in each that is made.

use http::Request;
use tonic::metadata::MetadataMap;
use tracing::Span;

use super::{Cause, Work, pass_on};

/// Longest name of a method that is shown.
const LONGEST: usize = 100;

/// The span of a call that is served. Whoever may make one is a member of the bus, and believed.
pub(crate) fn served<B>(request: &Request<B>) -> Span {
    Work::Server.span(method(request.uri().path()), &Cause::of_member(request.headers()))
}

/// Names the span that is entered now in a call that is made because of it, and nothing else that stood there.
pub(crate) fn call<T>(mut request: tonic::Request<T>) -> tonic::Request<T> {
    let mut headers = std::mem::take(request.metadata_mut()).into_headers();
    pass_on(&mut headers);
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    request
}

/// `package.Service/Method`, if `path` looks like that: it is looked at before anybody knows whether there is such a method.
fn method(path: &str) -> &str {
    let name = path.strip_prefix('/').unwrap_or_default();
    let ours = name.starts_with("csc.") || name.starts_with("grpc.health.");
    let plain = name.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'/'));
    if ours && plain && name.len() <= LONGEST { name } else { "unknown" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_like_a_method_is_a_name() {
        let long = format!("/csc.{}", "x".repeat(LONGEST));
        for (path, name) in [
            ("/csc.identity.v1.Keys/GetKeys", "csc.identity.v1.Keys/GetKeys"),
            ("/grpc.health.v1.Health/Check", "grpc.health.v1.Health/Check"),
            ("/csc.a/tel:+8257", "unknown"),
            ("/other", "unknown"),
            ("", "unknown"),
            (&long, "unknown"),
        ] {
            assert_eq!(method(path), name);
        }
    }

    #[test]
    fn a_call_says_nothing_of_the_one_before() {
        let mut request = tonic::Request::new(());
        request.metadata_mut().insert("traceparent", "x".parse().unwrap());
        request.metadata_mut().insert("other", "y".parse().unwrap());
        let request = call(request);
        assert_eq!(request.metadata().len(), 1, "{:?}", request.metadata());
    }
}
