//! Owner records.

use std::sync::Arc;

use csc_types::SystemClock;
use tokio::sync::mpsc;

use super::{Engine, Subject, key, somewhere};
use crate::owner::{Fence, Ownership, Replicas, Role, Shift};
use crate::{Change, Records, UpdateError};

const ROLE: Role = Role { owners: "test.role", replicas: "test.replica" };

/// Whoever lost the role can write nothing more in it, and is told at once.
pub async fn a_stale_owner_is_refused(engine: &dyn Engine) {
    let subject = Subject::open(engine).await;
    let records = Records::new(Arc::clone(&subject.store), subject.entropy.clone());
    let claim = async |replica| {
        let owner = Ownership::new(&records, Arc::new(SystemClock::new()), ROLE, replica, Replicas::Alone);
        let (shifts, mut told) = mpsc::channel(1);
        let gained = async {
            loop {
                match told.recv().await.expect("it runs until it is dropped") {
                    Shift::Gained(partition, fence) if partition == somewhere() => return fence,
                    _ => {}
                }
            }
        };
        tokio::select! {
            () = owner.run(shifts, std::future::pending()) => unreachable!("nobody stops it"),
            fence = gained => fence,
        }
    };
    let write = async |fence: &Fence, value: &'static str| {
        let keys = [key("a")];
        records
            .update(somewhere(), &keys, |_| {
                Ok::<_, ()>(Change::nothing(()).check(fence.check()).put(key("a"), value).log(value))
            })
            .await
    };

    let first = claim("first").await;
    write(&first, "1").await.expect("the owner writes");
    write(&first, "2").await.expect("a fence serves more than once");
    let second = claim("second").await;
    let position = subject.store.position(somewhere()).await.expect("the store answers");
    let refused = write(&first, "3").await;
    assert!(matches!(refused, Err(UpdateError::Stale)), "stale, not {refused:?}");
    assert_eq!(subject.value(somewhere(), key("a")).await.as_deref(), Some(&b"2"[..]));
    assert_eq!(subject.store.position(somewhere()).await.expect("the store answers"), position);
    write(&second, "4").await.expect("the new owner writes");

    let again = claim("first").await;
    assert!(write(&second, "5").await.is_err(), "a role that comes back has a new fence");
    assert!(write(&first, "6").await.is_err(), "the fence of the first time is not valid again");
    write(&again, "7").await.expect("the owner writes");
}
