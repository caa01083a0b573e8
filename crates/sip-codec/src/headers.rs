//! The header index: where each field of a message stands, and typed access to the fields.
//!
//! The index borrows nothing and copies nothing: it holds offsets into the message's own octets. A
//! folded field (RFC 3261 section 7.3.1) is the exception: the message is copied once and its folds
//! become blanks of the same length, so that every value is one slice without line ends.

use bytes::Bytes;

use crate::grammar::{call_id, delta_seconds, list, token, trim};
use crate::{Address, CSeq, Defect, Event, MediaType, Name, SubscriptionState, Via};

/// The header fields of a message, in order.
#[derive(Debug, Clone)]
pub struct Headers {
    raw: Bytes,
    fields: Vec<Field>,
}

/// A field: its name, and where its value stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    name: Name,
    start: u32,
    end: u32,
}

impl Field {
    /// The field `name` with the value at `span`: without blanks around it, UTF-8, without CR and LF once folds are blanked.
    pub(crate) fn new(name: Name, span: std::ops::Range<usize>) -> Field {
        let offset = |at: usize| u32::try_from(at).expect("a message is limited far below 4 GiB");
        Field { name, start: offset(span.start), end: offset(span.end) }
    }
}

/// The fields that every message has and that name its transaction and dialog.
#[derive(Debug, Clone, Copy)]
pub struct Core<'a> {
    /// The first Via.
    pub via: Via<'a>,
    /// From.
    pub from: Address<'a>,
    /// To.
    pub to: Address<'a>,
    /// Call-ID.
    pub call_id: &'a str,
    /// CSeq.
    pub cseq: CSeq<'a>,
}

impl Headers {
    pub(crate) fn new(raw: Bytes, fields: Vec<Field>) -> Headers {
        Headers { raw, fields }
    }

    fn text(&self, field: &Field) -> &str {
        let value = &self.raw[field.start as usize..field.end as usize];
        std::str::from_utf8(value).expect("the scan indexes only fields that are UTF-8")
    }

    /// The value of each field line called `name`, comma-joined values unsplit.
    pub fn lines(&self, name: Name) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |field| field.name == name).map(|field| self.text(field))
    }

    /// Each value of a field that may hold several, on one line or on many.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &str> {
        self.lines(name).flat_map(list)
    }

    /// The value of a field that may stand there once.
    pub fn single(&self, name: Name) -> Result<Option<&str>, Defect> {
        let mut lines = self.lines(name);
        match (lines.next(), lines.next()) {
            (_, Some(_)) => Err(Defect::Repeated(name)),
            (line, None) => Ok(line),
        }
    }

    fn optional<'a, T>(
        &'a self,
        name: Name,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, Defect> {
        match self.single(name)? {
            Some(text) => parse(text).map(Some).ok_or(Defect::Malformed(name)),
            None => Ok(None),
        }
    }

    fn required<'a, T>(&'a self, name: Name, parse: impl FnOnce(&'a str) -> Option<T>) -> Result<T, Defect> {
        self.optional(name, parse)?.ok_or(Defect::Missing(name))
    }

    /// Via, From, To, Call-ID and CSeq, each well-formed and, but for Via, there exactly once.
    pub fn core(&self) -> Result<Core<'_>, Defect> {
        let via = self.values(Name::Via).next().ok_or(Defect::Missing(Name::Via))?;
        let via = Via::parse(via).ok_or(Defect::Malformed(Name::Via))?;
        let from = self.required(Name::From, tagged)?;
        let to = self.required(Name::To, tagged)?;
        let call_id = self.required(Name::CallId, |text| call_id(text).then_some(text))?;
        let cseq = self.required(Name::CSeq, CSeq::parse)?;
        self.single(Name::MaxForwards)?;
        Ok(Core { via, from, to, call_id, cseq })
    }

    /// The single Contact of a request that creates or refreshes a dialog (RFC 3261 section 8.1.1.8).
    pub fn contact(&self) -> Result<Option<Address<'_>>, Defect> {
        let mut values = self.values(Name::Contact);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(Defect::Repeated(Name::Contact)),
            (Some(text), None) => Address::parse(text).map(Some).ok_or(Defect::Malformed(Name::Contact)),
            (None, None) => Ok(None),
        }
    }

    /// Each Record-Route or Route value in order, checked; their text is what a dialog keeps.
    pub fn routes(&self, name: Name) -> Result<Vec<&str>, Defect> {
        self.values(name)
            .map(|text| {
                let bracketed = text.contains('<') && Address::parse(text).is_some();
                bracketed.then_some(text).ok_or(Defect::Malformed(name))
            })
            .collect()
    }

    /// Event.
    pub fn event(&self) -> Result<Option<Event<'_>>, Defect> {
        self.optional(Name::Event, Event::parse)
    }

    /// Subscription-State.
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState<'_>>, Defect> {
        self.optional(Name::SubscriptionState, SubscriptionState::parse)
    }

    /// The seconds of Expires.
    pub fn expires(&self) -> Result<Option<u32>, Defect> {
        self.optional(Name::Expires, delta_seconds)
    }

    /// The seconds of Min-Expires.
    pub fn min_expires(&self) -> Result<Option<u32>, Defect> {
        self.optional(Name::MinExpires, delta_seconds)
    }

    /// The seconds of Retry-After, without its comment and parameters.
    pub fn retry_after(&self) -> Result<Option<u32>, Defect> {
        self.optional(Name::RetryAfter, |text| {
            let end = text.find([' ', '\t', ';', '(']).unwrap_or(text.len());
            delta_seconds(&text[..end])
        })
    }

    /// Content-Type.
    pub fn content_type(&self) -> Result<Option<MediaType<'_>>, Defect> {
        self.optional(Name::ContentType, MediaType::parse)
    }

    /// Whether Accept covers the media type `name`; `None` where there is no Accept, and what that
    /// means is the caller's to say.
    pub fn accepts(&self, name: &str) -> Result<Option<bool>, Defect> {
        let mut found = None;
        for text in self.values(Name::Accept) {
            // An empty Accept is legal and accepts nothing (RFC 3261 section 20.1).
            let covers = if text.is_empty() {
                false
            } else {
                MediaType::parse(text).ok_or(Defect::Malformed(Name::Accept))?.covers(name)
            };
            found = Some(found.unwrap_or(false) || covers);
        }
        Ok(found)
    }

    /// The identities of P-Asserted-Identity: none, one, or two of which one is a SIP or SIPS URI
    /// and the other a tel URI (RFC 3325 section 9.1).
    pub fn asserted_identities(&self) -> Result<Vec<Address<'_>>, Defect> {
        let malformed = Defect::Malformed(Name::PAssertedIdentity);
        let mut found = Vec::new();
        for text in self.values(Name::PAssertedIdentity) {
            if found.len() == 2 {
                return Err(Defect::Repeated(Name::PAssertedIdentity));
            }
            found.push(Address::parse_asserted(text).ok_or(malformed)?);
        }
        if let [one, other] = &found[..]
            && one.uri.sip().is_some() == other.uri.sip().is_some()
        {
            return Err(malformed);
        }
        Ok(found)
    }

    /// The option tags of Require, Supported or Unsupported, or the names of Allow and Allow-Events.
    pub fn tokens(&self, name: Name) -> Result<Vec<&str>, Defect> {
        self.values(name)
            .filter(|text| !text.is_empty())
            .map(|text| token(text).then_some(text).ok_or(Defect::Malformed(name)))
            .collect()
    }
}

/// From or To: the tag, where there is one, is a token.
fn tagged(text: &str) -> Option<Address<'_>> {
    let address = Address::parse(trim(text))?;
    (address.params.get("tag").is_some() == address.tag().is_some()).then_some(address)
}
