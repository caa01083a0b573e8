//! Faults of initial configurations of terminals (TS 24.484 clause 7.2).

use super::{Fault, Kind, SCHEMA};
use crate::documents::{UE_INIT, UE_INIT_TYPE};
use crate::people::ADMIN;

pub(crate) fn kind() -> Kind {
    let target = format!("/{UE_INIT}/global/city-fire/mutant");
    Kind { who: ADMIN, target, media_type: UE_INIT_TYPE, base: BASE.to_owned(), faults: FAULTS }
}

const BASE: &str = "<mcptt-UE-initial-configuration xmlns=\"urn:3gpp:mcptt:mcpttUEinitConfig:1.0\" domain=\"mcptt.example.org\">\
    <mcptt-UE-id><Instance-ID-URN>urn:uuid:6f1d2c4a-5b7e-4c39-9d10-0a2b4c6d8ed0</Instance-ID-URN><IMEI-range><TAC>35643299</TAC>\
    <SNR-range><Low-SNR>1</Low-SNR><High-SNR>100</High-SNR></SNR-range></IMEI-range></mcptt-UE-id>\
    <name xml:lang=\"en\">Handheld</name><Default-user-profile User-ID=\"tel:+821\" user-profile-index=\"0\"/><on-network><Timers>\
    <T100>100</T100><T101>101</T101><T103>103</T103><T104>104</T104><T132>132</T132></Timers><HPLMN PLMN=\"45005\"><service>\
    <MCPTT-to-con-ref>a</MCPTT-to-con-ref><MC-common-core-to-con-ref>b</MC-common-core-to-con-ref>\
    <MC-ID-to-con-ref>c</MC-ID-to-con-ref></service><VPLMN PLMN=\"45008\"><service><MCPTT-to-con-ref>d</MCPTT-to-con-ref>\
    <MC-common-core-to-con-ref>e</MC-common-core-to-con-ref><MC-ID-to-con-ref>f</MC-ID-to-con-ref></service></VPLMN></HPLMN>\
    <App-Server-Info><idms-auth-endpoint>https://csc.example.org:4420/idms/authreq</idms-auth-endpoint>\
    <idms-token-endpoint>https://csc.example.org:4420/idms/tokenreq</idms-token-endpoint><http-proxy>https://p.example.org</http-proxy>\
    <gms>https://gms.example.org</gms><cms>https://cms.example.org</cms><kms>https://kms.example.org</kms>\
    <tls-tunnel-auth-method><mutual-authentication>false</mutual-authentication></tls-tunnel-auth-method></App-Server-Info>\
    <GMS-URI>sip:gms_psi@mcptt.example.org</GMS-URI><group-creation-XUI>sip:gms@mcptt.example.org</group-creation-XUI>\
    <GMS-XCAP-root-URI>https://g.example.org</GMS-XCAP-root-URI><CMS-XCAP-root-URI>https://c.example.org</CMS-XCAP-root-URI>\
    <integrity-protection-enabled>true</integrity-protection-enabled>\
    <confidentiality-protection-enabled>true</confidentiality-protection-enabled></on-network></mcptt-UE-initial-configuration>";

const FAULTS: &[Fault] = &[
    (" domain=\"mcptt.example.org\"", "", SCHEMA),
    ("<Instance-ID-URN>", "<Other/><Instance-ID-URN>", SCHEMA),
    ("<TAC>35643299</TAC>", "", SCHEMA),
    (">35643299<", ">356432991<", SCHEMA),
    ("<High-SNR>100</High-SNR>", "", SCHEMA),
    ("<High-SNR>100<", "<High-SNR>1000000<", SCHEMA),
    ("<name xml:lang=\"en\">", "<name language=\"en\">", SCHEMA),
    (">Handheld<", "><b/><", SCHEMA),
    (" User-ID=\"tel:+821\"", "", SCHEMA),
    (" user-profile-index=\"0\"", "", SCHEMA),
    ("user-profile-index=\"0\"", "user-profile-index=\"256\"", SCHEMA),
    ("user-profile-index=\"0\"/>", "user-profile-index=\"0\">text</Default-user-profile>", SCHEMA),
    ("<on-network>", "<on-network>text", SCHEMA),
    ("<on-network>", "<on-network/><on-network>", SCHEMA),
    ("<T100>100</T100>", "", SCHEMA),
    (">100</T100>", ">256</T100>", SCHEMA),
    (">101</T101>", ">-1</T101>", SCHEMA),
    (">103</T103>", ">soon</T103>", SCHEMA),
    ("<T104>104</T104><T132>132</T132>", "<T132>132</T132><T104>104</T104>", SCHEMA),
    ("<T132>132</T132>", "", SCHEMA),
    ("<HPLMN PLMN=\"45005\">", "<HPLMN>", SCHEMA),
    ("<HPLMN PLMN=\"45005\">", "<HPLMN PLMN=\"45005\" other=\"x\">", SCHEMA),
    ("<MCPTT-to-con-ref>a</MCPTT-to-con-ref>", "", SCHEMA),
    ("<VPLMN PLMN=\"45008\">", "<VPLMN>", SCHEMA),
    ("<MC-ID-to-con-ref>f</MC-ID-to-con-ref>", "", SCHEMA),
    ("<http-proxy>https://p.example.org</http-proxy>", "", SCHEMA),
    ("<gms>https://gms.example.org</gms>", "", SCHEMA),
    (
        "<gms>https://gms.example.org</gms><cms>https://cms.example.org</cms>",
        "<cms>https://cms.example.org</cms><gms>https://gms.example.org</gms>",
        SCHEMA,
    ),
    ("<mutual-authentication>false</mutual-authentication>", "", SCHEMA),
    ("<mutual-authentication>false<", "<mutual-authentication>none<", SCHEMA),
    ("<tls-tunnel-auth-method>", "<tls-tunnel-auth-method><x509>c</x509>", SCHEMA),
    ("<GMS-URI>sip:gms_psi@mcptt.example.org</GMS-URI>", "", SCHEMA),
    ("<group-creation-XUI>sip:gms@mcptt.example.org</group-creation-XUI>", "", SCHEMA),
    ("<CMS-XCAP-root-URI>https://c.example.org</CMS-XCAP-root-URI>", "", SCHEMA),
    (">true</integrity-protection-enabled>", ">on</integrity-protection-enabled>", SCHEMA),
    ("<confidentiality-protection-enabled>true</confidentiality-protection-enabled>", "", SCHEMA),
    ("</on-network>", "</on-network><off-network/>", SCHEMA),
    ("</on-network>", "</on-network><other/>", SCHEMA),
];
