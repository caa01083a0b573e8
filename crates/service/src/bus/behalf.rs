//! For whom a call is served: the member that made it over the bus, also where another part of this process passed it on.

use tonic::Request;

use super::{BusPeer, Members};
use crate::trace;

/// Names in a call that is passed on inside of this process for whom it is.
const CALLER: &str = "csc-caller";

/// Who makes `request`; `None`: this process itself.
pub fn caller<T>(request: &Request<T>) -> Option<Members> {
    match request.extensions().get::<BusPeer>() {
        Some(peer) => Some(peer.members),
        // What came over the bus has a peer, so only this process can have said so.
        None => request.metadata().get(CALLER)?.to_str().ok()?.parse().ok(),
    }
}

/// A call like `request`, to be made over a channel of [`super::in_process`]: it says for whom it is and in which span it is
/// made, and nothing else that stood there.
pub fn pass_on<T>(request: Request<T>) -> Request<T> {
    let caller = caller(&request);
    let mut request = trace::call(request);
    if let Some(members) = caller {
        let members = members.to_string().parse().expect("names of members are visible ASCII");
        request.metadata_mut().insert(CALLER, members);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::super::Member;
    use super::*;

    fn request(peer: Option<&[Member]>, said: Option<&'static str>) -> Request<()> {
        let mut request = Request::new(());
        if let Some(members) = peer {
            let address = "127.0.0.1:1".parse().unwrap();
            request.extensions_mut().insert(BusPeer { address, members: Members::of(members) });
        }
        if let Some(said) = said {
            request.metadata_mut().insert(CALLER, said.parse().unwrap());
        }
        request
    }

    fn of(request: &Request<()>) -> Option<String> {
        caller(request).map(|members| members.to_string())
    }

    #[test]
    fn a_certificate_counts_whatever_is_said() {
        let named = Some("gms+operator".to_owned());
        let both: &[Member] = &[Member::Operator, Member::Gms];
        for said in [None, Some("idms"), Some("x")] {
            assert_eq!(of(&request(Some(both), said)), named);
        }
        assert_eq!(of(&request(None, Some("gms+operator"))), named);
        for nobody in [None, Some(""), Some("x"), Some("gms+"), Some("operator+x")] {
            assert_eq!(of(&request(None, nobody)), None, "{nobody:?}");
        }
    }

    #[test]
    fn who_it_is_for_goes_with_a_call_that_is_passed_on() {
        for said in [None, Some("idms")] {
            let mut passed = pass_on(request(Some(&[Member::Operator]), said));
            assert_eq!(passed.metadata().len(), 1);
            // At the other end of the channel.
            passed.extensions_mut().clear();
            assert_eq!(of(&passed), Some("operator".to_owned()));
        }
        assert!(pass_on(request(None, None)).metadata().is_empty());
    }
}
