//! Who asks.

use csc_proto::identity::v1::directory_client::DirectoryClient;
use csc_proto::identity::v1::{DeleteUserRequest, PutOrganisationRequest, PutUserRequest};
use csc_tests::{Client, ORGANISATION};

/// A user with the password.
pub(crate) type Person = (&'static str, &'static str);

pub(crate) use csc_tests::{ALEX, DANA, SAM};

/// A firefighter with lists of his own.
pub(crate) const KIM: Person = ("tel:+82571009970", "hose-reel");
/// A firefighter without anything.
pub(crate) const NEW: Person = ("tel:+82571009971", "first-day");
/// A user with a sip URI.
pub(crate) const ROBIN: Person = ("sip:Robin.Lee@mcptt.example.org", "spare-radio");
/// An administrator of the fire brigade.
pub(crate) const ADMIN: Person = ("tel:+82571009980", "control-room");
/// An authorized user of the fire brigade.
pub(crate) const CHIEF: Person = ("tel:+82571009981", "white-helmet");
/// An administrator across organisations.
pub(crate) const PLATFORM: Person = ("tel:+82571009989", "top-floor");
/// A dispatcher of the harbour brigade.
pub(crate) const PORT: Person = ("tel:+82571008880", "pier-nine");
/// A firefighter of the harbour brigade.
pub(crate) const DIVER: Person = ("tel:+82571008881", "deep-water");
/// The other organisation.
pub(crate) const HARBOUR: &str = "harbour-fire";
/// The UE of Kim.
pub(crate) const KIMS_UE: &str = "urn:uuid:6f1d2c4a-5b7e-4c39-9d10-0a2b4c6d8e70";
/// A UE of Kim that is known by its IMEI.
pub(crate) const KIMS_IMEI: &str = "urn:gsma:imei:35643205-905062-0";

/// Everybody who is not in the demo, with organisation and roles.
const PEOPLE: [(Person, &str, &[&str]); 8] = [
    (KIM, ORGANISATION, &[]),
    (NEW, ORGANISATION, &[]),
    (ROBIN, ORGANISATION, &[]),
    (ADMIN, ORGANISATION, &["administrator"]),
    (CHIEF, ORGANISATION, &["authorized-user"]),
    (PLATFORM, ORGANISATION, &["platform-administrator"]),
    (PORT, HARBOUR, &["dispatcher"]),
    (DIVER, HARBOUR, &[]),
];

/// Creates them.
pub(crate) async fn create(client: &Client) {
    organisation(client, HARBOUR).await;
    for (person, organisation, roles) in PEOPLE {
        let ue_ids = if person == KIM { vec![KIMS_UE.to_owned(), KIMS_IMEI.to_owned()] } else { Vec::new() };
        put(client, person, organisation, roles, ue_ids).await;
    }
}

/// Creates an organisation.
pub(crate) async fn organisation(client: &Client, id: &str) {
    let request = PutOrganisationRequest { id: id.to_owned(), ..PutOrganisationRequest::default() };
    DirectoryClient::new(client.servers().idms).put_organisation(request).await.expect("the operator may");
}

/// Creates or changes a user.
pub(crate) async fn put(
    client: &Client,
    who: (&str, &str),
    organisation: &str,
    roles: &[&str],
    ue_ids: Vec<String>,
) {
    let request = PutUserRequest {
        mcptt_id: who.0.to_owned(),
        organisation: organisation.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        password: Some(who.1.to_owned()),
        ue_ids,
        ..PutUserRequest::default()
    };
    client.put_user(request).await;
}

/// Deletes a user.
pub(crate) async fn delete(client: &Client, who: &str) {
    let request = DeleteUserRequest { mcptt_id: who.to_owned(), dry_run: false };
    DirectoryClient::new(client.servers().idms).delete_user(request).await.expect("the operator may");
}
