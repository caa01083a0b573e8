//! GET and HEAD of documents, elements, attributes and namespace bindings (RFC 4825 8.3).

use bytes::Bytes;
use csc_service::http::Body;
use csc_xcap::access::Operation;
use csc_xcap::select::NodeSelector;
use csc_xcap::uri::Node;
use csc_xcap::usage::Content;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};

use super::{Exchange, XcapServer, tag};
use crate::library::{Library, Snapshot, Stored};
use crate::precondition::{Outcome, Precondition};
use crate::refusal::Refusal;
use crate::work::aside;

impl<L: Library> XcapServer<L> {
    pub(super) async fn get(
        &self,
        exchange: Exchange,
        snapshot: Snapshot,
        head: bool,
    ) -> Result<Response<Body>, Refusal> {
        exchange.admit(Operation::Read, &snapshot)?;
        let stored = if exchange.document.is_generated() {
            self.library.generate(&exchange.document, exchange.root.as_ref()).await?
        } else {
            snapshot.current
        };
        let Stored { etag, content } = stored.ok_or(Refusal::NotFound)?;
        let usage = exchange.document.usage;
        let (content, media_type) = match (exchange.node, usage.content(&content)) {
            (None, Content::Xml) => (content, text(usage.media_type)),
            (None, Content::Picture(media_type)) => (content, HeaderValue::from_static(media_type)),
            (Some(Node::Malformed), _) | (Some(_), Content::Picture(_)) => return Err(Refusal::NotFound),
            (Some(Node::Selector(selector)), Content::Xml) => {
                let media_type = text(selector.kind().media_type());
                let octets = content.len();
                let limits = self.settings.limits.of_stored(octets);
                let select = move || select(&content, &limits, &selector, usage.namespace);
                (aside(octets, select).await?, media_type)
            }
        };
        let mut response = Response::new(Body::empty());
        match Precondition::of(&exchange.headers).for_read(&etag)? {
            Outcome::NotModified => *response.status_mut() = StatusCode::NOT_MODIFIED,
            Outcome::Modified => {
                let headers = response.headers_mut();
                headers.insert(CONTENT_TYPE, media_type);
                headers.insert(CONTENT_LENGTH, HeaderValue::from(content.len()));
                if !head {
                    *response.body_mut() = Body::from(content);
                }
            }
        }
        tag(&mut response, &etag);
        Ok(response)
    }
}

/// The `Content-Type` of XML, which is always stored as UTF-8.
fn text(media_type: &str) -> HeaderValue {
    let value = [media_type, "; charset=\"utf-8\""].concat();
    HeaderValue::try_from(value).expect("media types are visible ASCII")
}

/// The body of the node that `selector` selects.
fn select(
    content: &Bytes,
    limits: &csc_xml::Limits,
    selector: &NodeSelector,
    default_namespace: &str,
) -> Result<Bytes, Refusal> {
    // What is stored passed the same reader.
    let document = csc_xml::parse(content, limits).map_err(|_| Refusal::NotFound)?;
    let found = selector.find(&document, default_namespace).ok_or(Refusal::NotFound)?;
    Ok(Bytes::from(found.body(document.input_text())))
}
