//! Every document of the table of usages is answered with the media type that is registered for it, whichever was put.

use crate::world::{DIRECTORY, World, profile, service_config};

const INIT: &str = "<mcptt-UE-initial-configuration xmlns=\"urn:3gpp:mcptt:mcpttUEinitConfig:1.0\" domain=\"d\">\
    <name>n</name></mcptt-UE-initial-configuration>";
const UE: &str = "<mcptt-UE-configuration xmlns='urn:3gpp:mcptt:mcpttUEConfig:1.0' domain='example.org'><common>\
    <private-call><Max-Simul-Call-N10>1</Max-Simul-Call-N10></private-call><MCPTT-Group-Call>\
    <Max-Simul-Call-N4>1</Max-Simul-Call-N4><Max-Simul-Trans-N5>1</Max-Simul-Trans-N5>\
    <Prioritized-MCPTT-Group><MCPTT-Group-Priority><MCPTT-Group-ID>tel:+829</MCPTT-Group-ID>\
    <group-priority-hierarchy>1</group-priority-hierarchy></MCPTT-Group-Priority></Prioritized-MCPTT-Group>\
    </MCPTT-Group-Call></common><on-network><IPv6Preferred>false</IPv6Preferred>\
    <Relay-Service>false</Relay-Service></on-network></mcptt-UE-configuration>";
const RULES: &str = "<r:ruleset xmlns:r='urn:ietf:params:xml:ns:common-policy'/>";
const LISTS: &str = "<resource-lists xmlns='urn:ietf:params:xml:ns:resource-lists'/>";
const SERVICES: &str = "<rls-services xmlns='urn:ietf:params:xml:ns:rls-services'/>";
const PRESENCE: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='tel:+8210'/>";
const PICTURE: &str = "<content xmlns='urn:oma:xml:prs:pres-content'/>";

#[tokio::test]
async fn every_document_has_its_registered_media_type() {
    let world = World::new().await;
    let (profile, config) = (profile(""), service_config(""));
    let field = "application/org.3gpp.mcptt.user-profile+xml";
    let init = "application/vnd.3gpp.mcptt-ue-init-config+xml";
    let ue = "application/vnd.3gpp.mcptt-ue-config+xml";
    let service = "application/vnd.3gpp.mcptt-service-config+xml";
    let policy = "application/auth-policy+xml";
    // Path, media type of the PUT and content, if it is stored; registered media type.
    for (path, put, registered) in [
        ("org.3gpp.mcptt.ue-init-config/global/a", Some((init, INIT)), init),
        ("org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1", None, init),
        ("org.3gpp.mcptt.ue-init-config/users/sip:urn:ue:1/urn:ue:1", None, init),
        ("org.3gpp.mcptt.ue-config/users/tel:+8210/ue-config", Some((ue, UE)), ue),
        ("org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1", Some((ue, UE)), ue),
        (
            "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile",
            Some((field, &profile)),
            "application/vnd.3gpp.mcptt-user-profile+xml",
        ),
        ("org.3gpp.mcptt.service-config/global/service-config.xml", Some((service, &config)), service),
        ("org.3gpp.mcptt.service-config/global/fire/service-config.xml", None, service),
        ("org.3gpp.mcptt.service-config/users/tel:+8210/service-config", None, service),
        (DIRECTORY.trim_start_matches('/'), None, "application/vnd.oma.xcap-directory+xml"),
        ("xcap-caps/global/index", None, "application/xcap-caps+xml"),
        (
            "resource-lists/users/tel:+8210/index",
            Some(("application/resource-lists+xml", LISTS)),
            "application/resource-lists+xml",
        ),
        (
            "rls-services/users/tel:+8210/index",
            Some(("application/rls-services+xml", SERVICES)),
            "application/rls-services+xml",
        ),
        ("pres-rules/users/tel:+8210/index", Some((policy, RULES)), policy),
        ("org.openmobilealliance.pres-rules/users/tel:+8210/pres-rules", Some((policy, RULES)), policy),
        (
            "org.openmobilealliance.pres-content/users/tel:+8210/oma_status-icon/a",
            Some(("application/vnd.oma.pres-content+xml", PICTURE)),
            "application/vnd.oma.pres-content+xml",
        ),
        (
            "pidf-manipulation/users/tel:+8210/index",
            Some(("application/pidf+xml", PRESENCE)),
            "application/pidf+xml",
        ),
    ] {
        let (client, target) = (world.administrator(), format!("/{path}"));
        if let Some((media_type, content)) = put {
            let stored = client.put(&target, media_type, content.to_owned()).await;
            assert_eq!(stored.status.as_u16(), 201, "{path} {}", stored.text());
        }
        let found = client.get(&target).await;
        let wanted = format!("{registered}; charset=\"utf-8\"");
        assert_eq!((found.status.as_u16(), found.header("content-type")), (200, wanted.as_str()), "{path}");
    }
}
