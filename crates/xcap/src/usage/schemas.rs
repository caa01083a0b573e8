//! The schemas of documents, compiled when the first one is judged. Their files are `schemas/*.xsd` of this crate.

use std::sync::LazyLock;

use csc_xsd::Schema;

/// A schema made of files of this crate.
macro_rules! schema {
    ($(#[$doc:meta])* $name:ident: $($file:literal),+) => {
        $(#[$doc])*
        pub(super) static $name: LazyLock<Schema> = LazyLock::new(|| {
            let files = [$(($file, include_str!(concat!("../../schemas/", $file)))),+];
            Schema::compile(&files).expect("the tests compile every schema of this crate")
        });
    };
}

schema!(
    /// Group documents: what TS 24.481 adds stands where other namespaces are let in.
    GROUPS: "list-service.xsd", "resource-lists.xsd", "group-info.xsd", "xdm-extensions.xsd", "common-policy.xsd"
);
schema!(
    /// User profiles, with their rules.
    USER_PROFILE: "user-profile.xsd", "common-policy.xsd"
);
schema!(UE_CONFIG: "ue-config.xsd");
schema!(UE_INIT_CONFIG: "ue-init-config.xsd");
schema!(SERVICE_CONFIG: "service-config.xsd");
schema!(RESOURCE_LISTS: "resource-lists.xsd");
schema!(RLS_SERVICES: "rls-services.xsd", "resource-lists.xsd");
schema!(
    /// Presence rules: a policy with actions and transformations of two other namespaces.
    PRES_RULES: "common-policy.xsd", "pres-rules.xsd", "oma-pres-rules.xsd"
);
schema!(PIDF: "pidf.xsd");
schema!(DIRECTORY: "xcap-directory.xsd");
schema!(CAPABILITIES: "xcap-caps.xsd");
schema!(
    #[cfg(test)]
    ERROR: "xcap-error.xsd"
);

#[cfg(test)]
mod tests {
    use csc_xml::{Limits, parse};

    use super::*;
    use crate::error::{Conflict, Exists};

    fn check(schema: &Schema, content: &str) -> Result<(), String> {
        let document = parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
        schema.validate(&document).map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn all_compile() {
        for schema in [
            &GROUPS,
            &USER_PROFILE,
            &UE_CONFIG,
            &UE_INIT_CONFIG,
            &SERVICE_CONFIG,
            &RESOURCE_LISTS,
            &RLS_SERVICES,
            &PRES_RULES,
            &PIDF,
            &DIRECTORY,
            &CAPABILITIES,
            &ERROR,
        ] {
            assert!(check(schema, "<a/>").unwrap_err().contains("is not declared as a root"));
        }
    }

    #[test]
    fn rules_have_ids_of_their_own() {
        let policy = |ids: [&str; 2]| {
            let rules = ids.map(|id| format!("<rule id='{id}'/>")).concat();
            format!("<ruleset xmlns='urn:ietf:params:xml:ns:common-policy'>{rules}</ruleset>")
        };
        for schema in [&PRES_RULES, &GROUPS, &USER_PROFILE] {
            assert_eq!(check(schema, &policy(["a", "b"])), Ok(()));
            assert!(check(schema, &policy(["a", " a"])).unwrap_err().contains("identifier"));
        }
    }

    #[test]
    fn reports_follow_their_schema() {
        for conflict in [
            Conflict::NotUtf8,
            Conflict::NotWellFormed("a".to_owned()),
            Conflict::SchemaValidationError("a".to_owned()),
            Conflict::ConstraintFailure("a".to_owned()),
            Conflict::NotXmlFrag,
            Conflict::NotXmlAttValue,
            Conflict::CannotInsert,
            Conflict::CannotDelete,
            Conflict::NoParent { ancestor: None },
            Conflict::NoParent { ancestor: Some("http://a/b%5b1%5d?c&d".to_owned()) },
            Conflict::UniquenessFailure(vec![
                Exists { field: "a/@b".to_owned(), alt_values: vec!["c".to_owned(), "<".to_owned()] },
                Exists { field: "d".to_owned(), alt_values: Vec::new() },
            ]),
        ] {
            assert_eq!(check(&ERROR, &conflict.to_xml()), Ok(()));
        }
    }
}
