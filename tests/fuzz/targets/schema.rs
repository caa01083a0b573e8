//! Documents of every usage, by schema and constraints. The first octet says of which.
#![no_main]

use std::sync::LazyLock;

use csc_xcap::{Document, Names};
use csc_xml::{Limits, parse};
use libfuzzer_sys::fuzz_target;

static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let names = Names::of("default".parse().expect("an organisation"));
    [
        "org.openmobilealliance.groups/global/byGroupID/tel:g1",
        "org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1",
        "org.3gpp.mcptt.ue-config/users/tel:+1/ue-config",
        "org.3gpp.mcptt.user-profile/users/tel:+1/mcptt-user-profile-1.xml",
        "org.3gpp.mcptt.service-config/global/service-config.xml",
        "resource-lists/users/sip:a@example.org/index",
        "rls-services/users/sip:a@example.org/index",
        "pres-rules/users/sip:a@example.org/index",
        "org.openmobilealliance.pres-rules/users/sip:a@example.org/pres-rules",
        "pidf-manipulation/users/sip:a@example.org/index",
        "org.openmobilealliance.pres-content/users/sip:a@example.org/oma_status-icon/a",
        "test-app/users/sip:a@example.org/index",
    ]
    .into_iter()
    .map(|path| names.document_at(path).unwrap_or_else(|| panic!("{path}")))
    .collect()
});

fuzz_target!(|octets: &[u8]| {
    let Some((which, content)) = octets.split_first() else { return };
    let at = usize::from(which.wrapping_sub(b'a')) % DOCUMENTS.len();
    let Some(place) = DOCUMENTS.get(at) else { return };
    let _ = place.usage.content(content);
    let Ok(document) = parse(content, &Limits::DEFAULT) else { return };
    let checked = place.usage.check(place, &document);
    assert_eq!(checked, place.usage.check(place, &document));
    if let Err(conflict) = checked {
        parse(conflict.to_xml().as_bytes(), &Limits::DEFAULT).expect("a report is a document");
    }
});
