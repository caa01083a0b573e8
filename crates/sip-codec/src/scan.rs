//! One pass over the header of a message: lines, folds, names and values.
//!
//! The scan goes on behind a defect, within the limits, because a refusal needs what is left of Via,
//! From, To, Call-ID and CSeq. Only the first defect counts.

use std::ops::Range;

use bytes::Bytes;

use crate::grammar::is_token;
use crate::headers::Field;
use crate::{Defect, Headers, Limits, Name};

/// What a scan found.
pub(crate) struct Scan {
    /// The start line without its line end.
    pub(crate) start: Range<usize>,
    pub(crate) headers: Headers,
    /// The message from its start line on, folds blanked.
    pub(crate) raw: Bytes,
    /// Where the body begins, if the header ends at all.
    pub(crate) body: Option<usize>,
    pub(crate) defect: Option<Defect>,
}

/// Scans `raw`, which holds a whole message. Line ends in front of it are skipped (RFC 3261 section
/// 7.5); if nothing else is there, the message is [`Defect::Empty`].
pub(crate) fn scan(mut raw: Bytes, limits: &Limits) -> Result<Scan, Defect> {
    let blank = raw.chunks_exact(2).take_while(|pair| *pair == b"\r\n").count() * 2;
    raw = raw.slice(blank..);
    if raw.is_empty() {
        return Err(Defect::Empty);
    }
    let mut pass = Pass::new(&raw, limits);
    let (start, body) = match pass.line(0) {
        Some((line, next)) if line.len() <= limits.line => (line, pass.fields(next)),
        Some(_) => {
            pass.note(Defect::LineTooLong);
            (0..limits.line, None)
        }
        None => {
            pass.note(Defect::Unterminated);
            (0..raw.len().min(limits.line), None)
        }
    };
    let Pass { fields, folds, defect, .. } = pass;
    let raw = unfold(raw, folds);
    Ok(Scan { start, headers: Headers::new(raw.clone(), fields), raw, body, defect })
}

/// Scans a part of a multipart body: fields, an empty line, the rest. Gives the fields and the rest.
pub(crate) fn scan_part(raw: Bytes, limits: &Limits) -> Result<(Headers, Bytes), Defect> {
    let mut pass = Pass::new(&raw, limits);
    let body = pass.fields(0);
    let Pass { fields, folds, defect, .. } = pass;
    let (None, Some(body)) = (defect, body) else {
        return Err(defect.unwrap_or(Defect::Multipart));
    };
    let body = raw.slice(body..);
    Ok((Headers::new(unfold(raw, folds), fields), body))
}

fn unfold(raw: Bytes, folds: Vec<usize>) -> Bytes {
    if folds.is_empty() {
        return raw;
    }
    let mut copy = raw.to_vec();
    for at in folds {
        copy[at..at + 2].fill(b' ');
    }
    Bytes::from(copy)
}

struct Pass<'a> {
    raw: &'a [u8],
    limits: &'a Limits,
    fields: Vec<Field>,
    /// Where a CR LF inside a field value stands.
    folds: Vec<usize>,
    defect: Option<Defect>,
}

/// A field that continuation lines may still follow.
struct Open {
    name: Name,
    line: usize,
    value: Range<usize>,
    folded: bool,
    /// False behind a line that is no field: its continuation lines are dropped with it.
    usable: bool,
}

impl<'a> Pass<'a> {
    fn new(raw: &'a [u8], limits: &'a Limits) -> Pass<'a> {
        Pass { raw, limits, fields: Vec::with_capacity(24), folds: Vec::new(), defect: None }
    }

    /// Reads the fields from `at` on; gives where the body begins.
    fn fields(&mut self, mut at: usize) -> Option<usize> {
        let mut open: Option<Open> = None;
        loop {
            let Some((line, next)) = self.line(at) else {
                self.close(open);
                self.note(Defect::Unterminated);
                return None;
            };
            if line.is_empty() {
                self.close(open);
                return Some(next);
            }
            if matches!(self.raw[line.start], b' ' | b'\t') {
                match &mut open {
                    Some(field) => {
                        field.value.end = line.end;
                        field.folded = true;
                        if field.usable {
                            self.folds.push(at - 2);
                        }
                    }
                    None => self.note(Defect::FieldLine),
                }
            } else {
                self.close(open.take());
                if self.fields.len() == self.limits.fields {
                    self.note(Defect::TooManyFields);
                    return None;
                }
                open = Some(self.field(line));
            }
            at = next;
        }
    }

    /// The line at `at` without its end, and where the next one begins. A line that ends in a bare
    /// LF is a line, and a defect.
    fn line(&mut self, at: usize) -> Option<(Range<usize>, usize)> {
        let rest = self.raw.get(at..)?;
        let feed = memchr::memchr(b'\n', rest)?;
        let end = match feed.checked_sub(1) {
            Some(before) if rest[before] == b'\r' => before,
            _ => {
                self.note(Defect::LineEnd);
                feed
            }
        };
        Some((at..at + end, at + feed + 1))
    }

    /// `name *(SP / HTAB) ":" value`.
    fn field(&mut self, line: Range<usize>) -> Open {
        let text = &self.raw[line.clone()];
        let colon = memchr::memchr(b':', text).unwrap_or(0);
        let name = text[..colon].trim_ascii_end();
        let usable = !name.is_empty() && name.iter().copied().all(is_token);
        if !usable {
            self.note(Defect::FieldLine);
        }
        let value = (line.start + colon + 1).min(line.end)..line.end;
        Open { name: Name::of(name), line: line.start, value, folded: false, usable }
    }

    fn close(&mut self, open: Option<Open>) {
        let Some(Open { name, line, value, folded, usable: true }) = open else {
            return;
        };
        if value.end - line > self.limits.line {
            return self.note(Defect::LineTooLong);
        }
        let text = &self.raw[value.clone()];
        // A fold's CR is followed by LF; any other one could end a line elsewhere. LF stands in folds alone.
        if memchr::memchr_iter(b'\r', text).any(|at| text.get(at + 1) != Some(&b'\n')) {
            return self.note(Defect::LineEnd);
        }
        if folded && memchr::memchr_iter(b'\n', text).any(|at| at == 0 || text[at - 1] != b'\r') {
            return self.note(Defect::LineEnd);
        }
        if std::str::from_utf8(text).is_err() {
            return self.note(Defect::NotUtf8);
        }
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
        let lead = text.iter().take_while(|b| blank(b)).count();
        let trail = text[lead..].iter().rev().take_while(|b| blank(b)).count();
        self.fields.push(Field::new(name, value.start + lead..value.end - trail));
    }

    fn note(&mut self, defect: Defect) {
        self.defect.get_or_insert(defect);
    }
}
