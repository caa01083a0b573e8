//! Groups as dispatchers change them and members see them.

use csc_tests::DANA;
use csc_tests::raw::{self, Answer};

use crate::Server;

mod crowd;
mod race;
mod watchers;

const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";

fn path(group: &str) -> String {
    format!("org.openmobilealliance.groups/global/byGroupID/{group}")
}

fn view(member: &str, group: &str) -> String {
    format!("org.openmobilealliance.groups/users/{member}/{group}")
}

/// A group with this name and these members.
fn document(group: &str, name: &str, members: &[String]) -> String {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"{member}\"/>")).collect();
    format!(
        "<group xmlns=\"urn:oma:xml:poc:list-service\"><list-service uri=\"{group}\"><display-name>{name}</display-name>\
         <list>{entries}</list></list-service></group>"
    )
}

/// A dispatcher's console.
struct Console {
    server: std::net::SocketAddr,
    ca: std::path::PathBuf,
    token: String,
}

impl Console {
    async fn at(server: &Server) -> Self {
        Self { server: server.https(), ca: server.site().ca(), token: server.token(DANA).await }
    }

    async fn send(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &str) -> Answer {
        let fields = [&[("access_token", self.token.as_str())], fields].concat();
        let request = raw::request(method, &format!("/{path}"), &fields, body.as_bytes());
        raw::exchange(self.server, &self.ca, &request).await
    }

    /// Stores a document and returns its ETag without quotes.
    async fn put(&self, path: &str, media_type: &str, document: &str) -> String {
        let answer = self.send("PUT", path, &[("Content-Type", media_type)], document).await;
        assert!(matches!(answer.status, 200 | 201), "{path}: {answer:?}");
        tag(&answer)
    }

    async fn delete(&self, path: &str) {
        let answer = self.send("DELETE", path, &[], "").await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
    }
}

/// The ETag without quotes.
fn tag(answer: &Answer) -> String {
    answer.header("etag").expect("an ETag").trim_matches('"').to_owned()
}
