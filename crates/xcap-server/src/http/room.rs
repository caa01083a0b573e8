//! Memory for the bodies of changes. A slow client holds the part of its body that has come, and so does a change that
//! waits for its turn: of large ones only so many are taken at a time, and the next one is told at once to come again.

use csc_service::http::Body;
use http_body::Body as _;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::refusal::Refusal;

/// Octets of large bodies at a time.
const ALL: usize = 256 << 20;
/// Up to this size a body counts for nothing: how many requests there are at a time is bounded elsewhere.
const SMALL: usize = 64 << 10;
/// Octets that count as one.
const UNIT: usize = 1 << 10;

/// The room that there is.
pub(super) struct Room(Semaphore);

impl Room {
    pub(super) fn new() -> Self {
        Self(Semaphore::new(ALL / UNIT))
    }

    /// Keeps room for `body`, of which at most `limit` octets are taken, until the answer is dropped. One that does not
    /// say how long it is may be as long as that.
    ///
    /// # Errors
    /// [`Refusal::Crowded`].
    pub(super) fn keep(&self, body: &Body, limit: usize) -> Result<Option<SemaphorePermit<'_>>, Refusal> {
        let announced = body.size_hint().upper().and_then(|octets| usize::try_from(octets).ok());
        let octets = announced.unwrap_or(limit);
        // What is too large is refused for that.
        if octets <= SMALL || octets > limit {
            return Ok(None);
        }
        let units = u32::try_from(octets.div_ceil(UNIT)).unwrap_or(u32::MAX);
        self.0.try_acquire_many(units).map(Some).map_err(|_| Refusal::Crowded)
    }
}

#[cfg(test)]
mod tests {
    use csc_service::http::BodyError;
    use futures::stream;

    use super::*;

    #[test]
    fn large_bodies_take_room_until_they_are_done() {
        let room = Room::new();
        let limit = ALL / 4;
        let body = |octets: usize| Body::from(vec![b'x'; octets]);
        let unknown = || Body::from_stream(stream::pending::<Result<Vec<u8>, BodyError>>());
        let kept: Vec<_> = (0..4).map(|_| room.keep(&unknown(), limit).unwrap().unwrap()).collect();
        assert!(matches!(room.keep(&body(SMALL + 1), limit), Err(Refusal::Crowded)));
        assert!(room.keep(&body(SMALL), limit).unwrap().is_none());
        assert!(room.keep(&body(SMALL + 2), SMALL + 1).unwrap().is_none(), "it is refused as too large");
        drop(kept);
        assert_eq!(room.keep(&body(SMALL + 1), limit).unwrap().unwrap().num_permits(), 65);
    }
}
