//! Documents that others wrote: those of the reference examples, and those that the field specifications print, with other
//! names. All are accepted as they are and come back octet for octet.

use std::sync::Arc;

use csc_test_support::shared;

use crate::check::checks;
use crate::documents::{
    GROUP_TYPE, LISTS, LISTS_TYPE, PROFILE_TYPE, PROFILES, SERVICE_CONFIG, SERVICE_CONFIG_TYPE, UE_CONFIG,
    UE_CONFIG_TYPE,
};
use crate::groups::global;
use crate::people::{self, ADMIN, DANA, HARBOUR, PLATFORM, Person};
use crate::world::World;

checks! {
    "G2" Everywhere g2_the_example_groups;
    "C1" Everywhere c1_the_example_profile;
    "C2" Everywhere c2_the_printed_profile;
    "C4" Everywhere c4_the_example_service_configuration;
    "C5" Everywhere c5_the_example_ue_configuration;
    "R2" Everywhere r2_the_printed_documents;
}

/// An example; `None`, which is reported, where it is not at hand.
fn example(name: &str) -> Option<String> {
    let path = shared(name, &format!("examples/{name}"))?;
    Some(std::fs::read_to_string(path).expect("a readable example"))
}

/// Stores a document where there was none and gets it back as it was.
async fn accepted(world: &World, who: Person, target: &str, media_type: &str, document: &str) {
    world.absent(who, target).await;
    world.call(who, "PUT", target).body(media_type, document).is(201).await;
    assert_eq!(world.call(who, "GET", target).is(200).await.text(), document);
    world.call(who, "DELETE", target).is(200).await;
}

async fn g2_the_example_groups(world: Arc<World>) {
    let Some(conformant) = example("group-24481-conformant.xml") else { return };
    accepted(&world, DANA, &global("tel:g101"), GROUP_TYPE, &conformant).await;
    let Some(repaired) = example("seed-group-quotes-fixed.xml") else { return };
    accepted(&world, DANA, &global("tel:+8293315310133"), GROUP_TYPE, &repaired).await;
    let own = crate::documents::view(DANA.0, "tel:+8293315310133");
    accepted(&world, DANA, &own, "application/vnd.oma.poc.groups+xml; charset=\"utf-8\"", &repaired).await;
    // As printed it has typographic quotes around an attribute, and is no XML.
    let Some(printed) = example("seed-group-as-printed.xml") else { return };
    let put = world.call(DANA, "PUT", global("tel:+8293315310133")).body(GROUP_TYPE, printed);
    put.conflicts("not-well-formed").await;
}

async fn c1_the_example_profile(world: Arc<World>) {
    let Some(document) = example("mcptt-user-profile-conformant.xml") else { return };
    let user: Person = ("sip:user1@mcptt.example.org", "example-one");
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    for name in ["mcptt-user-profile-1.xml", "user-profile-1.xml", "user-profile"] {
        let target = format!("/{PROFILES}/users/{}/{name}", user.0);
        accepted(&world, ADMIN, &target, PROFILE_TYPE, &document).await;
    }
}

/// The profile of the flow in TS 24.484 A.2.1, its gaps filled; sent on behalf of one user, it names another.
const PRINTED: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\n\
<mcptt-user-profile user-profile-index=\"0\" XUI-URI=\"sip:User1@example.org\" \
xsi:schemaLocation=\"urn:3gpp:mcptt:user-profile:1.0 mcptt-user-profile.xsd\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" xmlns:cp=\"urn:ietf:params:xml:ns:common-policy\">
<Name xml:lang=\"en-GB\">Default duty shift profile of Engine 12345</Name>
<Status>true</Status>
<ProfileName xml:lang=\"en-GB\">Default duty shift profile of Engine 12345</ProfileName>
<Pre-selected-indication/>
<Common index=\"0\">
<UserAlias><alias-entry index=\"0\" xml:lang=\"en-GB\">Engine 12345</alias-entry></UserAlias>
<MCPTTUserID index=\"0\"><uri-entry>sip:User2@example.org</uri-entry><display-name xml:lang=\"en-GB\">User 2</display-name></MCPTTUserID>
<PrivateCall>
<PrivateCallList index=\"0\">
<PrivateCallURI index=\"0\"><uri-entry>sip:User1@example.org</uri-entry><display-name xml:lang=\"en-GB\">User 1</display-name></PrivateCallURI>
<PrivateCallURI index=\"1\"><uri-entry>sip:User3@example.org</uri-entry><display-name xml:lang=\"en-GB\">User 3</display-name></PrivateCallURI>
<PrivateCallProSeUser index=\"0\"><DiscoveryGroupID>00a1</DiscoveryGroupID><User-Info-ID>00b1</User-Info-ID></PrivateCallProSeUser>
</PrivateCallList>
<EmergencyCall><MCPTTPrivateRecipient>
<entry entry-info=\"UsePreConfigured\" index=\"0\"><uri-entry>sip:User1@example.org</uri-entry><display-name>User 1</display-name></entry>
<ProSeUserID-entry index=\"0\"><User-Info-ID>00b1</User-Info-ID><anyExt /></ProSeUserID-entry>
</MCPTTPrivateRecipient></EmergencyCall>
</PrivateCall>
<MCPTT-group-call>
<MaxSimultaneousCallsN6>2</MaxSimultaneousCallsN6>
<EmergencyCall><MCPTTGroupInitiation><entry entry-info=\"DedicatedGroup\" index=\"0\"><uri-entry>sip:Emergency@example.org</uri-entry>\
<display-name>Emergency group</display-name></entry></MCPTTGroupInitiation></EmergencyCall>
<ImminentPerilCall><MCPTTGroupInitiation><entry entry-info=\"DedicatedGroup\" index=\"0\"><uri-entry>sip:Emergency@example.org</uri-entry>\
</entry></MCPTTGroupInitiation></ImminentPerilCall>
<EmergencyAlert><entry entry-info=\"UsePreConfigured\" index=\"0\"><uri-entry>sip:User1@example.org</uri-entry></entry></EmergencyAlert>
<Priority>1</Priority>
</MCPTT-group-call>
<ParticipantType>First Responder</ParticipantType>
<MissionCriticalOrganization>City Fire Brigade</MissionCriticalOrganization>
</Common>
<OnNetwork index=\"0\">
<MCPTTGroupInfo xml:lang=\"en-GB\" index=\"0\"><entry index=\"0\"><uri-entry>sip:Group-A@example.org</uri-entry>\
<display-name xml:lang=\"en-GB\">Group A</display-name></entry></MCPTTGroupInfo>
<MaxAffiliationsN2>3</MaxAffiliationsN2>
<ImplicitAffiliations xml:lang=\"en-GB\" index=\"0\"><entry index=\"0\"><uri-entry>sip:Group-A@example.org</uri-entry></entry></ImplicitAffiliations>
<MaxSimultaneousTransmissionsN7>1</MaxSimultaneousTransmissionsN7>
<anyExt><GroupServerInfo><GMS-Serv-Id index=\"0\"><entry index=\"0\"><uri-entry>sip:gms@example.org</uri-entry></entry></GMS-Serv-Id>\
<IDMS-token-endpoint index=\"0\"><entry index=\"0\"><uri-entry>https://csc.example.org/idms/tokenreq</uri-entry></entry></IDMS-token-endpoint>\
<KMS-URI index=\"0\"><entry index=\"0\"><uri-entry>https://csc.example.org</uri-entry></entry></KMS-URI></GroupServerInfo></anyExt>
</OnNetwork>
<OffNetwork index=\"0\"><MCPTTGroupInfo index=\"0\"><entry entry-info=\"DedicatedGroup\" index=\"0\"><uri-entry>sip:Group-A@example.org</uri-entry>\
</entry></MCPTTGroupInfo><User-Info-ID>00b2</User-Info-ID></OffNetwork>
<cp:ruleset>
<cp:rule id=\"f3g44r0\"><cp:conditions><cp:identity><cp:one id=\"sip:User2@example.org\"/></cp:identity></cp:conditions><cp:actions>
<allow-private-call>true</allow-private-call><allow-emergency-group-call>true</allow-emergency-group-call>
<anyExt><allow-request-private-call-call-back>true</allow-request-private-call-call-back></anyExt>
</cp:actions></cp:rule>
</cp:ruleset>
</mcptt-user-profile>
";

async fn c2_the_printed_profile(world: Arc<World>) {
    let user: Person = ("sip:User2@example.org", "second-user");
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    let target = format!("/MissionCriticalOrg/MCO-12345/{PROFILES}/users/{}/user-profile-0.xml", user.0);
    let media_type = "application/org.3gpp.mcptt.user-profile+xml; charset=\"utf-8\"";
    accepted(&world, ADMIN, &target, media_type, PRINTED).await;
}

async fn c4_the_example_service_configuration(world: Arc<World>) {
    let Some(document) = example("service-config-conformant.xml") else { return };
    // That of the fire brigade is what other checks look at; the harbour's belongs to the check of faults.
    let organisation = format!("{HARBOUR}-2");
    people::organisation(world.client(), &organisation).await;
    let target = format!("/{SERVICE_CONFIG}/global/{organisation}/service-config.xml");
    accepted(&world, PLATFORM, &target, SERVICE_CONFIG_TYPE, &document).await;
}

async fn c5_the_example_ue_configuration(world: Arc<World>) {
    let Some(document) = example("ue-config-conformant.xml") else { return };
    let user: Person = ("sip:user5@mcptt.example.org", "example-five");
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    let target = format!("/{UE_CONFIG}/users/{}/ue-config", user.0);
    accepted(&world, ADMIN, &target, UE_CONFIG_TYPE, &document).await;
    let ue = "urn:uuid:00000000-0000-4000-8000-000000000001";
    accepted(&world, PLATFORM, &format!("/{UE_CONFIG}/users/{ue}/{ue}"), UE_CONFIG_TYPE, &document).await;
}

const XUI: &str = "sip%3A%2B339012345678%40Test-rcs.example.org";

const SERVICES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <rls-services xmlns=\"urn:ietf:params:xml:ns:rls-services\" \
xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\"> <service uri=\"sip:+339012345678@Test-rcs.example.org;pres-list=rcs\"> \
<resource-list>http://192.0.2.2:8080/resource-lists/users/XUI/index/~~/resource-lists/list%5B@name=%22rcs%22%5D</resource-list> \
<packages> <package>presence</package> </packages> </service></rls-services>";

const BUDDIES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"> \
<list name=\"oma_buddylist\"> <external anchor=\"http://192.0.2.2:8080/resource-lists/users/XUI/index/~~/resource-lists/list%5B@name=%22rcs%22%5D\"/> </list> \
<list name=\"oma_grantedcontacts\"> <external anchor=\"http://192.0.2.2:8080/resource-lists/users/XUI/index/~~/resource-lists/list%5B@name=%22rcs%22%5D\"/> </list> \
<list name=\"oma_blockedcontacts\"> <external anchor=\"http://192.0.2.2:8080/resource-lists/users/XUI/index/~~/resource-lists/list%5B@name=%22rcs_blockedcontacts%22%5D\"/> \
<external anchor=\"http://192.0.2.2:8080/resource-lists/users/XUI/index/~~/resource-lists/list%5B@name=%22rcs_revokedcontacts%22%5D\"/> </list> \
<list name=\"rcs\"> <display-name>My presence buddies</display-name> </list> <list name=\"rcs_blockedcontacts\"> \
<display-name>My blocked contacts</display-name> </list> <list name=\"rcs_revokedcontacts\"> <display-name>My revoked contacts</display-name> </list> </resource-lists>";

const RULES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <cr:ruleset xmlns:ocp=\"urn:oma:xml:xdm:common-policy\" \
xmlns:pr=\"urn:ietf:params:xml:ns:pres-rules\" xmlns:cr=\"urn:ietf:params:xml:ns:common-policy\"> <cr:rule id=\"wp_prs_allow_own\"> \
<cr:conditions> <cr:identity><cr:one id=\"sip:+339012345678@Test-rcs.example.org\"/></cr:identity> </cr:conditions> \
<cr:actions><pr:sub-handling>allow</pr:sub-handling></cr:actions> <cr:transformations> <pr:provide-services><pr:all-services/></pr:provide-services> \
<pr:provide-persons><pr:all-persons/></pr:provide-persons> <pr:provide-devices><pr:all-devices/></pr:provide-devices> <pr:provide-all-attributes/> \
</cr:transformations> </cr:rule> <cr:rule id=\"rcs_allow_services_anonymous\"> <cr:conditions><ocp:anonymous-request/></cr:conditions> \
<cr:actions><pr:sub-handling>allow</pr:sub-handling></cr:actions> <cr:transformations> <pr:provide-services><pr:all-services/></pr:provide-services> \
<pr:provide-all-attributes/> </cr:transformations> </cr:rule> <cr:rule id=\"wp_prs_unlisted\"> <cr:conditions><ocp:other-identity/></cr:conditions> \
<cr:actions><pr:sub-handling>confirm</pr:sub-handling></cr:actions> </cr:rule> <cr:rule id=\"wp_prs_grantedcontacts\"> <cr:conditions> \
<ocp:external-list> <ocp:entry anc=\"http://192.0.2.2:8080/resource-lists/users/XUI/index/~~/resource-lists/list%5B@name=%22oma_grantedcontacts%22%5D\"/> \
</ocp:external-list> </cr:conditions> <cr:actions><pr:sub-handling>allow</pr:sub-handling></cr:actions> </cr:rule> \
<cr:rule id=\"wp_prs_blockedcontacts\"> <cr:conditions> <ocp:external-list> <ocp:entry anc=\"http://192.0.2.2:8080/resource-lists/users/XUI/index/~~/resource-lists/list%5B@name=%22oma_blockedcontacts%22%5D\"/> \
</ocp:external-list> </cr:conditions> <cr:actions><pr:sub-handling>block</pr:sub-handling></cr:actions> </cr:rule> </cr:ruleset>";

const PRESENCE: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?> <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
xmlns:op=\"urn:oma:xml:prs:pidf:oma-pres\" xmlns:opd=\"urn:oma:xml:pde:pidf:ext\" xmlns:pdm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
xmlns:ci=\"urn:ietf:params:xml:ns:pidf:cipid\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:+339012345678@Test-rcs.example.org\"> \
<pdm:person id=\"p1\"> <op:overriding-willingness> <op:basic>open</op:basic> </op:overriding-willingness> <ci:homepage></ci:homepage> \
<rpid:status-icon opd:etag=\"1403159871372\" opd:fsize=\"2193\" opd:contenttype=\"image/jpeg\" opd:resolution=\"96x96\">\
http://192.0.2.2:8080/org.openmobilealliance.pres-content/users/XUI/oma_status-icon/rcs_status_icon</rpid:status-icon> \
<pdm:note></pdm:note> <pdm:timestamp>2026-06-19T06:37:51.000Z</pdm:timestamp> </pdm:person> </presence>";

async fn r2_the_printed_documents(world: Arc<World>) {
    let user: Person = ("sip:+339012345678@Test-rcs.example.org", "rcs-user");
    people::put(world.client(), user, csc_tests::ORGANISATION, &[], Vec::new()).await;
    for (auid, name, media_type, document) in [
        ("rls-services", "index", "application/rls-services+xml", SERVICES),
        (LISTS, "index", LISTS_TYPE, BUDDIES),
        ("org.openmobilealliance.pres-rules", "pres-rules", "application/auth-policy+xml", RULES),
        ("pidf-manipulation", "perm-presence", "application/pidf+xml", PRESENCE),
    ] {
        let target = format!("/{auid}/users/{XUI}/{name}");
        accepted(&world, user, &target, media_type, &document.replace("XUI", XUI)).await;
    }
}
