//! A dialog as the notifier holds it (RFC 3261 section 12, RFC 6665 section 4.2).
//!
//! Its fields are what must survive a restart; whoever stores them stores the struct. CSeq of our own
//! requests is not among them: it is reserved in blocks by whoever owns the dialog.

use sip_codec::{Core, Defect, MAGIC_COOKIE, Name, Request, RequestBuilder, Status, Uri};

use crate::Refusal;

/// A dialog that a SUBSCRIBE created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog {
    /// Call-ID.
    pub call_id: String,
    /// Our tag.
    pub local_tag: String,
    /// The subscriber's tag; empty for a subscriber of RFC 2543.
    pub remote_tag: String,
    /// To of the first request, without a tag: From of our requests.
    pub local: String,
    /// From of the first request, with its tag: To of our requests.
    pub remote: String,
    /// The CSeq number of the last request that was accepted in order.
    pub remote_cseq: u32,
    /// The URI of the subscriber's Contact.
    pub target: String,
    /// The route set: Record-Route of the first request, in its order (section 12.1.1).
    pub routes: Vec<String>,
}

/// How a request stands to those before it in its dialog (section 12.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// It is the next one; gaps are allowed.
    Next,
    /// It has the number of the last one.
    Same,
    /// It is older than the last one.
    Older,
}

impl Dialog {
    /// The dialog that `request` creates, with `local_tag` as our tag.
    pub fn create(request: &Request, core: &Core<'_>, local_tag: &str) -> Result<Dialog, Refusal> {
        let to = request.headers().single(Name::To)?.ok_or(Defect::Missing(Name::To))?;
        let from = request.headers().single(Name::From)?.ok_or(Defect::Missing(Name::From))?;
        if core.to.tag().is_some() {
            return Err(Status::NO_SUCH_TRANSACTION.into());
        }
        let routes = request.headers().routes(Name::RecordRoute)?;
        Ok(Dialog {
            call_id: core.call_id.to_owned(),
            local_tag: local_tag.to_owned(),
            remote_tag: core.from.tag().unwrap_or_default().to_owned(),
            local: to.to_owned(),
            remote: from.to_owned(),
            remote_cseq: core.cseq.number,
            target: contact(request)?,
            routes: routes.into_iter().map(str::to_owned).collect(),
        })
    }

    /// How a later request stands to those before it.
    pub fn order(&self, cseq: u32) -> Order {
        match cseq.cmp(&self.remote_cseq) {
            std::cmp::Ordering::Greater => Order::Next,
            std::cmp::Ordering::Equal => Order::Same,
            std::cmp::Ordering::Less => Order::Older,
        }
    }

    /// Takes the CSeq and the target of a later request (section 12.2.2). The route set stays. Nothing
    /// changes if the request is refused.
    pub fn refresh(&mut self, request: &Request, core: &Core<'_>) -> Result<(), Refusal> {
        if self.order(core.cseq.number) == Order::Older {
            return Err(Status::SERVER_INTERNAL_ERROR.into());
        }
        self.target = contact(request)?;
        self.remote_cseq = core.cseq.number;
        Ok(())
    }

    /// The URI whose host our requests are sent to: the first route, or the target (section 8.1.2).
    pub fn hop(&self) -> &str {
        match self.routes.first() {
            Some(route) => uri_of(route),
            None => &self.target,
        }
    }

    /// Starts a request inside the dialog: request line, Via, Max-Forwards, Route, From, To, Call-ID and
    /// CSeq (section 12.2.1.1). `sent_by` is where this process listens.
    pub fn request(&self, method: &str, cseq: u32, sent_by: &str, branch: &str) -> RequestBuilder {
        let (uri, routes) = self.routing();
        let via = format!("SIP/2.0/UDP {sent_by};branch={branch};rport");
        let mut out =
            RequestBuilder::new(method, uri).header(Name::Via, &via).header(Name::MaxForwards, "70");
        for route in &routes {
            out = out.header(Name::Route, route);
        }
        out.header(Name::From, &format!("{};tag={}", self.local, self.local_tag))
            .header(Name::To, &self.remote)
            .header(Name::CallId, &self.call_id)
            .header(Name::CSeq, &format!("{cseq} {method}"))
    }

    /// Request-URI and Route. A first route without `lr` is a strict router: it becomes the Request-URI,
    /// and the target the last route.
    fn routing(&self) -> (&str, Vec<String>) {
        let Some(first) = self.routes.first().map(|route| uri_of(route)) else {
            return (&self.target, Vec::new());
        };
        let loose = Uri::parse(first).is_some_and(|uri| uri.sip().is_some_and(|sip| sip.is_loose_router()));
        if loose {
            return (&self.target, self.routes.clone());
        }
        let mut routes = self.routes[1..].to_vec();
        routes.push(format!("<{}>", self.target));
        (first, routes)
    }
}

/// A branch out of octets that nobody can guess.
pub fn branch(random: [u8; 16]) -> String {
    let mut out = String::from(MAGIC_COOKIE);
    for byte in random {
        out.push_str(&format!("{byte:02x}"));
    }
    out
}

/// The URI of the one Contact that a request has to have. It becomes a Request-URI, so that it is a SIP
/// URI without header parts.
fn contact(request: &Request) -> Result<String, Refusal> {
    let contact = request.headers().contact()?.ok_or(Defect::Missing(Name::Contact))?;
    match contact.uri.sip() {
        Some(uri) if uri.headers.is_none() => Ok(contact.uri.as_str().to_owned()),
        _ => Err(Defect::Malformed(Name::Contact).into()),
    }
}

/// The URI of a route, which is a name-addr.
fn uri_of(route: &str) -> &str {
    sip_codec::Address::parse(route).map_or(route, |address| address.uri.as_str())
}
