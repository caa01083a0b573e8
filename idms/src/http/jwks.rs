//! `GET /idms/jwks`: the public key that verifies tokens, as a JWK set (RFC 7517).

use csc_service::http::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response};

use super::Endpoints;

pub(super) fn get(endpoints: &Endpoints) -> Response<Body> {
    let mut response = Response::new(Body::from(endpoints.jwks.clone()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}
