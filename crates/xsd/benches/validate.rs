//! One validation of a user profile of 5 KB and of a group of 10 000 members (2 MB), parsed before.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use csc_xml::{Limits, parse};
use csc_xsd::Schema;

fn schema(files: &[&str]) -> Schema {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../xcap/schemas/");
    let texts: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(format!("{folder}{file}")).expect("a schema file"))
        .collect();
    let files: Vec<(&str, &str)> =
        files.iter().zip(&texts).map(|(file, text)| (*file, text.as_str())).collect();
    Schema::compile(&files).expect("a schema")
}

fn profile() -> String {
    let mut out = String::from(
        "<mcptt-user-profile xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" XUI-URI=\"tel:+821\" user-profile-index=\"0\">\
         <Name>Shift</Name><Common index=\"0\"><MCPTTUserID><uri-entry>tel:+821</uri-entry></MCPTTUserID></Common>\
         <OnNetwork index=\"0\"><MCPTTGroupInfo index=\"0\">",
    );
    for number in 0..40 {
        let _ = write!(
            out,
            "<entry index=\"{number}\"><uri-entry>sip:engine{number}@mcptt.example.org</uri-entry>\
             <display-name xml:lang=\"en\">Engine {number}</display-name></entry>"
        );
    }
    out.push_str(
        "</MCPTTGroupInfo><MaxAffiliationsN2>10</MaxAffiliationsN2></OnNetwork></mcptt-user-profile>",
    );
    out
}

fn group(members: usize) -> String {
    let mut out = String::from(
        "<group xmlns=\"urn:oma:xml:poc:list-service\" xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\" \
         xmlns:gi=\"urn:3gpp:ns:mcpttGroupInfo:1.0\"><list-service uri=\"tel:g1\"><list>",
    );
    for number in 0..members {
        let _ = write!(
            out,
            "<entry uri=\"tel:+8251{number:08}\"><rl:display-name>Member {number}</rl:display-name>\
             <gi:on-network-required/><gi:participant-type>First Responder</gi:participant-type>\
             <gi:user-priority>{}</gi:user-priority></entry>",
            number % 256
        );
    }
    out.push_str("</list></list-service></group>");
    out
}

fn validate(c: &mut Criterion) {
    let groups = [
        "list-service.xsd",
        "resource-lists.xsd",
        "group-info.xsd",
        "xdm-extensions.xsd",
        "common-policy.xsd",
    ];
    let mut bench = c.benchmark_group("validate");
    for (name, schema, text) in [
        ("profile", schema(&["user-profile.xsd", "common-policy.xsd"]), profile()),
        ("group of 10000", schema(&groups), group(10_000)),
    ] {
        let document = parse(text.as_bytes(), &Limits::with_octets(4 << 20)).expect("well-formed");
        schema.validate(&document).expect("valid");
        bench.throughput(Throughput::Bytes(text.len() as u64));
        bench.bench_function(name, |b| b.iter(|| schema.validate(black_box(&document))));
    }
    bench.finish();
}

criterion_group!(benches, validate);
criterion_main!(benches);
