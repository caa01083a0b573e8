//! Request targets: path, node selector, query, names of documents and their canonical spelling.
#![no_main]

use std::sync::LazyLock;

use csc_xcap::Names;
use csc_xcap::uri::{Roots, Target};
use libfuzzer_sys::fuzz_target;

static ROOTS: LazyLock<Roots> = LazyLock::new(|| {
    let root = ("/root/a/".to_owned(), "a".parse().expect("an organisation"));
    Roots::new([root]).expect("a root")
});

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    number_domains: vec!["ptt.example.org".to_owned()],
    ..Names::of("default".parse().expect("an organisation"))
});

fuzz_target!(|target: &str| {
    for target in [Target::parse(target, &ROOTS), Target::parse_entry(target, &ROOTS)].into_iter().flatten() {
        let root = target.root.as_ref().map(|root| &root.organisation);
        let _ = NAMES.collection(&target.document);
        let Some(document) = NAMES.document(&target.document, root) else { continue };
        // One key per document: its own name leads to it again.
        let again = NAMES.document_at(&document.path());
        assert_eq!(again.as_ref().map(csc_xcap::Document::path), Some(document.path()));
    }
});
