//! How multicast information is stored.

use prost::Message;

/// What is stored of a group's multicast information, in the group's partition.
#[derive(Clone, PartialEq, Message)]
pub(super) struct MulticastRecord {
    /// The random half of its tag.
    #[prost(uint64, tag = "1")]
    pub(super) random: u64,
    /// Where media are sent.
    #[prost(string, tag = "2")]
    pub(super) address: String,
    /// The port there.
    #[prost(uint32, tag = "3")]
    pub(super) port: u32,
    /// What the conference is called there.
    #[prost(string, optional, tag = "4")]
    pub(super) conference: Option<String>,
    /// Which key the new one is, counted from 1.
    #[prost(uint32, tag = "5")]
    pub(super) generation: u32,
    /// The new key, sealed.
    #[prost(bytes = "vec", tag = "6")]
    pub(super) new: Vec<u8>,
    /// The one that is used until then, sealed; empty if there is none.
    #[prost(bytes = "vec", tag = "7")]
    pub(super) old: Vec<u8>,
    /// From when the new one is used.
    #[prost(uint32, tag = "8")]
    pub(super) time: u32,
    /// A hash of those for whom the new one was made: members, and who made the group.
    #[prost(bytes = "vec", tag = "9")]
    pub(super) members: Vec<u8>,
    /// Which key the old one is.
    #[prost(uint32, tag = "10")]
    pub(super) old_generation: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stored data of version 1. It must decode for ever.
    #[test]
    fn golden() {
        let record = MulticastRecord {
            random: 300,
            address: "239.192.0.1".to_owned(),
            port: 5004,
            conference: Some("7".to_owned()),
            generation: 2,
            new: vec![1, 2],
            old: vec![3],
            time: 1_800_000_000,
            members: vec![4],
            old_generation: 1,
        };
        assert_eq!(MulticastRecord::decode(&*record.encode_to_vec()), Ok(record.clone()));
        assert_eq!(hex::encode(record.encode_to_vec()), GOLDEN);
    }

    const GOLDEN: &str =
        "08ac02120b3233392e3139322e302e31188c272201372802320201023a01034080a4a7da064a01045001";
}
