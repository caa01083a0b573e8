//! Who may see a user's presence (RFC 5025 on RFC 4745), by its two names.

use super::{Form, Keeper, Usage, of_user, schemas, unconstrained};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:pres-rules";
const COMMON_POLICY: &str = "urn:ietf:params:xml:ns:common-policy";

/// `pres-rules`
pub static PRES_RULES: Usage = usage("pres-rules");

/// `org.openmobilealliance.pres-rules`
pub static OMA_PRES_RULES: Usage = usage("org.openmobilealliance.pres-rules");

const fn usage(auid: &'static str) -> Usage {
    Usage {
        auid,
        media_type: "application/auth-policy+xml",
        other_media_types: &[],
        namespace: NAMESPACE,
        form: Form::Element(COMMON_POLICY, "ruleset"),
        schema: Some(|| &schemas::PRES_RULES),
        keeper: Keeper::User,
        resolve: of_user,
        constraints: unconstrained,
    }
}
