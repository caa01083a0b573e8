//! Where key sets are computed: a bounded number at once, a bounded number waiting, off the threads that serve
//! requests.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// A bounded pool of blocking work.
#[derive(Clone)]
pub(crate) struct Pool {
    running: Arc<Semaphore>,
    /// Places for what runs or waits.
    places: Arc<Semaphore>,
}

/// Why the work was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PoolError {
    /// As much is waiting as may.
    #[error("the queue is full")]
    Full,
    /// The work panicked, or the process is ending.
    #[error("the work did not end")]
    Lost,
}

impl Pool {
    /// A pool in which `workers` run and `queue` wait.
    pub(crate) fn new(workers: usize, queue: usize) -> Self {
        Self { running: Arc::new(Semaphore::new(workers)), places: Arc::new(Semaphore::new(workers + queue)) }
    }

    /// Runs `work`. Work that has begun keeps its worker to its end, even if nobody waits for it any more.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PoolError> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| PoolError::Full)?;
        let worker = Arc::clone(&self.running).acquire_owned().await.map_err(|_| PoolError::Lost)?;
        let done = tokio::task::spawn_blocking(move || {
            let _held = (place, worker);
            work()
        });
        done.await.map_err(|_| PoolError::Lost)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_is_refused_at_once() {
        let pool = Pool::new(1, 1);
        let (release, released) = mpsc::channel::<()>();
        let (started, has_started) = tokio::sync::oneshot::channel();
        let running = tokio::spawn({
            let pool = pool.clone();
            async move {
                pool.run(move || {
                    started.send(()).unwrap();
                    released.recv().unwrap();
                    1
                })
                .await
            }
        });
        has_started.await.unwrap();
        let mut waiting = Box::pin(pool.run(|| 2));
        assert!(futures_poll_once(&mut waiting).await.is_none());
        assert_eq!(pool.run(|| 3).await, Err(PoolError::Full));
        release.send(()).unwrap();
        assert_eq!(running.await.unwrap(), Ok(1));
        assert_eq!(waiting.await, Ok(2));
        assert_eq!(pool.run(|| 3).await, Ok(3));
    }

    /// What a future gives when it is polled once.
    async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }

    #[tokio::test]
    async fn a_panic_frees_its_place() {
        let pool = Pool::new(1, 0);
        assert_eq!(pool.run(|| panic!("expected")).await, Err::<(), _>(PoolError::Lost));
        assert_eq!(pool.run(|| 1).await, Ok(1));
    }
}
