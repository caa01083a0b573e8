//! Who may see a user's presence (RFC 5025 on RFC 4745), by its two names.

use std::collections::HashSet;

use csc_xml::{Node, attribute, children};

use super::{Form, Keeper, MOST_EXISTS, Request, Usage, of_user, schemas};
use crate::document::{Document, Place};
use crate::error::{Conflict, Exists};

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
        resolve,
        constraints,
    }
}

fn resolve(request: &Request<'_>) -> Option<Place> {
    of_user(request)
}

/// The `id` of a rule is its own (RFC 4745 section 7.1).
fn constraints(_: &Document, root: Node<'_, '_>) -> Result<(), Conflict> {
    let mut seen = HashSet::new();
    let mut twice = Vec::new();
    for (position, rule) in (1..).zip(children(root, COMMON_POLICY, "rule")) {
        if let Some(id) = attribute(rule, "id")
            && !seen.insert(id.trim())
            && twice.len() < MOST_EXISTS
        {
            let field = format!("cp:ruleset/cp:rule%5B{position}%5D/@id?xmlns(cp={COMMON_POLICY})");
            twice.push(Exists { field, alt_values: Vec::new() });
        }
    }
    if twice.is_empty() { Ok(()) } else { Err(Conflict::UniquenessFailure(twice)) }
}

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;
    use crate::Names;

    #[test]
    fn rules_have_ids_of_their_own() {
        let names = Names::of("default".parse().unwrap());
        let document =
            names.document_at("org.openmobilealliance.pres-rules/users/sip:a@b/pres-rules").unwrap();
        let check = |ids: [&str; 2]| {
            let rules = ids.map(|id| format!("<c:rule id='{id}'/>")).concat();
            let content = format!("<c:ruleset xmlns:c='{COMMON_POLICY}'>{rules}</c:ruleset>");
            constraints(&document, parse(content.as_bytes(), &Limits::DEFAULT).unwrap().root_element())
        };
        assert_eq!(check(["a", "b"]), Ok(()));
        let field = "cp:ruleset/cp:rule%5B2%5D/@id?xmlns(cp=urn:ietf:params:xml:ns:common-policy)";
        assert_eq!(
            check(["a", " a"]),
            Err(Conflict::UniquenessFailure(vec![Exists {
                field: field.to_owned(),
                alt_values: Vec::new()
            }]))
        );
    }
}
