//! How long a complete key set takes: what one core of a KMS issues.
//!
//! ```text
//! cargo bench -p csc-sakke
//! ```

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use csc_sakke::{Root, Ssv, Uid};
use csc_test_support::SeededEntropy;

fn root() -> Root {
    Root::generate("kms.example.org", &SeededEntropy::new(1)).expect("the entropy is not all zeros")
}

fn key_set(c: &mut Criterion) {
    let root = root();
    let mut uid = [7u8; 32];
    c.bench_function("issue a key set (RSK, SSK, PVT)", |b| {
        b.iter(|| {
            uid[0] = uid[0].wrapping_add(1);
            let set = root.issue(black_box(&Uid::from_bytes(uid))).expect("no such UID is known");
            black_box((set.rsk.to_bytes(), set.signing.ssk(), set.signing.pvt()))
        });
    });
}

fn receiver(c: &mut Criterion) {
    let root = root();
    let (z, kpak) = (root.pub_enc_key(), root.pub_auth_key());
    let uid = Uid::from_bytes([7; 32]);
    let set = root.issue(&uid).expect("no such UID is known");
    c.bench_function("verify a key set", |b| b.iter(|| set.verify(black_box(&uid), z, kpak)));
    let ssv = Ssv::new([9; 16]);
    c.bench_function("encapsulate", |b| b.iter(|| z.encapsulate(black_box(&ssv), uid.identifier())));
    let data = z.encapsulate(&ssv, uid.identifier()).expect("no such secret is known");
    c.bench_function("decapsulate", |b| {
        b.iter(|| set.rsk.decapsulate(black_box(&data), uid.identifier(), z).is_ok())
    });
}

criterion_group!(benches, key_set, receiver);
criterion_main!(benches);
