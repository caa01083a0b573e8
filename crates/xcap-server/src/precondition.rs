//! Conditional headers (RFC 9110 section 13).

use csc_types::Etag;
use http::HeaderMap;
use http::header::{HeaderName, IF_MATCH, IF_NONE_MATCH};

use crate::refusal::Refusal;

/// `If-Match` and `If-None-Match` of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// What becomes of a GET whose preconditions hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 200
    Modified,
    /// 304
    NotModified,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    List(Vec<Tag>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    weak: bool,
    opaque: String,
}

impl Precondition {
    /// Takes both headers. A bare tag without quotes, which the field sends, is an opaque tag; what is no tag at all
    /// matches nothing.
    pub fn of(headers: &HeaderMap) -> Self {
        Self { if_match: tags(headers, &IF_MATCH), if_none_match: tags(headers, &IF_NONE_MATCH) }
    }

    /// Of any other method than GET and HEAD; `current`: the document's tag, if it exists. It is the document that counts for a node, too
    /// (RFC 4825 7.11).
    pub fn for_write(&self, current: Option<&Etag>) -> Result<(), Refusal> {
        let wanted = self.if_match.as_ref().is_none_or(|tags| tags.match_strongly(current));
        let unwanted = self.if_none_match.as_ref().is_some_and(|tags| tags.match_weakly(current));
        if wanted && !unwanted { Ok(()) } else { Err(Refusal::Precondition) }
    }

    /// Of a GET or HEAD of something that exists.
    pub fn for_read(&self, current: &Etag) -> Result<Outcome, Refusal> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.match_strongly(Some(current))) {
            return Err(Refusal::Precondition);
        }
        let unwanted = self.if_none_match.as_ref().is_some_and(|tags| tags.match_weakly(Some(current)));
        Ok(if unwanted { Outcome::NotModified } else { Outcome::Modified })
    }
}

impl Tags {
    fn match_strongly(&self, current: Option<&Etag>) -> bool {
        let Some(current) = current else { return false };
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| !tag.weak && tag.opaque == current.as_str()),
        }
    }

    fn match_weakly(&self, current: Option<&Etag>) -> bool {
        let Some(current) = current else { return false };
        match self {
            Self::Any => true,
            Self::List(tags) => tags.iter().any(|tag| tag.opaque == current.as_str()),
        }
    }
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Tags> {
    let mut values = headers.get_all(name).iter().peekable();
    values.peek()?;
    let mut list = Vec::new();
    for value in values {
        // Tags of others may hold octets that are no ASCII, ours beside them do not.
        let value = String::from_utf8_lossy(value.as_bytes());
        let mut rest = value.trim();
        if rest == "*" {
            return Some(Tags::Any);
        }
        while !rest.is_empty() {
            let (tag, behind) = first_tag(rest);
            list.extend(tag);
            rest = behind.trim_start_matches([',', ' ', '\t']);
        }
    }
    Some(Tags::List(list))
}

/// The tag that `text` begins with, and what stands behind it.
fn first_tag(text: &str) -> (Option<Tag>, &str) {
    let (weak, tag) = match text.strip_prefix("W/") {
        Some(tag) => (true, tag),
        None => (false, text),
    };
    let (opaque, behind) = match tag.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
        None => {
            let (bare, behind) = tag.split_once(',').unwrap_or((tag, ""));
            (bare.trim(), behind)
        }
    };
    ((!opaque.is_empty()).then(|| Tag { weak, opaque: opaque.to_owned() }), behind)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn current() -> Etag {
        "1f-7".parse().unwrap()
    }

    fn of(name: HeaderName, values: &[&str]) -> Precondition {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(name.clone(), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        Precondition::of(&headers)
    }

    #[test]
    fn if_match() {
        let holds = |value: &[&str]| of(IF_MATCH, value).for_write(Some(&current())).is_ok();
        for value in [
            &["\"1f-7\""][..],
            &["*"],
            &["1f-7"],
            &["\"a\", \"1f-7\""],
            &["\"a\"", "\"1f-7\""],
            &["a, 1f-7"],
            &["\"é\", \"1f-7\""],
        ] {
            assert!(holds(value), "{value:?}");
        }
        for value in [
            &["\"a\""][..],
            &["W/\"1f-7\""],
            &["W/1f-7"],
            &[""],
            &["\""],
            &["“1f-7”"],
            &["\"1f-70\""],
            &["\" 1f-7\""],
        ] {
            assert!(!holds(value), "{value:?}");
        }
        for value in ["*", "\"1f-7\""] {
            assert!(of(IF_MATCH, &[value]).for_write(None).is_err());
        }
        assert!(of(IF_MATCH, &["\"a\""]).for_read(&current()).is_err());
    }

    #[test]
    fn if_none_match() {
        for value in ["\"1f-7\"", "W/\"1f-7\"", "*", "1f-7", "\"a,b\", W/\"1f-7\"", "\"é\",\"1f-7\""] {
            let precondition = of(IF_NONE_MATCH, &[value]);
            assert_eq!(precondition.for_read(&current()).unwrap(), Outcome::NotModified, "{value}");
            assert!(precondition.for_write(Some(&current())).is_err(), "{value}");
            assert!(precondition.for_write(None).is_ok(), "{value}");
        }
        for value in ["\"a\"", "\"1f-7,\"", "\"\""] {
            assert_eq!(
                of(IF_NONE_MATCH, &[value]).for_read(&current()).unwrap(),
                Outcome::Modified,
                "{value}"
            );
        }
    }

    #[test]
    fn none_at_all() {
        let none = Precondition::of(&HeaderMap::new());
        assert!(none.for_write(None).is_ok());
        assert!(none.for_write(Some(&current())).is_ok());
        assert_eq!(none.for_read(&current()).unwrap(), Outcome::Modified);
    }
}
