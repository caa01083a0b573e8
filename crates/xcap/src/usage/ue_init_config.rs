//! Initial configuration of terminals (TS 24.484 clause 7.2): what a terminal asks for before anybody has logged in.
//!
//! A document `users/<UE ID>/<UE ID>`, also `users/sip:<UE ID>/<UE ID>`, is generated for the terminal from a template
//! ("master document") of an organisation: `global/<org>/<name>`, without `<org>` that of the XCAP root or the default one.
//! The standard keeps templates in the trees of administrators; here they are the organisation's, so that they do not go
//! with the administrator, and a terminal of which nothing else is known finds them.

use csc_types::UeId;

use super::{Form, Keeper, Request, Tree, Usage, of_organisation, schemas, stands_in_a_path, unconstrained};
use crate::document::Place;

const NAMESPACE: &str = "urn:3gpp:mcptt:mcpttUEinitConfig:1.0";

/// `org.3gpp.mcptt.ue-init-config`
pub static UE_INIT_CONFIG: Usage = Usage {
    auid: "org.3gpp.mcptt.ue-init-config",
    media_type: "application/vnd.3gpp.mcptt-ue-init-config+xml",
    other_media_types: &["application/org.3gpp.mcptt.ue-init-config+xml"],
    namespace: NAMESPACE,
    form: Form::Element(NAMESPACE, "mcptt-UE-initial-configuration"),
    schema: Some(|| &schemas::UE_INIT_CONFIG),
    keeper: Keeper::Administrators,
    resolve,
    constraints: unconstrained,
};

fn resolve(request: &Request<'_>) -> Option<Place> {
    match (request.tree, request.names) {
        (Tree::Users, [tree, name]) => {
            let ue: UeId = name.parse().ok()?;
            let same = *tree == ue.as_str()
                || tree
                    .split_once(':')
                    .is_some_and(|(scheme, rest)| scheme.eq_ignore_ascii_case("sip") && rest == ue.as_str());
            (same && stands_in_a_path(name))
                .then(|| Place::InitialConfig { ue, organisation: request.whose().clone() })
        }
        _ => of_organisation(request),
    }
}
