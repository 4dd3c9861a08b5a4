//! What redaction costs: one MiB of an answer without the secrets of its connection, beside copying the same bytes.
#![expect(
    clippy::expect_used,
    reason = "a benchmark that cannot be set up has nothing to measure"
)]

use std::hint::black_box;

use brightsync_core::redact::{Redactor, Secrets};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const MIB: usize = 1 << 20;

fn redact(criterion: &mut Criterion) {
    let mut secrets = Secrets::default();
    secrets.add("b2f1c0d7e9a84c3fb6d5e4a3c2b1f0e9");
    secrets.add("correct-horse-battery-staple");
    let redactor = Redactor::new(&secrets).expect("two short secrets");
    let plain = r#"{"id":"64f1c0d7e9a84c3fb","name":"Zoë Ångström","emailAddress":"zoe@example.com","modifiedAt":"2026-11-27 11:06:50"},"#;
    let escaped = r#"{"url":"https:\/\/crm.example\/a?b=c%20d","body":"<p class=\"x\">Gr\u00fc\u00dfe &amp; K\u00fcsse<\/p>\r\n"},"#;
    let mut group = criterion.benchmark_group("1 MiB");
    group.throughput(Throughput::Bytes(1 << 20));
    for (name, unit) in [
        ("records", plain),
        ("records full of escapes", escaped),
        ("nothing but escapes", r"%62\u0062"),
        (
            "the beginning of a secret, over and over",
            "b2f1c0d7e9a84c3fb6d5e4a3c2b1f0e",
        ),
    ] {
        let text: Vec<u8> = unit.bytes().cycle().take(MIB).collect();
        group.bench_function(format!("{name}: redact"), |bencher| {
            bencher.iter(|| {
                let mut out = Vec::with_capacity(MIB);
                let mut stream = redactor.stream();
                for chunk in text.chunks(16 * 1024) {
                    stream.push(black_box(chunk), &mut out);
                }
                stream.finish(&mut out);
                out
            });
        });
        group.bench_function(format!("{name}: copy"), |bencher| {
            bencher.iter(|| {
                let mut out = Vec::with_capacity(MIB);
                for chunk in text.chunks(16 * 1024) {
                    out.extend_from_slice(black_box(chunk));
                }
                out
            });
        });
    }
    group.finish();
    criterion.bench_function("prepare for a token of 40 characters", |bencher| {
        let mut secrets = Secrets::default();
        secrets.add("0123456789abcdefghijABCDEFGHIJ-._~+/0123");
        bencher.iter(|| Redactor::new(black_box(&secrets)));
    });
}

criterion_group!(benches, redact);
criterion_main!(benches);
