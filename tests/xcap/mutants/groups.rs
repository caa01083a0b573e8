//! Faults of group documents (TS 24.481 clause 7.2).

use super::{CONSTRAINT, Fault, Kind, SCHEMA};
use crate::documents::GROUP_TYPE;
use crate::people::DANA;

pub(crate) fn kind(id: &str) -> Kind {
    let base = BASE.replace("tel:+82570000000", id);
    Kind { who: DANA, target: crate::groups::global(id), media_type: GROUP_TYPE, base, faults: FAULTS }
}

const BASE: &str = "<group xmlns=\"urn:oma:xml:poc:list-service\" xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\" \
    xmlns:cp=\"urn:ietf:params:xml:ns:common-policy\" xmlns:oxe=\"urn:oma:xml:xdm:extensions\" \
    xmlns:gi=\"urn:3gpp:ns:mcpttGroupInfo:1.0\"><list-service uri=\"tel:+82570000000\">\
    <display-name xml:lang=\"en\">Pump 3</display-name><list><entry uri=\"tel:+821\"><rl:display-name>Alex</rl:display-name>\
    <gi:participant-type>First Responder</gi:participant-type><gi:user-priority>5</gi:user-priority>\
    <gi:on-network-required/></entry><entry uri=\"tel:+822\"/></list><invite-members>true</invite-members>\
    <max-participant-count>20</max-participant-count>\
    <gi:on-network-hang-timer>PT15S</gi:on-network-hang-timer>\
    <gi:on-network-minimum-number-to-start>1</gi:on-network-minimum-number-to-start>\
    <gi:protect-media>true</gi:protect-media><gi:on-network-group-priority>7</gi:on-network-group-priority>\
    <gi:preferred-voice-encodings><gi:encoding name=\"AMR-WB\"/></gi:preferred-voice-encodings>\
    <gi:permitted-geographic-area><gi:PolygonArea>\
    <gi:Corner><gi:Longitude>1</gi:Longitude><gi:Latitude>11</gi:Latitude></gi:Corner>\
    <gi:Corner><gi:Longitude>2</gi:Longitude><gi:Latitude>12</gi:Latitude></gi:Corner>\
    <gi:Corner><gi:Longitude>3</gi:Longitude><gi:Latitude>16777215</gi:Latitude></gi:Corner>\
    </gi:PolygonArea></gi:permitted-geographic-area>\
    <cp:ruleset><cp:rule id=\"a\"><cp:conditions><is-list-member/></cp:conditions><cp:actions>\
    <allow-initiate-conference>true</allow-initiate-conference><join-handling>false</join-handling>\
    <gi:allow-MCPTT-emergency-call>true</gi:allow-MCPTT-emergency-call></cp:actions></cp:rule><cp:rule id=\"b\"/></cp:ruleset>\
    <oxe:supported-services><oxe:service enabler=\"urn:urn-7:3gpp-service.ims.icsi.mcptt\"><oxe:group-media>\
    <gi:mcptt-speech/></oxe:group-media></oxe:service></oxe:supported-services></list-service></group>";

const FAULTS: &[Fault] = &[
    ("<list-service uri=", "<list-service name=", SCHEMA),
    ("<list-service uri=\"", "<list-service uri=\"tel:+8299", CONSTRAINT),
    ("</list-service>", "</list-service><list-service uri=\"tel:+82999\"/>", CONSTRAINT),
    ("<display-name xml:lang=\"en\">", "<display-name/><display-name xml:lang=\"en\">", SCHEMA),
    ("xml:lang=\"en\"", "xml:lang=\"not a language\"", SCHEMA),
    ("xml:lang=\"en\"", "lang=\"en\"", SCHEMA),
    ("Pump 3", "<b/>", SCHEMA),
    ("</list>", "</list><list/>", SCHEMA),
    ("</list>", "</list><display-name/>", SCHEMA),
    ("<list>", "<list>text", SCHEMA),
    ("<list>", "<list><other/>", SCHEMA),
    ("<entry uri=\"tel:+822\"/>", "<entry/>", SCHEMA),
    ("<entry uri=\"tel:+822\"/>", "<external anchor=\"http://x\"/><entry uri=\"tel:+822\"/>", SCHEMA),
    ("<entry uri=\"tel:+822\"/>", "<entry uri=\"tel:+822\" name=\"x\"/>", SCHEMA),
    ("<entry uri=\"tel:+822\"/>", "<entry uri=\"tel:+822\">text</entry>", SCHEMA),
    ("<rl:display-name>Alex</rl:display-name>", "<rl:other/>", SCHEMA),
    (">true</invite-members>", ">perhaps</invite-members>", SCHEMA),
    (">20</max-participant-count>", ">-20</max-participant-count>", SCHEMA),
    (">20</max-participant-count>", ">many</max-participant-count>", SCHEMA),
    ("</max-participant-count>", "</max-participant-count><invite-members>true</invite-members>", SCHEMA),
    ("</max-participant-count>", "</max-participant-count><other/>", SCHEMA),
    (">5</gi:user-priority>", ">256</gi:user-priority>", SCHEMA),
    (">5</gi:user-priority>", ">-1</gi:user-priority>", SCHEMA),
    (">5</gi:user-priority>", "></gi:user-priority>", SCHEMA),
    ("<gi:on-network-required/>", "<gi:on-network-required>yes</gi:on-network-required>", SCHEMA),
    (">PT15S<", ">15<", SCHEMA),
    (">PT15S<", ">P15S<", SCHEMA),
    (">1</gi:on-network-minimum", ">65536</gi:on-network-minimum", SCHEMA),
    (">true</gi:protect-media>", ">TRUE</gi:protect-media>", SCHEMA),
    (">7</gi:on-network-group-priority>", ">256</gi:on-network-group-priority>", SCHEMA),
    ("<gi:encoding name=\"AMR-WB\"/>", "<gi:encoding/>", SCHEMA),
    ("<gi:encoding name=\"AMR-WB\"/>", "", SCHEMA),
    ("<gi:Corner><gi:Longitude>1</gi:Longitude><gi:Latitude>11</gi:Latitude></gi:Corner>", "", SCHEMA),
    (">16777215<", ">16777216<", SCHEMA),
    ("<gi:Longitude>2</gi:Longitude>", "", SCHEMA),
    ("<cp:rule id=\"a\">", "<cp:rule>", SCHEMA),
    ("<cp:rule id=\"b\"/>", "<cp:rule id=\"a\"/>", SCHEMA),
    ("<cp:rule id=\"b\"/>", "<cp:rule id=\"1 b\"/>", SCHEMA),
    ("<cp:rule id=\"b\"/>", "<cp:other/>", SCHEMA),
    ("<is-list-member/>", "<is-list-member>yes</is-list-member>", SCHEMA),
    (">true</allow-initiate-conference>", ">often</allow-initiate-conference>", SCHEMA),
    (">true</gi:allow-MCPTT-emergency-call>", ">2</gi:allow-MCPTT-emergency-call>", SCHEMA),
    (" enabler=\"urn:urn-7:3gpp-service.ims.icsi.mcptt\"", "", SCHEMA),
    ("<oxe:group-media>", "text<oxe:group-media>", SCHEMA),
];
