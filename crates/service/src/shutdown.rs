//! The wish to stop, told to everything that runs.

use tokio::sync::watch;

/// Tells whether the process is to stop. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

/// The other end of [`Shutdown`]. Dropping it asks to stop as well.
#[derive(Debug)]
pub struct ShutdownTrigger(watch::Sender<bool>);

/// The end of a listener, in its two steps.
#[derive(Clone, Debug)]
pub(crate) struct Ending {
    /// Clients are to go elsewhere with their next connection, but all are still served.
    pub(crate) announced: Shutdown,
    /// Nobody new is served, and what is at hand is finished.
    pub(crate) requested: Shutdown,
}

impl Shutdown {
    /// A new pair.
    pub fn new() -> (ShutdownTrigger, Self) {
        let (sender, receiver) = watch::channel(false);
        (ShutdownTrigger(sender), Self(receiver))
    }

    /// Resolves when stopping is asked for, at once if it already is.
    pub async fn requested(&self) {
        // An error means that the trigger is gone: nobody could ask any more.
        let _ = self.0.clone().wait_for(|requested| *requested).await;
    }

    /// Whether stopping is asked for.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

impl ShutdownTrigger {
    /// Asks everything to stop.
    pub fn request(&self) {
        self.0.send_replace(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_hears_it() {
        let (trigger, shutdown) = Shutdown::new();
        let other = shutdown.clone();
        assert!(!other.is_requested());
        trigger.request();
        assert!(other.is_requested());
        other.requested().await;
        shutdown.requested().await;
    }

    #[tokio::test]
    async fn a_lost_trigger_stops() {
        let (trigger, shutdown) = Shutdown::new();
        drop(trigger);
        assert!(shutdown.is_requested());
        shutdown.requested().await;
    }
}
