//! Documents to try things on.

use csc_tests::raw::Answer;

use crate::call::{Call, shown, tag};
use crate::people::{KIM, Person};
use crate::world::World;

/// The usage without a schema.
pub(crate) const TEST_APP: &str = "test-app";
/// Its media type.
pub(crate) const TEST_TYPE: &str = "application/test-app+xml";
/// Its default namespace.
pub(crate) const TEST_NAMESPACE: &str = "test-app";

pub(crate) const GROUPS: &str = "org.openmobilealliance.groups";
pub(crate) const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";
pub(crate) const PROFILES: &str = "org.3gpp.mcptt.user-profile";
pub(crate) const PROFILE_TYPE: &str = "application/vnd.3gpp.mcptt-user-profile+xml";
pub(crate) const UE_CONFIG: &str = "org.3gpp.mcptt.ue-config";
pub(crate) const UE_CONFIG_TYPE: &str = "application/vnd.3gpp.mcptt-ue-config+xml";
pub(crate) const UE_INIT: &str = "org.3gpp.mcptt.ue-init-config";
pub(crate) const UE_INIT_TYPE: &str = "application/vnd.3gpp.mcptt-ue-init-config+xml";
pub(crate) const SERVICE_CONFIG: &str = "org.3gpp.mcptt.service-config";
pub(crate) const SERVICE_CONFIG_TYPE: &str = "application/vnd.3gpp.mcptt-service-config+xml";
pub(crate) const LISTS: &str = "resource-lists";
pub(crate) const LISTS_TYPE: &str = "application/resource-lists+xml";
pub(crate) const DIRECTORY_TYPE: &str = "application/vnd.oma.xcap-directory+xml";

/// A stored document.
pub(crate) struct Stored<'w> {
    world: &'w World,
    owner: Person,
    media_type: &'static str,
    /// Its target, with a slash in front.
    pub(crate) path: String,
}

impl World {
    /// A new document of Kim's in the usage without a schema: a root element with this content.
    pub(crate) async fn document(&self, content: &str) -> Stored<'_> {
        self.whole(&format!("<root xmlns=\"{TEST_NAMESPACE}\">{content}</root>")).await
    }

    /// The same with a content that brings its own root element.
    pub(crate) async fn whole(&self, document: &str) -> Stored<'_> {
        let path = self.free_path();
        self.store(KIM, path, TEST_TYPE, document).await
    }

    /// Stores a document.
    pub(crate) async fn store(
        &self,
        owner: Person,
        path: impl Into<String>,
        media_type: &'static str,
        document: &str,
    ) -> Stored<'_> {
        let stored = Stored { world: self, owner, media_type, path: path.into() };
        stored.replace(document).await;
        stored
    }

    /// A new group of the fire brigade with these members.
    pub(crate) async fn group(&self, members: &[&str]) -> (String, Stored<'_>) {
        let id = self.free_group();
        let path = format!("/{GROUPS}/global/byGroupID/{id}");
        let stored = self.store(crate::people::DANA, path, GROUP_TYPE, &group(&id, members)).await;
        (id, stored)
    }

    /// The name of a group that there is not.
    pub(crate) fn free_group(&self) -> String {
        format!("tel:+8257{:07}", 5_000_000 + self.number())
    }
}

impl<'w> Stored<'w> {
    /// The target of what `selector` selects. It goes over the wire as it is, but for blanks.
    pub(crate) fn at(&self, selector: &str) -> String {
        format!("{}/~~/{}", self.path, selector.replace(' ', "%20"))
    }

    /// A request of its owner for a node.
    pub(crate) fn node(&self, method: &'static str, selector: &str) -> Call<'w> {
        self.world.call(self.owner, method, self.at(selector))
    }

    /// A request of its owner for the whole.
    pub(crate) fn itself(&self, method: &'static str) -> Call<'w> {
        self.world.call(self.owner, method, self.path.clone())
    }

    /// What a selector selects; `None` for nothing, or for more than one node.
    pub(crate) async fn get(&self, selector: &str) -> Option<String> {
        let answer = self.node("GET", selector).is_one_of(&[200, 404]).await;
        (answer.status == 200).then(|| answer.text().to_owned())
    }

    /// Puts an element; the answer must have this status.
    pub(crate) async fn put(&self, selector: &str, element: &str, status: u16) -> Answer {
        self.node("PUT", selector).element(element).is(status).await
    }

    /// Stores another content.
    pub(crate) async fn replace(&self, document: &str) -> Answer {
        self.itself("PUT").body(self.media_type, document).is_one_of(&[200, 201]).await
    }

    /// Its content and its ETag.
    pub(crate) async fn state(&self) -> (String, String) {
        let answer = self.itself("GET").is(200).await;
        (answer.text().to_owned(), tag(&answer))
    }

    /// Its content must be this.
    pub(crate) async fn holds(&self, content: &str) {
        assert_eq!(self.state().await.0, content, "{}", self.path);
    }

    /// The content of its root element must be this.
    pub(crate) async fn root_holds(&self, content: &str) {
        self.holds(&format!("<root xmlns=\"{TEST_NAMESPACE}\">{content}</root>")).await;
    }

    /// Sends what must be refused with a status that `refused` accepts; nothing may have changed then.
    pub(crate) async fn stays(&self, call: &Call<'_>, refused: impl Fn(u16) -> bool) -> Answer {
        let before = self.state().await;
        let answer = call.send().await;
        assert!(refused(answer.status), "{}: {}", call.described(), shown(&answer));
        assert_eq!(self.state().await, before, "{}: {}", call.described(), shown(&answer));
        answer
    }
}

/// A group document.
pub(crate) fn group(id: &str, members: &[&str]) -> String {
    group_with(id, members, "")
}

/// A group document with further elements behind its list.
pub(crate) fn group_with(id: &str, members: &[&str], rest: &str) -> String {
    let entries: String = members.iter().map(|member| format!("<entry uri=\"{member}\"/>")).collect();
    format!(
        "<group xmlns=\"urn:oma:xml:poc:list-service\" xmlns:gi=\"urn:3gpp:ns:mcpttGroupInfo:1.0\">\
         <list-service uri=\"{id}\"><display-name>Pump 3</display-name><list>{entries}</list>{rest}</list-service></group>"
    )
}

/// Where a member sees a group.
pub(crate) fn view(member: &str, group: &str) -> String {
    format!("/{GROUPS}/users/{member}/{group}")
}

/// A user profile with these elements.
pub(crate) fn profile(user: &str, index: u8, elements: &str) -> String {
    format!(
        "<mcptt-user-profile xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" XUI-URI=\"{user}\" \
         user-profile-index=\"{index}\"><Name>Duty</Name>{elements}</mcptt-user-profile>"
    )
}

/// Resource lists with this content.
pub(crate) fn lists(content: &str) -> String {
    format!("<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">{content}</resource-lists>")
}
