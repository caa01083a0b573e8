//! One request, and what its answer must be.

use csc_tests::raw::{self, Answer};
use csc_xml::Limits;

use crate::people::Person;
use crate::world::World;

/// The namespace of conflict reports.
const ERRORS: &str = "urn:ietf:params:xml:ns:xcap-error";
/// The media type of an element.
pub(crate) const ELEMENT: &str = "application/xcap-el+xml";
/// The media type of an attribute.
pub(crate) const ATTRIBUTE: &str = "application/xcap-att+xml";

/// A request that has not been sent yet.
#[derive(Clone)]
pub(crate) struct Call<'w> {
    world: &'w World,
    who: Option<Person>,
    method: &'static str,
    target: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl<'w> Call<'w> {
    pub(crate) fn new(world: &'w World, who: Option<Person>, method: &'static str, target: String) -> Self {
        Self { world, who, method, target, fields: Vec::new(), body: Vec::new() }
    }

    /// With this header field, too.
    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// With a body of this media type.
    pub(crate) fn body(self, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self.with("Content-Type", media_type) }
    }

    /// With a body of no said media type.
    pub(crate) fn untyped(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// With a body that is an element.
    pub(crate) fn element(self, body: impl Into<Vec<u8>>) -> Self {
        self.body(ELEMENT, body)
    }

    /// With a body that is the value of an attribute.
    pub(crate) fn attribute(self, body: impl Into<Vec<u8>>) -> Self {
        self.body(ATTRIBUTE, body)
    }

    /// The request as it goes over the wire.
    pub(crate) async fn octets(&self) -> Vec<u8> {
        let token = match self.who {
            Some(who) => Some(format!("Bearer {}", self.world.token(who).await)),
            None => None,
        };
        let mut fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        fields.extend(token.as_deref().map(|token| ("Authorization", token)));
        let announced =
            fields.iter().any(|(name, _)| matches!(*name, "Content-Length" | "Transfer-Encoding"));
        if self.body.is_empty() && !announced && matches!(self.method, "PUT" | "POST") {
            fields.push(("Content-Length", "0"));
        }
        raw::request(self.method, &self.target, &fields, &self.body)
    }

    /// Sends it.
    pub(crate) async fn send(&self) -> Answer {
        self.world.exchange(&self.octets().await).await
    }

    /// Sends it and returns the answer, whose status is `want`.
    pub(crate) async fn is(&self, want: u16) -> Answer {
        let answer = self.send().await;
        assert_eq!(answer.status, want, "{}: {}", self.described(), shown(&answer));
        answer
    }

    /// Sends it; the answer must be one of these.
    pub(crate) async fn is_one_of(&self, wanted: &[u16]) -> Answer {
        let answer = self.send().await;
        assert!(wanted.contains(&answer.status), "{}: not {wanted:?}: {}", self.described(), shown(&answer));
        answer
    }

    /// Sends it; the answer must be a conflict report with this condition, which is returned with it.
    pub(crate) async fn conflicts(&self, condition: &str) -> Answer {
        let answer = self.is(409).await;
        assert_eq!(
            answer.header("content-type").map(essence),
            Some("application/xcap-error+xml"),
            "{answer:?}"
        );
        let found = condition_of(&answer);
        assert_eq!(found, condition, "{}: {}", self.described(), shown(&answer));
        answer
    }

    /// Sends it; it must be refused with 405 and an `Allow` of exactly these methods, beside the POST for operations on
    /// groups.
    pub(crate) async fn allows_only(&self, methods: &[&str]) {
        let answer = self.is(405).await;
        let allow = answer.header("allow").unwrap_or_else(|| panic!("{}: no Allow", self.described()));
        let allowed = allow.split(',').map(str::trim);
        let mut allowed: Vec<&str> = allowed.filter(|method| *method != "POST").collect();
        allowed.sort_unstable();
        assert_eq!(allowed, methods, "{}: {allow}", self.described());
    }

    /// For messages.
    pub(crate) fn described(&self) -> String {
        let fields: Vec<String> =
            self.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let body = String::from_utf8_lossy(&self.body).chars().take(120).collect::<String>();
        let who = self.who.map_or("nobody", |who| who.0);
        format!("{} {} of {who} [{}] {body:?}", self.method, self.target, fields.join(", "))
    }
}

/// The name of the element in a conflict report.
pub(crate) fn condition_of(answer: &Answer) -> String {
    let report = csc_xml::parse(&answer.body, &Limits::DEFAULT)
        .unwrap_or_else(|error| panic!("no conflict report, {error:?}: {}", shown(answer)));
    let root = report.root_element();
    assert_eq!((csc_xml::namespace(root), root.tag_name().name()), (Some(ERRORS), "xcap-error"));
    let conditions: Vec<_> = root.children().filter(|child| child.is_element()).collect();
    assert_eq!(conditions.len(), 1, "{}", shown(answer));
    let ancestor = conditions[0].children().find(|child| child.has_tag_name((ERRORS, "ancestor")));
    let exists = conditions[0].children().filter_map(|child| child.attribute("field"));
    for uri in exists.chain(ancestor.and_then(|ancestor| ancestor.text())) {
        assert!(is_relative_uri(uri), "{uri}: {}", shown(answer));
    }
    conditions[0].tag_name().name().to_owned()
}

/// Whether it is percent-encoded where it must be, and begins with no scheme (RFC 4825 section 11.1, RFC 3986).
fn is_relative_uri(text: &str) -> bool {
    let allowed = |octet: u8| octet.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&octet);
    !text.is_empty()
        && text.bytes().all(allowed)
        && text.split(['/', '?']).next().is_some_and(|first| !first.contains(':'))
}

/// The ETag, quotes included.
pub(crate) fn tag(answer: &Answer) -> String {
    let tag = answer.header("etag").unwrap_or_else(|| panic!("no ETag: {}", shown(answer)));
    assert!(tag.len() > 2 && tag.starts_with('"') && tag.ends_with('"'), "a strong tag in quotes: {tag}");
    tag.to_owned()
}

/// A media type without its parameters.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// An answer for a message.
pub(crate) fn shown(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body).chars().take(400).collect::<String>();
    format!("{} {body:?}", answer.head.replace("\r\n", " | "))
}
