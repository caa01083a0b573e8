//! Search documents of the GLMS dialect, and their answers.
#![no_main]

use csc_xcap::search::{Found, Search};
use csc_xml::{Limits, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    match Search::parse(body) {
        Ok(search) => {
            let found = [Found { uri: "tel:+1<&", name: Some("\"\u{1}") }];
            let answer = search.answer(found, false);
            parse(answer.as_bytes(), &Limits::DEFAULT).expect("an answer is a document");
        }
        Err(conflict) => {
            parse(conflict.to_xml().as_bytes(), &Limits::DEFAULT).expect("a report is a document");
        }
    }
});
