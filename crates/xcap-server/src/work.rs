//! Work on large documents, kept off the threads that answer everybody else.

use std::panic;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// From this size on, reading a document takes long enough to matter to others.
const LARGE: usize = 128 << 10;
/// Most such documents that a process reads at the same time. The tree of one may take twenty times its octets, and
/// whoever may read a document may ask for its nodes as often as it likes.
const AT_ONCE: usize = 4;

/// Half of the processors work for everybody else.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, usize::from);
    Semaphore::new((processors / 2).clamp(1, AT_ONCE))
});

/// Runs `work`, on a thread of its own when it concerns `octets` enough, as soon as one of a few places is free.
pub async fn aside<T, F>(octets: usize, work: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if octets < LARGE {
        return work();
    }
    let place = PLACES.acquire().await.expect("nobody closes this semaphore");
    let work = move || {
        // Given back by the work itself: it goes on when nobody waits for its answer any more.
        let _place = place;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(cause) => panic::resume_unwind(cause),
            // Blocking work is never cancelled but when the runtime ends, and then nobody waits for the answer.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test]
    async fn few_large_documents_are_read_at_once() {
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let jobs = (0..64).map(|_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            tokio::spawn(aside(LARGE, move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                (0..2000).for_each(|_| std::thread::yield_now());
                now.fetch_sub(1, Ordering::SeqCst);
            }))
        });
        for job in jobs.collect::<Vec<_>>() {
            job.await.unwrap();
        }
        assert!(most.load(Ordering::SeqCst) <= AT_ONCE, "{most:?}");
    }
}
