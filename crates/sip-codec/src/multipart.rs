//! `multipart/mixed` bodies (RFC 2046 section 5.1), as 3GPP puts `mcptt-info` beside a list.

use bytes::Bytes;

use crate::scan::scan_part;
use crate::{Defect, Headers, Limits, MediaType};

/// Parts of one body; more are refused.
const MAX_PARTS: usize = 16;

/// One part of a body.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its header fields.
    pub headers: Headers,
    /// Its content, as it stands: a transfer encoding is not undone.
    pub body: Bytes,
}

/// Splits `body`, whose Content-Type is `media`, at the boundary that `media` names. What stands in
/// front of the first delimiter and behind the last one is dropped.
pub fn split_multipart(media: &MediaType<'_>, body: &Bytes, limits: &Limits) -> Result<Vec<Part>, Defect> {
    let boundary =
        media.param("boundary").filter(|b| (1..=70).contains(&b.len())).ok_or(Defect::Multipart)?;
    let mut parts = Vec::new();
    let mut delimiter = first_delimiter(body, boundary)?;
    while !delimiter.last {
        if parts.len() == MAX_PARTS {
            return Err(Defect::Multipart);
        }
        let next = next_delimiter(body, boundary, delimiter.end).ok_or(Defect::Multipart)?;
        // A part without fields starts with its empty line; that line's end may be the delimiter's.
        let content = body.slice(delimiter.end.min(next.start)..next.start);
        let (headers, body) = scan_part(content, limits)?;
        parts.push(Part { headers, body });
        delimiter = next;
    }
    Ok(parts)
}

/// A delimiter line: where the CR LF in front of it stands, and where the line ends.
struct Delimiter {
    start: usize,
    end: usize,
    /// Whether it closes the body.
    last: bool,
}

fn first_delimiter(body: &[u8], boundary: &str) -> Result<Delimiter, Defect> {
    delimiter_line(body, boundary, 0)
        .map(|(end, last)| Delimiter { start: 0, end, last })
        .or_else(|| next_delimiter(body, boundary, 0))
        .ok_or(Defect::Multipart)
}

fn next_delimiter(body: &[u8], boundary: &str, from: usize) -> Option<Delimiter> {
    // The CR LF of one delimiter may belong to the next where a part is empty.
    let from = from.saturating_sub(2);
    memchr::memmem::find_iter(&body[from..], b"\r\n--").find_map(|at| {
        let start = from + at;
        let (end, last) = delimiter_line(body, boundary, start + 2)?;
        Some(Delimiter { start, end, last })
    })
}

/// Whether a delimiter line stands at `at`: where it ends, and whether it is the last.
fn delimiter_line(body: &[u8], boundary: &str, at: usize) -> Option<(usize, bool)> {
    let rest = body.get(at..)?.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    let (rest, last) = match rest.strip_prefix(b"--") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let rest = &rest[blanks..];
    if rest.is_empty() && last {
        return Some((body.len(), true));
    }
    let rest = rest.strip_prefix(b"\r\n")?;
    Some((body.len() - rest.len(), last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(boundary: &str, body: &'static str) -> Result<Vec<(String, String)>, Defect> {
        let text = format!("multipart/mixed;boundary={boundary}");
        let media = MediaType::parse(&text).unwrap();
        let parts = split_multipart(&media, &Bytes::from_static(body.as_bytes()), &Limits::default())?;
        Ok(parts
            .iter()
            .map(|part| {
                let kind = part.headers.single(crate::Name::ContentType).unwrap().unwrap_or("");
                (kind.to_owned(), String::from_utf8(part.body.to_vec()).unwrap())
            })
            .collect())
    }

    #[test]
    fn parts_in_order_without_preamble_and_epilogue() {
        let body = "preamble\r\n--b1\r\nContent-Type: a/b\r\n\r\none\r\n--b12\r\n\r\n--b1 \r\n\r\ntwo\r\n--b1--\r\nepilogue";
        let parts = split("b1", body).unwrap();
        assert_eq!(
            parts,
            [("a/b".to_owned(), "one\r\n--b12\r\n".to_owned()), (String::new(), "two".to_owned()),]
        );
        assert_eq!(split("\"b1\"", "--b1--").unwrap(), []);
    }

    #[test]
    fn broken_bodies_are_refused() {
        for body in
            ["", "--b1", "--b1\r\n", "--b1\r\n\r\nx", "--b1\r\nx\r\n--b1--", "--b1\r\n--b1--", "x--b1--"]
        {
            assert!(split("b1", body).is_err(), "{body:?}");
        }
        assert!(split("\"\"", "--b1--").is_err());
        let many = "--b\r\n\r\n".repeat(20);
        let media = MediaType::parse("multipart/mixed;boundary=b").unwrap();
        assert!(split_multipart(&media, &Bytes::from(many + "--b--"), &Limits::default()).is_err());
        assert!(
            split_multipart(&MediaType::parse("multipart/mixed").unwrap(), &Bytes::new(), &Limits::default())
                .is_err()
        );
    }
}
