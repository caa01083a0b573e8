//! CSC-8 over HTTP: `POST /keymanagement/identity/v1/…`.

mod answer;
mod init;
mod keyprov;
mod target;
mod xml;

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use csc_auth::{Accounts, Dialect, Refused, Resource, TokenVerifier, Verified};
use csc_sakke::{KeyPeriods, Root};
use csc_service::http::{Body, BodyError, Peer, read_body};
use csc_store::{Records, shared};
use csc_types::Clock;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use prometheus::{HistogramVec, IntCounterVec};
use tokio::sync::oneshot;

use crate::audit::Audit;
use crate::config::{DialectSetting, UserIdEncoding};
use crate::domain::refusal::Refusal;
use crate::domain::request::{Form, Request as KmsRequest};
use crate::domain::subject::{Identities, Subject};
use crate::limit::Limit;
use crate::pool::Pool;
use crate::time::date_time;
use answer::Frame;
use target::Target;
use xml::Xml;

/// The service.
pub(crate) struct Kms {
    pub(crate) root: Arc<Root>,
    pub(crate) settings: Settings,
    pub(crate) records: Records,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) verifier: Arc<TokenVerifier>,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) audit: Audit,
    pub(crate) limit: Limit,
    pub(crate) pool: Pool,
    pub(crate) requests: IntCounterVec,
    pub(crate) key_sets: IntCounterVec,
    pub(crate) seconds: HistogramVec,
    /// Ends with the service; whoever follows the accounts hears it.
    pub(crate) _users: oneshot::Sender<Infallible>,
}

/// What of the configuration matters per request.
pub(crate) struct Settings {
    pub(crate) kms_id: Option<String>,
    pub(crate) issuer: Option<String>,
    pub(crate) user_domains: Vec<String>,
    pub(crate) periods: KeyPeriods,
    pub(crate) previous_period: bool,
    pub(crate) user_id: UserIdEncoding,
    pub(crate) dialect: DialectSetting,
    pub(crate) body_limit: usize,
}

/// A request whose sender and meaning are known.
struct Asked {
    verified: Verified,
    identities: Identities,
    address: Option<String>,
}

impl Kms {
    /// Answers one request.
    pub(crate) async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let Some(target) = Target::parse(parts.uri.path()) else { return plain(StatusCode::NOT_FOUND) };
        if parts.method != Method::POST {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED);
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
            return response;
        }
        let body = read_body(body, self.settings.body_limit).await;
        let mut frame = self.frame(&parts, body.as_deref().unwrap_or_default());
        let result = match self.ask(&parts, &target, body, &mut frame).await {
            Ok(asked) => match &target {
                Target::Init => Ok(self.init(&frame)),
                Target::KeyProv { timestamp, .. } => self.keyprov(&frame, &asked, timestamp.as_deref()).await,
            },
            Err(refusal) => Err(refusal),
        };
        let response = match result {
            Ok(xml) => answer::response(StatusCode::OK, xml),
            Err(refusal) => self.refuse(&frame, &refusal),
        };
        self.requests.with_label_values(&[target.name(), response.status().as_str()]).inc();
        response
    }

    /// Finds out who asks, and what about. Fills in the user's name in the frame as soon as it is known.
    async fn ask(
        &self,
        parts: &Parts,
        target: &Target,
        body: Result<Bytes, BodyError>,
        frame: &mut Frame,
    ) -> Result<Asked, Refusal> {
        let body = body.map_err(|error| match error {
            BodyError::TooLarge => Refusal::TooLarge,
            BodyError::TooSlow => Refusal::TooSlow,
            BodyError::Incomplete => Refusal::Malformed("the body is incomplete"),
        })?;
        let verified = self.verifier.verify(&parts.headers, Resource::Kms).await;
        let verified = verified.and_then(|verified| verified.ok_or(Refused::NO_TOKEN));
        let verified = verified.map_err(|refused| Refusal::Token(refused.reason))?;
        frame.user_uri = verified.claims.mcptt_id.to_string();

        let subject = self.subject(&verified).await?;
        let mut request = KmsRequest::parse(&body)?;
        if let Some(url) = request.client_req_url.take() {
            frame.client_req_url = url;
        }
        request.users.extend(target.user()?);
        let domains = &self.settings.user_domains;
        let identities = subject.identities(&request, self.root.kms_uri(), domains)?;
        frame.user_uri.clone_from(&identities.user_uri);
        let address = parts.extensions.get::<Peer>().map(|peer| peer.address.ip().to_string());
        Ok(Asked { verified, identities, address })
    }

    /// The user of the token as the directory knows it now. Keys cannot be taken back: who is disabled in the stream or in
    /// the record, whichever is older, gets none, and without the stream nobody does.
    async fn subject(&self, verified: &Verified) -> Result<Subject, Refusal> {
        let id = &verified.claims.mcptt_id;
        self.accounts.admit(id).map_err(Refusal::Token)?;
        let account = shared::account(self.records.store(), id).await.map_err(|error| {
            tracing::error!(%error, "account record cannot be read");
            Refusal::Unavailable
        })?;
        let account = account.ok_or(Refusal::UnknownUser)?;
        verified.caller(Some(&account)).map_err(|refused| Refusal::Token(refused.reason))?;
        Ok(Subject {
            id: id.clone(),
            // A URI of a kind this release does not know is no identity here.
            bound: account.user_uris.iter().filter_map(|uri| uri.parse().ok()).collect(),
            kms_uri: Some(account.kms_uri).filter(|uri| !uri.is_empty()),
        })
    }

    fn frame(&self, parts: &Parts, body: &[u8]) -> Frame {
        let field = parts.headers.contains_key("access_token") || Form::of(body) == Form::Fields;
        let dialect = match self.settings.dialect {
            DialectSetting::Auto if field => Dialect::Field,
            DialectSetting::Auto => Dialect::Standard,
            DialectSetting::Field => Dialect::Field,
            DialectSetting::Standard => Dialect::Standard,
        };
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .filter(|host| !host.is_empty());
        let path = parts.uri.path();
        Frame {
            dialect,
            time: date_time(self.clock.now()),
            user_uri: answer::NOBODY.to_owned(),
            client_req_url: host.map_or_else(|| path.to_owned(), |host| format!("https://{host}{path}")),
        }
    }
}

fn plain(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
