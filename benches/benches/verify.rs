//! Every case for every size of body, with criterion's statistics and its memory of the last run.

use core::hint::black_box;
use core::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nextapi_webhook_benches::{CASES, Limit, SIZES, Subject, size_name};

const DIGITS: usize = 10;

fn verify(criterion: &mut Criterion) {
    for size in SIZES {
        let limit = Limit::new(DIGITS, size as usize);
        bench(criterion, size, Subject::new("SHA-256 alone", move || black_box(&limit).holds()));
        for (name, case) in CASES {
            match case.subject(name, size) {
                Ok(subject) => bench(criterion, size, subject),
                Err(failure) => stop(&failure),
            }
        }
    }
}

fn bench(criterion: &mut Criterion, size: u32, mut subject: Subject<'_>) {
    let mut group = criterion.benchmark_group(subject.name());
    group.throughput(Throughput::Bytes(u64::from(size)));
    group.bench_function(BenchmarkId::from_parameter(size_name(size)), |bencher| {
        bencher.iter_custom(|calls| subject.time(calls).unwrap_or_else(|wrong| stop(&wrong)));
    });
}

/// A bench that gives a wrong answer is no bench.
fn stop(failure: &dyn core::fmt::Display) -> ! {
    eprintln!("{failure}");
    std::process::exit(1)
}

// There are forty: seconds each would make ten minutes.
criterion_group! {
    name = benches;
    config = Criterion::default()
        .without_plots()
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1))
        .sample_size(50);
    targets = verify
}
criterion_main!(benches);
