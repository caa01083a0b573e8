//! Which replica a partition belongs to: rendezvous hashing. Who comes or goes moves its own share and nothing else.

use csc_types::Partition;
use sha2::{Digest, Sha256};

/// Of `candidates` the one that is to have `partition`. Every replica, of every release, must answer the same, or they
/// would hand the partition to and fro.
pub(super) fn winner<'a>(
    partition: Partition,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates.into_iter().max_by_key(|replica| (weight(partition, replica), *replica))
}

fn weight(partition: Partition, replica: &str) -> u64 {
    let digest =
        Sha256::new().chain_update(partition.number().to_be_bytes()).chain_update(replica).finalize();
    let mut head = [0; 8];
    head.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_about_equal_and_move_little() {
        let four = ["a", "b", "c", "d"];
        let share = |name| Partition::all().filter(|at| winner(*at, four) == Some(name)).count();
        assert!(four.into_iter().all(|name| (8..=26).contains(&share(name))), "{:?}", four.map(share));
        for partition in Partition::all() {
            let before = winner(partition, four);
            let after = winner(partition, ["a", "b", "d"]);
            assert!(before == Some("c") || before == after, "only the share of the one who left moves");
        }
        assert_eq!(winner(Partition::INSTALLATION, []), None);
    }

    /// Releases that run side by side must agree.
    #[test]
    fn it_never_changes() {
        let of = |number| winner(Partition::new(number).unwrap(), ["a", "b", "c", "d"]).unwrap();
        assert_eq!((0..16).map(of).collect::<String>(), "bdccbabbdcbdadbc");
    }
}
