//! DELETE (RFC 4825 8.4).

use csc_service::http::Body;
use csc_xcap::access::Operation;
use csc_xcap::uri::Node;
use http::Response;

use super::{Exchange, XcapServer};
use crate::history::Action;
use crate::library::{Library, Snapshot};
use crate::precondition::Precondition;
use crate::refusal::Refusal;

impl<L: Library> XcapServer<L> {
    pub(super) async fn delete(
        &self,
        exchange: Exchange,
        snapshot: Snapshot,
    ) -> Result<Response<Body>, Refusal> {
        match exchange.node.clone() {
            None => {}
            Some(node) => {
                exchange.admit(Operation::Write, &snapshot)?;
                let Node::Selector(selector) = node else { return Err(Refusal::NotFound) };
                return self.delete_node(exchange, selector).await;
            }
        }
        let precondition = Precondition::of(&exchange.headers);
        let judge = |snapshot: &Snapshot| {
            exchange.admit(Operation::Delete, snapshot)?;
            // RFC 9110 13.2.1: without the conditions it would be 404, so they do not count.
            let etag = snapshot.etag().ok_or(Refusal::NotFound)?;
            precondition.for_write(Some(etag))
        };
        judge(&snapshot)?;
        let author = self.author(&exchange.caller, Action::Deleted);
        self.library.delete(exchange.change(&author)?, &judge).await?;
        tracing::info!(document = %exchange.document.path(), caller = author.name, "deleted");
        Ok(Response::new(Body::empty()))
    }
}
