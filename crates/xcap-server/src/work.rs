//! Work on large documents, kept off the threads that answer everybody else.

use std::panic;

/// From this size on, reading a document takes long enough to matter to others.
const LARGE: usize = 128 << 10;

/// Runs `work`, on a thread of its own when it concerns `octets` enough.
pub async fn aside<T, F>(octets: usize, work: F) -> T
where
    T: Send + 'static,
    F: FnOnce() -> T + Send + 'static,
{
    if octets < LARGE {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(cause) => panic::resume_unwind(cause),
            // Blocking work is never cancelled but when the runtime ends, and then nobody waits for the answer.
            Err(_) => std::future::pending().await,
        },
    }
}
