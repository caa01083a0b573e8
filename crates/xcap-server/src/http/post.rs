//! POST: a question about a document, where its usage knows any; a document is never changed by it (RFC 4825 has no POST).

use bytes::Bytes;
use csc_service::http::{Body, read_body};
use csc_xcap::access::Operation;
use csc_xcap::error::Conflict;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};

use super::{Exchange, XcapServer, tag};
use crate::declared;
use crate::library::{Library, Question, Snapshot, Stored};
use crate::precondition::Precondition;
use crate::refusal::Refusal;
use crate::work::aside;

/// Octets of a question: it names what is asked for and no more.
const LIMIT: usize = 16 << 10;

impl<L: Library> XcapServer<L> {
    pub(super) async fn post(
        &self,
        exchange: Exchange,
        snapshot: Snapshot,
        body: Body,
    ) -> Result<Response<Body>, Refusal> {
        let question = match exchange.node {
            None => exchange.question,
            Some(_) => None,
        };
        let Some(question) = question else { return Err(exchange.refuse_method(&snapshot)) };
        exchange.admit(Operation::Read, &snapshot)?;
        let asked = read_body(body, LIMIT).await?;
        let Stored { etag, content } = snapshot.current.ok_or(Refusal::NotFound)?;
        // Of the document that is asked about; only GET and HEAD may be answered 304.
        Precondition::of(&exchange.headers).for_write(Some(&etag))?;
        if !declared::is(declared::media_type(&exchange.headers)?, question.media_type) {
            return Err(Refusal::MediaType);
        }
        let limits = self.settings.limits.of_stored(content.len());
        let answer = aside(content.len(), move || answer(question, &asked, &content, &limits)).await?;
        let mut response = Response::new(Body::from(answer));
        let media_type = HeaderValue::from_static(exchange.document.usage.media_type);
        response.headers_mut().insert(CONTENT_TYPE, media_type);
        tag(&mut response, &etag);
        Ok(response)
    }
}

fn answer(
    question: &Question,
    asked: &Bytes,
    content: &Bytes,
    limits: &csc_xml::Limits,
) -> Result<Bytes, Refusal> {
    let asked = csc_xml::parse(asked, &csc_xml::Limits::with_octets(LIMIT)).map_err(Conflict::from)?;
    let content = csc_xml::parse(content, limits).map_err(|_| Refusal::NotFound)?;
    (question.answer)(&asked, &content)
}
