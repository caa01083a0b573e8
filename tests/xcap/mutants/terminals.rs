//! Faults of UE configurations (TS 24.484 clause 8.2).

use super::{Fault, Kind, SCHEMA};
use crate::documents::{UE_CONFIG, UE_CONFIG_TYPE};
use crate::people::{ADMIN, NEW};

pub(crate) fn kind() -> Kind {
    let target = format!("/{UE_CONFIG}/users/{}/ue-config", NEW.0);
    Kind { who: ADMIN, target, media_type: UE_CONFIG_TYPE, base: BASE.to_owned(), faults: FAULTS }
}

const BASE: &str = "<mcptt-UE-configuration xmlns=\"urn:3gpp:mcptt:mcpttUEConfig:1.0\" domain=\"mcptt.example.org\">\
    <mcptt-UE-id><Instance-ID-URN>urn:uuid:6f1d2c4a-5b7e-4c39-9d10-0a2b4c6d8e01</Instance-ID-URN><IMEI-range><TAC>35643205</TAC>\
    <SNR>905062</SNR><SNR-range><Low-SNR>1</Low-SNR><High-SNR>100</High-SNR></SNR-range></IMEI-range></mcptt-UE-id>\
    <name xml:lang=\"en\">Handheld</name><common><private-call><Max-Simul-Call-N10>4</Max-Simul-Call-N10></private-call>\
    <MCPTT-Group-Call><Max-Simul-Call-N4>2</Max-Simul-Call-N4><Max-Simul-Trans-N5>3</Max-Simul-Trans-N5>\
    <Prioritized-MCPTT-Group><MCPTT-Group-Priority><MCPTT-Group-ID>tel:+821</MCPTT-Group-ID>\
    <group-priority-hierarchy>7</group-priority-hierarchy></MCPTT-Group-Priority></Prioritized-MCPTT-Group></MCPTT-Group-Call>\
    </common><on-network><IPv6Preferred>false</IPv6Preferred><Relay-Service>true</Relay-Service><Relayed-MCPTT-Group>\
    <MCPTT-Group-ID>tel:+822</MCPTT-Group-ID><Relay-Service-Code>12</Relay-Service-Code></Relayed-MCPTT-Group></on-network>\
    </mcptt-UE-configuration>";

const FAULTS: &[Fault] = &[
    (" domain=\"mcptt.example.org\"", "", SCHEMA),
    ("<Instance-ID-URN>", "<Other/><Instance-ID-URN>", SCHEMA),
    ("<TAC>35643205</TAC>", "", SCHEMA),
    (">35643205<", ">356432051<", SCHEMA),
    (">35643205<", ">digits<", SCHEMA),
    (">905062<", ">9050620<", SCHEMA),
    (">905062<", "><", SCHEMA),
    ("<Low-SNR>1</Low-SNR>", "", SCHEMA),
    ("<Low-SNR>1</Low-SNR><High-SNR>100</High-SNR>", "<High-SNR>100</High-SNR><Low-SNR>1</Low-SNR>", SCHEMA),
    ("<name xml:lang=\"en\">", "<name lang=\"en\">", SCHEMA),
    (">Handheld<", "><b/><", SCHEMA),
    ("<common>", "<common/><common>", SCHEMA),
    ("</common>", "</common><name>late</name>", SCHEMA),
    ("<private-call><Max-Simul-Call-N10>4</Max-Simul-Call-N10></private-call>", "", SCHEMA),
    ("<Max-Simul-Call-N10>4</Max-Simul-Call-N10>", "", SCHEMA),
    (">4</Max-Simul-Call-N10>", ">0</Max-Simul-Call-N10>", SCHEMA),
    (">4</Max-Simul-Call-N10>", ">-4</Max-Simul-Call-N10>", SCHEMA),
    (">4</Max-Simul-Call-N10>", ">four</Max-Simul-Call-N10>", SCHEMA),
    ("<private-call>", "<private-call kind=\"x\">", SCHEMA),
    ("<MCPTT-Group-Call>", "<MCPTT-Group-Call>text", SCHEMA),
    ("<Max-Simul-Call-N4>2</Max-Simul-Call-N4>", "", SCHEMA),
    (">2</Max-Simul-Call-N4>", ">2.5</Max-Simul-Call-N4>", SCHEMA),
    ("<Max-Simul-Trans-N5>3</Max-Simul-Trans-N5>", "", SCHEMA),
    (">3</Max-Simul-Trans-N5>", "></Max-Simul-Trans-N5>", SCHEMA),
    ("<MCPTT-Group-ID>tel:+821</MCPTT-Group-ID>", "", SCHEMA),
    (">7</group-priority-hierarchy>", ">-7</group-priority-hierarchy>", SCHEMA),
    ("<group-priority-hierarchy>7</group-priority-hierarchy>", "", SCHEMA),
    ("<Prioritized-MCPTT-Group>", "<Prioritized-MCPTT-Group><Other/>", SCHEMA),
    ("<IPv6Preferred>false</IPv6Preferred>", "", SCHEMA),
    (">false</IPv6Preferred>", ">no</IPv6Preferred>", SCHEMA),
    ("<Relay-Service>true</Relay-Service>", "", SCHEMA),
    (">true</Relay-Service>", ">True</Relay-Service>", SCHEMA),
    (
        "<IPv6Preferred>false</IPv6Preferred><Relay-Service>true</Relay-Service>",
        "<Relay-Service>true</Relay-Service><IPv6Preferred>false</IPv6Preferred>",
        SCHEMA,
    ),
    ("<MCPTT-Group-ID>tel:+822</MCPTT-Group-ID>", "", SCHEMA),
    ("<Relay-Service-Code>12</Relay-Service-Code>", "", SCHEMA),
    ("</on-network>", "</on-network><on-network/>", SCHEMA),
];
