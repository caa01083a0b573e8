//! Which schemas are compared, with which documents.

use std::path::PathBuf;

use csc_test_support::shared;

/// A set of schema files and documents that follow them.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Files and their texts; all of them make the schema.
    pub(crate) schema: Vec<(String, String)>,
    pub(crate) documents: Vec<String>,
    /// For schemas of ours, the reference for the same documents.
    pub(crate) reference: Option<&'static str>,
}

/// Namespaces that reference files import and nobody has, as far as the documents here need them.
const MISSING: &[(&str, &str)] = &[
    (
        "xmldsig.xsd",
        "<schema xmlns='http://www.w3.org/2001/XMLSchema' targetNamespace='http://www.w3.org/2000/09/xmldsig#'>\
         <element name='Signature'/></schema>",
    ),
    (
        "xmlenc.xsd",
        "<schema xmlns='http://www.w3.org/2001/XMLSchema' targetNamespace='http://www.w3.org/2001/04/xmlenc#'>\
         <element name='EncryptedKey'/></schema>",
    ),
    (
        "krr.xsd",
        "<schema xmlns='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:3gpp:ns:mcsecKMSKRR:1.0'>\
         <complexType name='KmsRedirectResponseType'><sequence><any processContents='lax' minOccurs='0' \
         maxOccurs='unbounded'/></sequence></complexType></schema>",
    ),
];

/// Name, schema files and documents. Schema files are those of the reference collection, with `own/` those of this
/// repository, with `test/` those of this test; `xml.xsd` comes with each.
const CASES: &[(&str, &[&str], &[&str])] = &[
    ("features", &["test/features.xsd"], &["features.xml"]),
    (
        "group",
        &[
            "RECONSTRUCTED-list-service.xsd",
            "openxcap-resource-lists.xsd",
            "openxcap-common-policy.xsd",
            "mcpttGroupInfo.xsd",
            "RECONSTRUCTED-xdm-extensions.xsd",
        ],
        &["group.xml", "examples/group-24481-conformant.xml", "examples/seed-group-quotes-fixed.xml"],
    ),
    (
        "user-profile",
        &["mcptt-user-profile.xsd", "openxcap-common-policy.xsd"],
        &["user-profile.xml", "examples/mcptt-user-profile-conformant.xml"],
    ),
    ("ue-config", &["ue-config.xsd"], &["ue-config.xml", "examples/ue-config-conformant.xml"]),
    ("ue-init-config", &["ue-init-config.xsd"], &["ue-init-config.xml"]),
    ("service-config", &["Servconf.xsd"], &["service-config.xml", "examples/service-config-conformant.xml"]),
    ("resource-lists", &["openxcap-resource-lists.xsd"], &["resource-lists.xml"]),
    ("rls-services", &["openxcap-rls-services.xsd", "openxcap-resource-lists.xsd"], &["rls-services.xml"]),
    (
        "pres-rules",
        &["openxcap-common-policy.xsd", "pres-rules.xsd", "oma-pres-rules.xsd"],
        &["pres-rules.xml"],
    ),
    ("xcap-caps", &["xcap-caps.xsd"], &["xcap-caps.xml"]),
    ("xcap-directory", &["OMA-SUP-XSD_xdm_xcapDirectory-V1_0_3-20160503-A.xsd"], &["xcap-directory.xml"]),
    (
        "xcap-error",
        &["xcap-error.xsd"],
        &["xcap-error.xml", "xcap-error-parent.xml", "xcap-error-extension.xml"],
    ),
    ("xcap-diff", &["RECONSTRUCTED-xcap-diff.xsd"], &["xcap-diff.xml", "examples/xcap-diff-examples.xml"]),
    ("search", &["OMA-SUP-XSD_xdm_search-V1_0_1-20160503-A.xsd"], &["search.xml"]),
    (
        "access",
        &["OMA-SUP-XSD_xdm_access_permissions-V1_0_1-20160503-A.xsd", "openxcap-common-policy.xsd"],
        &["access.xml"],
    ),
    (
        "history",
        &["OMA-SUP-XSD_xdm_modification_history-V1_0_1-20160503-A.xsd", "RECONSTRUCTED-xcap-diff.xsd"],
        &["history.xml"],
    ),
    ("oma-profile", &["OMA-SUP-XSD_xdm_userProfile-V1_0-20070724-C.xsd"], &["oma-profile.xml"]),
    (
        "kms",
        &["kms-interface-33180-D351.xsd"],
        &["kms.xml", "kms-init.xml", "examples/kms-keyprov-conformant.xml"],
    ),
    ("group-keys", &["mcpttgktp-24481-j30.xsd"], &["group-keys.xml"]),
    ("mcptt-info", &["mcpttinfo-24379-k00-core.xsd", "mcpttgktp-24481-j30.xsd"], &["mcptt-info.xml"]),
    (
        "own group",
        &[
            "own/list-service.xsd",
            "own/resource-lists.xsd",
            "own/common-policy.xsd",
            "own/group-info.xsd",
            "own/xdm-extensions.xsd",
        ],
        &["group.xml"],
    ),
    ("own user-profile", &["own/user-profile.xsd", "own/common-policy.xsd"], &["user-profile.xml"]),
    ("own ue-config", &["own/ue-config.xsd"], &["ue-config.xml"]),
    ("own ue-init-config", &["own/ue-init-config.xsd"], &["ue-init-config.xml"]),
    ("own service-config", &["own/service-config.xsd"], &["service-config.xml"]),
    ("own resource-lists", &["own/resource-lists.xsd"], &["resource-lists.xml"]),
    ("own rls-services", &["own/rls-services.xsd", "own/resource-lists.xsd"], &["rls-services.xml"]),
    (
        "own pres-rules",
        &["own/common-policy.xsd", "own/pres-rules.xsd", "own/oma-pres-rules.xsd"],
        &["pres-rules.xml"],
    ),
    ("own pidf", &["own/pidf.xsd"], &["pidf.xml"]),
    ("own xcap-caps", &["own/xcap-caps.xsd"], &["xcap-caps.xml"]),
    ("own xcap-directory", &["own/xcap-directory.xsd"], &["xcap-directory.xml"]),
    ("own xcap-error", &["own/xcap-error.xsd"], &["xcap-error.xml", "xcap-error-parent.xml"]),
];

/// All cases; `None` if reference data is missing.
pub(crate) fn all(test: &str) -> Option<Vec<Case>> {
    let schemas = shared(test, "schemas")?;
    let examples = shared(test, "examples")?;
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let read = |path: PathBuf| {
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.trim_start_matches('\u{FEFF}').to_owned()
    };
    let mut cases = Vec::new();
    for (name, files, documents) in CASES {
        let mut schema: Vec<(String, String)> =
            vec![("xml.xsd".to_owned(), read(schemas.join("openxcap-xml.xsd")))];
        for file in *files {
            let path = match file.split_once('/') {
                Some(("own", file)) => here.join("../xcap/schemas").join(file),
                Some((_, file)) => here.join("tests/samples").join(file),
                None => schemas.join(file),
            };
            let short = file.rsplit('/').next().unwrap_or(file);
            schema.push((short.to_owned(), read(path)));
        }
        if *name == "kms" {
            schema.extend(MISSING.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned())));
        }
        let documents = documents
            .iter()
            .map(|file| match file.strip_prefix("examples/") {
                Some(file) => read(examples.join(file)),
                None => read(here.join("tests/samples").join(file)),
            })
            .collect();
        let reference = name.strip_prefix("own ").filter(|name| *name != "pidf");
        cases.push(Case { name, schema, documents, reference });
    }
    Some(cases)
}
