//! DELETE of whole documents (RFC 4825 8.4).

use csc_service::http::Body;
use csc_xcap::access::Operation;
use http::Response;

use super::put::name;
use super::{Exchange, XcapServer};
use crate::library::{Library, Snapshot};
use crate::precondition::{Outcome, Precondition};
use crate::refusal::Refusal;

impl<L: Library> XcapServer<L> {
    pub(super) async fn delete(
        &self,
        exchange: Exchange,
        snapshot: Snapshot,
    ) -> Result<Response<Body>, Refusal> {
        let precondition = Precondition::of(&exchange.headers);
        let judge = |snapshot: &Snapshot| {
            exchange.admit(Operation::Delete, snapshot)?;
            // RFC 9110 13.2.1: without the conditions it would be 404, so they do not count.
            let etag = snapshot.etag().ok_or(Refusal::NotFound)?;
            match precondition.for_write(Some(etag)) {
                Outcome::Met => Ok(()),
                Outcome::Failed | Outcome::NotModified => Err(Refusal::Precondition),
            }
        };
        judge(&snapshot)?;
        self.library.delete(&exchange.document, &exchange.caller, &judge).await?;
        tracing::info!(document = %exchange.document.path(), caller = name(&exchange.caller), "deleted");
        Ok(Response::new(Body::empty()))
    }
}
