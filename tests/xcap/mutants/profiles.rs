//! Faults of user profiles (TS 24.484 clause 8.3).

use super::{CONSTRAINT, Fault, Kind, SCHEMA};
use crate::documents::{PROFILE_TYPE, PROFILES};
use crate::people::{ADMIN, ROBIN};

pub(crate) fn kind() -> Kind {
    let target = format!("/{PROFILES}/users/{}/mcptt-user-profile-9.xml", ROBIN.0);
    Kind { who: ADMIN, target, media_type: PROFILE_TYPE, base: BASE.to_owned(), faults: FAULTS }
}

const BASE: &str = "<mcptt-user-profile xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" \
    xmlns:cp=\"urn:ietf:params:xml:ns:common-policy\" XUI-URI=\"sip:Robin.Lee@mcptt.example.org\" user-profile-index=\"9\">\
    <Name xml:lang=\"en\">Robin</Name><Status>true</Status><ProfileName>Night</ProfileName><Pre-selected-indication/>\
    <Common index=\"0\"><UserAlias><alias-entry index=\"0\">Pump</alias-entry></UserAlias><MCPTTUserID index=\"0\">\
    <uri-entry>tel:+821</uri-entry><display-name>One</display-name></MCPTTUserID><PrivateCall><PrivateCallList>\
    <PrivateCallURI entry-info=\"UsePreConfigured\"><uri-entry>tel:+822</uri-entry></PrivateCallURI><PrivateCallProSeUser>\
    <DiscoveryGroupID>0a</DiscoveryGroupID><User-Info-ID>0b</User-Info-ID></PrivateCallProSeUser></PrivateCallList>\
    <EmergencyCall><MCPTTPrivateRecipient><entry><uri-entry>tel:+823</uri-entry></entry><ProSeUserID-entry>\
    <User-Info-ID>0c</User-Info-ID></ProSeUserID-entry></MCPTTPrivateRecipient></EmergencyCall></PrivateCall>\
    <MCPTT-group-call><MaxSimultaneousCallsN6>2</MaxSimultaneousCallsN6><ImminentPerilCall><MCPTTGroupInitiation>\
    <entry entry-info=\"DedicatedGroup\"><uri-entry>tel:+824</uri-entry></entry></MCPTTGroupInitiation></ImminentPerilCall>\
    <EmergencyAlert><entry><uri-entry>tel:+825</uri-entry></entry></EmergencyAlert><Priority>5</Priority></MCPTT-group-call>\
    <ParticipantType>First Responder</ParticipantType></Common><OffNetwork><User-Info-ID>0d</User-Info-ID></OffNetwork>\
    <OnNetwork index=\"0\"><MCPTTGroupInfo><entry><uri-entry>tel:+826</uri-entry></entry></MCPTTGroupInfo>\
    <MaxAffiliationsN2>8</MaxAffiliationsN2><MaxSimultaneousTransmissionsN7>1</MaxSimultaneousTransmissionsN7></OnNetwork>\
    <cp:ruleset><cp:rule id=\"a\"><cp:conditions><cp:identity><cp:one id=\"tel:+827\"/></cp:identity><cp:validity>\
    <cp:from>2026-01-01T00:00:00Z</cp:from><cp:until>2027-01-01T00:00:00Z</cp:until></cp:validity></cp:conditions><cp:actions>\
    <allow-private-call>true</allow-private-call><anyExt><allow-regroup>false</allow-regroup></anyExt></cp:actions></cp:rule>\
    </cp:ruleset></mcptt-user-profile>";

const FAULTS: &[Fault] = &[
    (" XUI-URI=\"sip:Robin.Lee@mcptt.example.org\"", "", SCHEMA),
    ("sip:Robin.Lee@mcptt.example.org", "Robin", CONSTRAINT),
    (" user-profile-index=\"9\"", "", SCHEMA),
    ("user-profile-index=\"9\"", "user-profile-index=\"256\"", SCHEMA),
    ("user-profile-index=\"9\"", "user-profile-index=\"-9\"", SCHEMA),
    ("user-profile-index=\"9\"", "user-profile-index=\"8\"", CONSTRAINT),
    ("<Name xml:lang=\"en\">", "<Name language=\"en\">", SCHEMA),
    (">Robin<", "><b/><", SCHEMA),
    ("<Status>true<", "<Status>on<", SCHEMA),
    ("<Pre-selected-indication/>", "<Pre-selected-indication>x</Pre-selected-indication>", SCHEMA),
    ("<Pre-selected-indication/>", "<Preselected/>", SCHEMA),
    ("<Common index=\"0\">", "<Common index=\"0\">text", SCHEMA),
    ("<Common index=\"0\">", "<Common index=\"0\"><Other/>", SCHEMA),
    (">Pump<", "><b/><", SCHEMA),
    ("<uri-entry>tel:+821</uri-entry>", "", SCHEMA),
    (
        "<uri-entry>tel:+821</uri-entry><display-name>One</display-name>",
        "<display-name>One</display-name><uri-entry>tel:+821</uri-entry>",
        SCHEMA,
    ),
    (
        "<uri-entry>tel:+822</uri-entry>",
        "<uri-entry>tel:+822</uri-entry><uri-entry>tel:+822</uri-entry>",
        SCHEMA,
    ),
    ("entry-info=\"UsePreConfigured\"", "entry-info=\"UseAnything\"", SCHEMA),
    (
        "<DiscoveryGroupID>0a</DiscoveryGroupID><User-Info-ID>0b</User-Info-ID>",
        "<DiscoveryGroupID>0a</DiscoveryGroupID>",
        SCHEMA,
    ),
    (">0b<", ">0<", SCHEMA),
    (">0a<", ">xy<", SCHEMA),
    ("<ProSeUserID-entry><User-Info-ID>0c</User-Info-ID></ProSeUserID-entry>", "", SCHEMA),
    ("<MCPTTPrivateRecipient>", "<MCPTTGroupInitiation/><MCPTTPrivateRecipient>", SCHEMA),
    (">2</MaxSimultaneousCallsN6>", ">0</MaxSimultaneousCallsN6>", SCHEMA),
    ("<MCPTT-group-call>", "<MCPTT-group-call><Other/>", SCHEMA),
    ("<ImminentPerilCall>", "<ImminentPerilCall><Other/>", SCHEMA),
    ("entry-info=\"DedicatedGroup\"", "entry-info=\"dedicatedgroup\"", SCHEMA),
    ("<EmergencyAlert><entry>", "<EmergencyAlert><uri-entry>x</uri-entry><entry>", SCHEMA),
    (">5</Priority>", ">65536</Priority>", SCHEMA),
    ("<ParticipantType>", "<ParticipantType><b/>", SCHEMA),
    (">0d<", ">0dd<", SCHEMA),
    ("<OnNetwork index=\"0\">", "<OnNetwork index=\"0\"><Other/>", SCHEMA),
    ("<uri-entry>tel:+826</uri-entry>", "text", SCHEMA),
    (">8</MaxAffiliationsN2>", ">-8</MaxAffiliationsN2>", SCHEMA),
    (">1</MaxSimultaneousTransmissionsN7>", ">one</MaxSimultaneousTransmissionsN7>", SCHEMA),
    ("<cp:rule id=\"a\">", "<cp:rule>", SCHEMA),
    ("<cp:rule id=\"a\">", "<cp:rule id=\"a\"/><cp:rule id=\"a\">", SCHEMA),
    ("<cp:one id=\"tel:+827\"/>", "<cp:one/>", SCHEMA),
    ("<cp:one id=\"tel:+827\"/>", "", SCHEMA),
    ("<cp:until>2027-01-01T00:00:00Z</cp:until>", "", SCHEMA),
    ("2026-01-01T00:00:00Z", "2026-13-01T00:00:00Z", SCHEMA),
    ("<allow-private-call>true<", "<allow-private-call>True<", SCHEMA),
    ("<allow-regroup>false<", "<allow-regroup>never<", SCHEMA),
    ("</cp:ruleset>", "<cp:other/></cp:ruleset>", SCHEMA),
];
