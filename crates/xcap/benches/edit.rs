//! What a request for one element costs beside HTTP and the store, by the size of the document:
//! `cargo bench -p csc-xcap --bench edit`.
//!
//! `get` parses and selects; `put` parses, splices, parses again and checks the law; `put, checked` judges the result by
//! schema and constraints too, as a server does.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_xcap::edit::put;
use csc_xcap::error::Conflict;
use csc_xcap::select::NodeSelector;
use csc_xcap::uri::{Node, Roots, Target};
use csc_xcap::{Document, Names};
use csc_xml::{Limits, parse};

const NAMESPACE: &str = "urn:oma:xml:poc:list-service";

fn group(octets: usize) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<group xmlns=\"{NAMESPACE}\" \
         xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\" xmlns:mcpttgi=\"urn:3gpp:ns:mcpttGroupInfo:1.0\">\n\
         <list-service uri=\"tel:g1\">\n<list>\n"
    );
    for n in 0.. {
        let entry = entry(n, 5);
        if text.len() + entry.len() > octets {
            break;
        }
        text.push_str(&entry);
    }
    text + "</list>\n<mcpttgi:protect-media>false</mcpttgi:protect-media>\n</list-service>\n</group>\n"
}

fn entry(n: usize, priority: u8) -> String {
    format!(
        "<entry uri=\"tel:+8210{n:08}\">\n  <rl:display-name>Member {n}</rl:display-name>\n  \
         <mcpttgi:participant-type>participant</mcpttgi:participant-type>\n  \
         <mcpttgi:user-priority>{priority}</mcpttgi:user-priority>\n</entry>\n"
    )
}

fn selector(node: &str) -> NodeSelector {
    let target = Target::parse(&format!("/a/global/b/~~/{node}"), &Roots::default()).unwrap();
    let Some(Node::Selector(selector)) = target.node else { panic!("{node}") };
    selector
}

fn edits(criterion: &mut Criterion) {
    let limits = Limits::with_octets(4 << 20);
    let place: Document = Names::of("default".parse().unwrap())
        .document_at("org.openmobilealliance.groups/global/byGroupID/tel:g1")
        .unwrap();
    let members = "group/list-service/list/entry";
    for (size, octets) in
        [("2 KB", 2_000), ("5 KB", 5_000), ("50 KB", 50_000), ("463 KB", 463_000), ("2 MB", 2_000_000)]
    {
        let text = group(octets);
        let old = selector(&format!("{members}[@uri=%22tel:+821000000003%22]"));
        let new = selector(&format!("{members}[@uri=%22tel:+821099999999%22]"));
        let (changed, added) = (entry(3, 7), entry(99_999_999, 7));
        let mut measured = criterion.benchmark_group(size);
        measured.throughput(Throughput::Bytes(u64::try_from(text.len()).unwrap()));
        measured.bench_function("get", |bench| {
            bench.iter(|| {
                let document = parse(black_box(text.as_bytes()), &limits).unwrap();
                old.find(&document, NAMESPACE).unwrap().body(&text)
            });
        });
        let mut put_with = |name: &str, selector: &NodeSelector, body: &str, accept: Accept| {
            measured.bench_function(name, |bench| {
                bench.iter(|| {
                    let document = parse(black_box(text.as_bytes()), &limits).unwrap();
                    let accept = |result: &csc_xml::Document<'_>| accept(&place, result);
                    put(&document, selector, body.as_bytes(), NAMESPACE, &limits, accept).unwrap()
                });
            });
        };
        put_with("put, replaced", &old, &changed, |_, _| Ok(()));
        put_with("put, created", &new, &added, |_, _| Ok(()));
        put_with("put, checked", &old, &changed, |place, result| place.usage.check(place, result));
        measured.finish();
    }
}

type Accept = fn(&Document, &csc_xml::Document<'_>) -> Result<(), Conflict>;

criterion_group!(benches, edits);
criterion_main!(benches);
