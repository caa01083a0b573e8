//! From identities and a period to key sets.

use csc_sakke::{KeyPeriods, KeySet, Root, Uid};

use super::subject::Identity;

/// A key set and what it is for.
pub(crate) struct Provided {
    /// Whose it is.
    pub(crate) identity: Identity,
    /// The UID it belongs to.
    pub(crate) uid: Uid,
    /// The number of the key period.
    pub(crate) period: u64,
    /// The keys.
    pub(crate) keys: KeySet,
}

/// Issues a key set for each of `identities` in period number `period`. The same question has the same answer each
/// time.
///
/// # Errors
/// One UID in 2^255 has no keys.
pub(crate) fn provision(
    root: &Root,
    periods: &KeyPeriods,
    identities: Vec<Identity>,
    period: u64,
) -> Result<Vec<Provided>, csc_sakke::Error> {
    let one = |identity: Identity| {
        let uid = Uid::derive(&identity.uri, root.kms_uri(), periods, period)?;
        let keys = root.issue(&uid)?;
        Ok(Provided { identity, uid, period, keys })
    };
    identities.into_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use csc_test_support::SeededEntropy;

    use super::*;

    #[test]
    fn keys_are_those_of_identity_kms_and_period() {
        let root = Root::generate("kms.example.org", &SeededEntropy::new(1)).unwrap();
        let periods = KeyPeriods::new(2_419_200, 0).unwrap();
        let identity = |uri: &str| Identity { uri: uri.to_owned(), user_uri: format!("{uri}@ps-lte.com") };
        let asked = vec![identity("tel:+82571009990"), identity("sip:alex.kim@example.org")];
        let sets = provision(&root, &periods, asked, 1655).unwrap();
        assert_eq!(sets.len(), 2);
        for set in &sets {
            let uid = Uid::derive(&set.identity.uri, "kms.example.org", &periods, 1655).unwrap();
            assert_eq!(set.uid, uid);
            set.keys.verify(&uid, root.pub_enc_key(), root.pub_auth_key()).unwrap();
        }
        assert_ne!(sets[0].uid, sets[1].uid);
    }
}
