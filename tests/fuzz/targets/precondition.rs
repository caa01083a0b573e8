//! `If-Match` and `If-None-Match`, a line each.
#![no_main]

use csc_types::Etag;
use csc_xcap_server::Precondition;
use http::header::{HeaderMap, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let mut headers = HeaderMap::new();
    for (at, line) in octets.split(|octet| *octet == b'\n').take(8).enumerate() {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        headers.append(if at % 2 == 0 { IF_MATCH } else { IF_NONE_MATCH }, value);
    }
    let precondition = Precondition::of(&headers);
    let etag: Etag = "a1".parse().expect("a tag");
    let (read, write) = (precondition.for_read(&etag), precondition.for_write(Some(&etag)));
    assert!(read.is_ok() || write.is_err(), "what is refused to read is refused to write");
    let _ = precondition.for_write(None);
});
