//! One record of each kind, as it was stored once: it must be read for ever, and is still written so.

use std::fmt::Debug;

use csc_idms::domain::claim::Claim;
use csc_idms::domain::claims::Validity;
use csc_idms::domain::client::{Client, IdTokenAlgorithm, Sealed};
use csc_idms::domain::grant::{CodeRecord, Family, Grant, Issued, Refreshed};
use csc_idms::domain::organisation::Organisation;
use csc_idms::domain::password::{Cost, PasswordHash};
use csc_idms::domain::pkce::Challenge;
use csc_idms::domain::scope::Scopes;
use csc_idms::domain::user::{Deleted, Profile, User};
use csc_idms::records::{self, Stored};
use csc_store::{Key, Record};
use csc_types::{Revision, Role, Timestamp};

#[track_caller]
fn check<T: Stored + PartialEq>(name: &str, golden: &str, value: &T) {
    let stored = hex::encode(value.encode());
    assert_eq!(stored, golden.trim(), "{name}");
    assert!(
        read::<T>(name, &hex::decode(golden.trim()).unwrap()).is_some_and(|read| read == *value),
        "{name}"
    );
}

fn read<T: Stored>(name: &str, value: &[u8]) -> Option<T> {
    let record = Record { version: Revision::new(1), value: Some(value.to_vec().into()) };
    records::read(&Key::new("golden", name), &record).unwrap()
}

fn scopes(names: &[&str]) -> Scopes {
    Scopes::from_names(names.iter().copied()).unwrap()
}

fn grant() -> Grant {
    Grant {
        user: "tel:+82571009990".parse().unwrap(),
        client: "MCPTT_UE".parse().unwrap(),
        scopes: scopes(&["openid", "3gpp:mcptt:ptt_server"]),
        auth_time: Timestamp::from_micros(1_800_000_000_000_001),
        session_epoch: 3,
    }
}

#[test]
fn organisation() {
    let value =
        Organisation { id: "city-fire".parse().unwrap(), display_name: "City Fire Brigade".to_owned() };
    check("city-fire", include_str!("../golden/organisation-1.hex"), &value);
}

#[test]
fn client() {
    let value = Client {
        id: "MCPTT_UE".parse().unwrap(),
        organisation: "city-fire".parse().unwrap(),
        redirect_uris: vec!["http://mcptt_client/cb".parse().unwrap()],
        scopes: scopes(&["openid", "3gpp:mc:ptt_service"]),
        id_token: IdTokenAlgorithm::Hs256,
        secret: Some(Sealed(vec![1, 2, 3])),
        audience: Some("mc_services".to_owned()),
    };
    check("MCPTT_UE", include_str!("../golden/client-1.hex"), &value);
}

#[test]
fn user() {
    let value = User {
        id: "tel:+82571009990".parse().unwrap(),
        profile: Profile {
            organisation: "city-fire".parse().unwrap(),
            roles: [Role::Dispatcher, Role::AuthorizedUser].into_iter().collect(),
            ue_ids: vec!["urn:gsma:imei:90420156-025763-0".parse().unwrap()],
            user_uris: vec!["sip:alex@example.org".parse().unwrap()],
            kms_uri: Some("https://kms.example.org".to_owned()),
            enabled: false,
            scopes: Some(scopes(&["openid"])),
        },
        subject: "aEfdA1QuXjePi7nhBftwTYF1kK-rk1D-4Qgod0933S0".to_owned(),
        password: PasswordHash { cost: Cost::DEFAULT, salt: [1; 16], tag: [2; 32] },
        session_epoch: 3,
    };
    check("tel:+82571009990", include_str!("../golden/user-1.hex"), &value);
}

#[test]
fn deleted() {
    let value = Deleted {
        user_uris: vec!["sip:alex@example.org".parse().unwrap(), "tel:+82571000007".parse().unwrap()],
    };
    check("tel:+82571009990", include_str!("../golden/deleted-1.hex"), &value);
}

#[test]
fn claim() {
    let value = Claim {
        owner: "tel:+82571009990".parse().unwrap(),
        since: Timestamp::from_micros(1_800_000_000_000_001),
        confirmed: true,
    };
    check("sip:alex@example.org", include_str!("../golden/claim-1.hex"), &value);
}

#[test]
fn code() {
    let value = CodeRecord {
        grant: grant(),
        redirect_uri: "http://mcptt_client/cb".to_owned(),
        challenge: Challenge::from_digest([4; 32]),
        nonce: Some("n-1".to_owned()),
    };
    check("code", include_str!("../golden/code-1.hex"), &value);
}

#[test]
fn refresh() {
    let value = Family {
        grant: grant(),
        generation: 7,
        current: [5; 32],
        usable_until: Timestamp::from_micros(1_802_592_000_000_000),
        last: Some(Refreshed {
            parent: [6; 32],
            at: Timestamp::from_micros(1_800_000_100_000_000),
            issued: Issued {
                id: "jti".to_owned(),
                validity: Validity { from: 1_800_000_100, until: 1_800_007_301 },
                scopes: scopes(&["openid"]),
            },
        }),
        revoked: true,
    };
    check("family", include_str!("../golden/refresh-1.hex"), &value);
}

#[test]
fn what_cannot_be_read_is_damage() {
    fn damaged<T: Stored + Debug>(name: &str, value: &[u8]) {
        let record = Record { version: Revision::new(1), value: Some(value.to_vec().into()) };
        let error = records::read::<T>(&Key::new("golden", name), &record).unwrap_err();
        assert!(error.to_string().starts_with("damaged record: golden "), "{error}");
    }
    let refresh = hex::decode(include_str!("../golden/refresh-1.hex").trim()).unwrap();
    damaged::<Family>("family", &refresh[..refresh.len() - 3]);
    damaged::<Family>("family", b"");
    damaged::<Client>("MCPTT_UE", b"");
    damaged::<Client>("a b", &hex::decode(include_str!("../golden/client-1.hex").trim()).unwrap());
    damaged::<Claim>("sip:alex@example.org", &[0xff]);
    // A scope that a later release knows would turn a restriction into none if it were passed over.
    let mut client = hex::decode(include_str!("../golden/client-1.hex").trim()).unwrap();
    let at = client.windows(6).position(|part| part == b"openid").unwrap();
    client[at] = b'X';
    damaged::<Client>("MCPTT_UE", &client);
}
