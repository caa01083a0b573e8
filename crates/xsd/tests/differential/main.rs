//! Our opinion of some twenty thousand documents with one fault or none, beside that of libxml2: we refuse nothing that it
//! accepts, and accept nothing that it refuses.
//!
//! The reference schemas and `xmllint` are not part of this repository; without them the test is skipped by name.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and tells what it found"
)]

mod cases;
mod mutate;
mod xmllint;

use csc_test_support::skip;
use csc_xml::{Limits, parse};
use csc_xsd::Schema;

use cases::Case;
use mutate::{Random, mutate};

/// Mutants of each case.
const MUTANTS: usize = 700;

struct Judged {
    name: &'static str,
    reference: Option<&'static str>,
    ours: Schema,
    documents: Vec<String>,
    /// What libxml2 says; `None` where we need not agree.
    valid: Vec<Option<bool>>,
}

fn judge(case: Case, seed: u64) -> Judged {
    let files: Vec<(&str, &str)> =
        case.schema.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let ours = Schema::compile(&files).unwrap_or_else(|refused| panic!("{}: {refused}", case.name));
    let mut random = Random(seed);
    let mut documents = case.documents.clone();
    while documents.len() < MUTANTS + case.documents.len() {
        let from = &case.documents[random.next(case.documents.len())];
        let mutant = mutate(from, &mut random);
        // Now and then two changes at once.
        let mutant = match mutant {
            Some(mutant) if random.next(8) == 0 => mutate(&mutant, &mut random),
            mutant => mutant,
        };
        documents.extend(mutant);
    }
    let folder = tempfile::tempdir().unwrap();
    let schema = xmllint::write_schema(folder.path(), &case.schema);
    let valid = xmllint::judge(folder.path(), &schema, &documents);
    let samples = &valid[..case.documents.len()];
    assert!(
        samples.iter().all(|valid| *valid == Some(true)),
        "{}: a document does not follow its schema",
        case.name
    );
    Judged { name: case.name, reference: case.reference, ours, documents, valid }
}

fn accepts(schema: &Schema, document: &str) -> Result<(), String> {
    let document = parse(document.as_bytes(), &Limits::DEFAULT).unwrap();
    schema.validate(&document).map_err(|invalid| invalid.to_string())
}

#[test]
fn we_agree_with_libxml2() {
    let name = "we_agree_with_libxml2";
    if !xmllint::is_there() {
        return skip(name, "xmllint");
    }
    let Some(cases) = cases::all(name) else { return };
    let workers: Vec<_> = cases
        .into_iter()
        .zip(1..)
        .map(|(case, seed)| std::thread::spawn(move || judge(case, seed)))
        .collect();
    let judged: Vec<Judged> = workers.into_iter().map(|worker| worker.join().unwrap()).collect();

    let (mut total, mut refused) = (0, 0);
    let mut false_rejects = Vec::new();
    let mut false_accepts = Vec::new();
    for one in &judged {
        let compared = one.documents.iter().zip(&one.valid);
        for (document, valid) in compared.filter_map(|(document, valid)| Some((document, (*valid)?))) {
            total += 1;
            refused += usize::from(!valid);
            match (accepts(&one.ours, document), valid) {
                (Ok(()), false) => false_accepts.push((one.name, document)),
                (Err(why), true) => false_rejects.push((one.name, why, document)),
                _ => {}
            }
        }
    }
    let show = |document: &str| document.chars().take(4000).collect::<String>();
    for (name, why, document) in false_rejects.iter().take(10) {
        println!("false reject, {name}: {why}\n{}\n", show(document));
    }
    for (name, document) in false_accepts.iter().take(20) {
        println!("false accept, {name}:\n{}\n", show(document));
    }
    println!("{total} documents, {refused} refused, {} false accepts", false_accepts.len());
    assert!(total >= 15_000 && refused * 4 > total && (total - refused) * 10 > total, "{total} {refused}");
    assert!(false_rejects.is_empty(), "{} false rejects", false_rejects.len());
    assert!(false_accepts.is_empty(), "{} false accepts", false_accepts.len());

    // What the reference lets in, our own schemas let in.
    for own in &judged {
        let Some(reference) = own.reference else { continue };
        let reference = judged.iter().find(|one| one.name == reference).unwrap();
        for (document, _) in
            reference.documents.iter().zip(&reference.valid).filter(|(_, valid)| **valid == Some(true))
        {
            let verdict = accepts(&own.ours, document);
            assert_eq!(verdict, Ok(()), "{} is stricter than the reference:\n{}", own.name, show(document));
        }
    }
}
