//! How many requests may be under way: in all, and from one address.
//!
//! A request holds its place until its answer has left, so whoever sends its body octet by octet holds one for long. The
//! second limit keeps one address from holding them all.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of a listener.
pub(crate) struct Admission {
    places: Arc<Semaphore>,
    /// 0: no limit.
    per_address: usize,
    /// How many places each address holds; those that hold none are not in it.
    held: Mutex<HashMap<IpAddr, usize>>,
}

/// A place that a request holds; dropped, it is free again.
pub(crate) struct Place {
    admission: Arc<Admission>,
    address: IpAddr,
    _permit: OwnedSemaphorePermit,
}

impl Admission {
    /// `requests` places, of which one address may hold `per_address`; 0 for all of them.
    pub(crate) fn new(requests: usize, per_address: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(requests)), per_address, held: Mutex::default() }
    }

    /// A place for a request from `peer`, if there is one.
    pub(crate) fn enter(self: &Arc<Self>, peer: SocketAddr) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let address = sender(peer.ip());
        if self.per_address != 0 {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            let count = held.entry(address).or_default();
            if *count >= self.per_address {
                return None;
            }
            *count += 1;
        }
        Some(Place { admission: Arc::clone(self), address, _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.admission.per_address == 0 {
            return;
        }
        let mut held = self.admission.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.address);
            }
        }
    }
}

/// Who counts as one sender: an IPv4 address, or an IPv6 network of 64 bits, which one host can fill.
fn sender(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_leaves_places_for_others() {
        let admission = Arc::new(Admission::new(3, 2));
        let first = admission.enter(peer("192.0.2.1:1")).unwrap();
        let _second = admission.enter(peer("[::ffff:192.0.2.1]:2")).unwrap();
        assert!(admission.enter(peer("192.0.2.1:3")).is_none());
        let _other = admission.enter(peer("192.0.2.2:1")).unwrap();
        assert!(admission.enter(peer("192.0.2.3:1")).is_none(), "three places in all");
        drop(first);
        assert!(admission.enter(peer("192.0.2.1:4")).is_some());
    }

    #[test]
    fn a_network_of_64_bits_is_one_sender() {
        let admission = Arc::new(Admission::new(9, 1));
        let _one = admission.enter(peer("[2001:db8::1]:1")).unwrap();
        assert!(admission.enter(peer("[2001:db8::2]:1")).is_none());
        assert!(admission.enter(peer("[2001:db8:0:1::1]:1")).is_some());
    }

    #[test]
    fn nothing_is_remembered_of_whoever_left() {
        let admission = Arc::new(Admission::new(9, 5));
        drop(admission.enter(peer("192.0.2.1:1")));
        assert!(admission.held.lock().unwrap().is_empty());
        let open = Arc::new(Admission::new(9, 0));
        let _places: Vec<_> = (0..9).map(|_| open.enter(peer("192.0.2.1:1")).unwrap()).collect();
    }
}
