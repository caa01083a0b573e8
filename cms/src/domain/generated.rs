//! The documents that are generated.

use bytes::Bytes;
use csc_types::Etag;
use csc_xcap::usage::{CAPABILITIES, DIRECTORY, Form, Usage};
use csc_xcap_server::{RootUrl, Stored};
use csc_xml::Writer;
use sha2::{Digest, Sha256};

/// The documents of one usage in a directory, by their canonical paths.
pub(crate) struct Folder {
    pub(crate) usage: &'static Usage,
    pub(crate) entries: Vec<(String, Etag)>,
    /// Whether the folder says how many entries it has.
    pub(crate) counted: bool,
}

/// A user's directory (OMA XDM 2.1 core 5.6.1). `prefix`: the path of the XCAP root by which it was asked for.
pub(crate) fn directory(url: &RootUrl, prefix: &str, folders: &[Folder]) -> Stored {
    let mut out = Writer::document();
    out.open("xcap-directory").attribute("xmlns", DIRECTORY.namespace);
    for folder in folders.iter().filter(|folder| !folder.entries.is_empty()) {
        out.open("folder").attribute("auid", folder.usage.auid);
        if folder.counted {
            out.attribute("entry-count", &folder.entries.len().to_string());
        }
        for (path, etag) in &folder.entries {
            let uri = url.join(prefix, path);
            out.open("entry").attribute("uri", &uri).attribute("etag", etag.as_str()).close();
        }
        out.close();
    }
    generated(out.finish().into())
}

/// What the installation can do (RFC 4825 section 12): these usages, and the namespaces of their documents.
pub(crate) fn capabilities(usages: &[&Usage]) -> Stored {
    let mut namespaces: Vec<&str> = Vec::new();
    for usage in usages {
        let root = match usage.form {
            Form::Element(namespace, _) => Some(namespace),
            Form::AnyXml | Form::Pictures => None,
        };
        for namespace in root.into_iter().chain([usage.namespace]) {
            if !namespaces.contains(&namespace) {
                namespaces.push(namespace);
            }
        }
    }
    let mut out = Writer::document();
    out.open("xcap-caps").attribute("xmlns", CAPABILITIES.namespace);
    out.open("auids");
    for usage in usages {
        out.open("auid").text(usage.auid).close();
    }
    // None of the extensions that are registered with IANA.
    out.close().open("extensions").close().open("namespaces");
    for namespace in namespaces {
        out.open("namespace").text(namespace).close();
    }
    generated(out.finish().into())
}

/// A generated document is the same as long as its octets are: nobody is told of its changes, so the chain of tags
/// that stored documents have has no meaning here.
pub(crate) fn generated(content: Bytes) -> Stored {
    let digest = Sha256::digest(&content);
    let etag = hex::encode(&digest[..16]).parse().expect("hex digits make an Etag");
    Stored { etag, content }
}

#[cfg(test)]
mod tests {
    use csc_xcap::usage::{GROUPS, USAGES};
    use csc_xml::{Limits, parse};

    use super::*;

    fn follows_its_schema(usage: &Usage, stored: &Stored) {
        let document = parse(&stored.content, &Limits::DEFAULT).unwrap();
        assert_eq!(usage.schema.unwrap()().validate(&document), Ok(()));
    }

    #[test]
    fn directories() {
        let url: RootUrl = "https://csc.example.org:4420".parse().unwrap();
        let tag: Etag = "1-2".parse().unwrap();
        let entries = vec![("org.openmobilealliance.groups/users/tel:+1/sip:a&b@x".to_owned(), tag)];
        let folders = [
            Folder { usage: &CAPABILITIES, entries: Vec::new(), counted: false },
            Folder { usage: &GROUPS, entries, counted: true },
        ];
        let stored = directory(&url, "/Org/A/", &folders);
        assert_eq!(
            std::str::from_utf8(&stored.content).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <xcap-directory xmlns=\"urn:oma:xml:xdm:xcap-directory\">\
             <folder auid=\"org.openmobilealliance.groups\" entry-count=\"1\">\
             <entry uri=\"https://csc.example.org:4420/Org/A/org.openmobilealliance.groups/users/tel:+1/sip:a&amp;b@x\" \
             etag=\"1-2\"/></folder></xcap-directory>"
        );
        follows_its_schema(&DIRECTORY, &stored);
        let empty = directory(&url, "", &[]);
        follows_its_schema(&DIRECTORY, &empty);
        assert_ne!(empty.etag, stored.etag);
        assert!(empty.content.ends_with(b"<xcap-directory xmlns=\"urn:oma:xml:xdm:xcap-directory\"/>"));
    }

    #[test]
    fn capabilities_list_themselves() {
        let stored = capabilities(&USAGES);
        follows_its_schema(&CAPABILITIES, &stored);
        let document = parse(&stored.content, &Limits::DEFAULT).unwrap();
        let has = |text: &str| document.descendants().any(|node| node.text() == Some(text));
        assert!(
            has("xcap-caps")
                && has("urn:ietf:params:xml:ns:xcap-caps")
                && has("org.openmobilealliance.groups")
        );
    }
}
