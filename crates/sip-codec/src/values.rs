//! The remaining typed values: CSeq, Event, Subscription-State, media types, Accept.

use crate::grammar::{number, quoted, token, trim};
use crate::params::Params;

/// CSeq (RFC 3261 section 20.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The sequence number, below 2³¹ (section 8.1.1.5).
    pub number: u32,
    /// The method.
    pub method: &'a str,
}

impl<'a> CSeq<'a> {
    /// Reads a value that fills `text`.
    pub fn parse(text: &'a str) -> Option<CSeq<'a>> {
        let (digits, method) = text.split_once([' ', '\t'])?;
        let number = u32::try_from(number(digits, (1 << 31) - 1)?).ok()?;
        let method = trim(method);
        token(method).then_some(CSeq { number, method })
    }
}

/// Event (RFC 6665 section 8.2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event package with its templates; it compares octet by octet.
    pub package: &'a str,
    /// Its parameters.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Reads a value that fills `text`.
    pub fn parse(text: &'a str) -> Option<Event<'a>> {
        let (package, params) = head(text)?;
        Some(Event { package, params })
    }

    /// The `id` parameter, which tells apart subscriptions of one dialog.
    pub fn id(&self) -> Option<&'a str> {
        self.params.value("id")
    }
}

/// Subscription-State (RFC 6665 section 8.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// `active`, `pending`, `terminated` or an extension.
    pub state: &'a str,
    /// Its parameters.
    pub params: Params<'a>,
}

impl<'a> SubscriptionState<'a> {
    /// Reads a value that fills `text`.
    pub fn parse(text: &'a str) -> Option<SubscriptionState<'a>> {
        let (state, params) = head(text)?;
        Some(SubscriptionState { state, params })
    }

    /// The seconds of `expires`.
    pub fn expires(&self) -> Option<u32> {
        crate::grammar::delta_seconds(self.params.value("expires")?)
    }
}

/// A media type with its parameters, as Content-Type has it (RFC 3261 section 20.15).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaType<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Its parameters.
    pub params: Params<'a>,
}

impl<'a> MediaType<'a> {
    /// Reads a value that fills `text`; blanks around the slash are allowed.
    pub fn parse(text: &'a str) -> Option<MediaType<'a>> {
        let (name, params) = text.split_at(text.find(';').unwrap_or(text.len()));
        let (kind, subtype) = name.split_once('/')?;
        let (kind, subtype) = (trim(kind), trim(subtype));
        if !token(kind) || !token(subtype) {
            return None;
        }
        Some(MediaType { kind, subtype, params: Params::parse(params)? })
    }

    /// Whether this is `name`, such as `application/xcap-diff+xml`, whatever case and parameters.
    pub fn is(&self, name: &str) -> bool {
        name.split_once('/').is_some_and(|(kind, subtype)| {
            kind.eq_ignore_ascii_case(self.kind) && subtype.eq_ignore_ascii_case(self.subtype)
        })
    }

    /// The value of a parameter without its quotes; `None` where it holds a quoted pair, which no
    /// parameter this crate reads needs.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        let value = self.params.value(name)?;
        let Some((text, _)) = quoted(value) else {
            return Some(value);
        };
        text.get(1..text.len() - 1).filter(|inner| !inner.contains('\\'))
    }

    /// Whether this media range of an Accept header field covers `name`; one with `q=0` covers
    /// nothing.
    pub(crate) fn covers(&self, name: &str) -> bool {
        let refused = self.params.value("q").is_some_and(|q| q.bytes().all(|b| b == b'0' || b == b'.'));
        let any_of_kind = self.subtype == "*"
            && name.split_once('/').is_some_and(|(kind, _)| kind.eq_ignore_ascii_case(self.kind));
        !refused && (self.is(name) || any_of_kind || (self.kind == "*" && self.subtype == "*"))
    }
}

/// A token with parameters behind it.
fn head(text: &str) -> Option<(&str, Params<'_>)> {
    let (name, params) = text.split_at(text.find(';').unwrap_or(text.len()));
    let name = trim(name);
    token(name).then_some((name, Params::parse(params)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cseq_is_a_number_and_a_method() {
        assert_eq!(CSeq::parse("0009   INVITE"), Some(CSeq { number: 9, method: "INVITE" }));
        assert_eq!(CSeq::parse("2147483647 X"), Some(CSeq { number: 2_147_483_647, method: "X" }));
        for bad in ["", "1", "1 ", "2147483648 X", "-1 X", "x X", "1 X Y", " 1 X"] {
            assert_eq!(CSeq::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn event_and_state() {
        let event = Event::parse("xcap-diff ;diff-processing=aggregate; id=7").unwrap();
        assert_eq!((event.package, event.id()), ("xcap-diff", Some("7")));
        assert_eq!(event.params.value("diff-processing"), Some("aggregate"));
        assert_eq!(Event::parse(""), None);
        assert_eq!(Event::parse("a b"), None);

        let state = SubscriptionState::parse("active;expires=3383").unwrap();
        assert_eq!((state.state, state.expires()), ("active", Some(3383)));
        let state = SubscriptionState::parse("terminated;reason=timeout").unwrap();
        assert_eq!((state.params.value("reason"), state.expires()), (Some("timeout"), None));
    }

    #[test]
    fn media_types_and_ranges() {
        let media = MediaType::parse("Application / resource-lists+XML;charset=\"utf-8\"").unwrap();
        assert!(media.is("application/resource-lists+xml"));
        assert_eq!(media.param("charset"), Some("utf-8"));
        assert_eq!(MediaType::parse("multipart/mixed;boundary=\"a\\b\"").unwrap().param("boundary"), None);
        assert_eq!(MediaType::parse("text"), None);
        assert_eq!(MediaType::parse("/xml"), None);

        let covers = |range| MediaType::parse(range).unwrap().covers("application/xcap-diff+xml");
        assert!(covers("*/*") && covers("application/*;q=0.1") && covers("application/xcap-diff+xml"));
        assert!(!covers("application/*;q=0.0") && !covers("text/*") && !covers("application/xml"));
    }
}
