//! Temporary groups.

use super::*;

const INFO: &str = "urn:3gpp:ns:mcpttGroupInfo:1.0";

struct Regrouped {
    world: World,
    temporary: GroupId,
    /// With members 0 and 1, and with 2 and 3.
    constituents: [GroupId; 2],
}

pub(super) fn temporary(group: &GroupId, constituents: &[GroupId]) -> String {
    let ids: String = constituents
        .iter()
        .map(|id| format!("<i:constituent-MCPTT-group-ID>{id}</i:constituent-MCPTT-group-ID>"))
        .collect();
    let more = format!(
        "<i:on-network-temporary xmlns:i='{INFO}'><i:constituent-MCPTT-group-IDs>{ids}\
         </i:constituent-MCPTT-group-IDs></i:on-network-temporary>"
    );
    document(group, [4], &more)
}

impl Regrouped {
    async fn new() -> Self {
        let constituents = ["tel:+71", "tel:+72"].map(|id| id.parse().unwrap());
        let new = Self { world: World::new(), temporary: "tel:+70".parse().unwrap(), constituents };
        let [one, other] = &new.constituents;
        new.world.put_as(one, &document(one, 0..2, "")).await.unwrap();
        new.world.put_as(other, &document(other, 2..4, "")).await.unwrap();
        new.world.settle().await;
        new
    }

    async fn form(&self, constituents: &[GroupId]) -> Result<(), Refusal> {
        self.world.put_as(&self.temporary, &temporary(&self.temporary, constituents)).await
    }

    /// The same, made by `creator`.
    async fn form_by(&self, constituents: &[GroupId], creator: Option<McpttId>) {
        let content = temporary(&self.temporary, constituents);
        let parsed = csc_xml::parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
        let digest = self.world.library.digest(&canonical(&self.temporary), &parsed).unwrap();
        let new = Stored(New { digest, content: content.clone().into(), created: true, dry_run: false });
        let put = async |change: Change<'_>| {
            let change = Change { creator: creator.as_ref(), ..change };
            self.world.library.put(change, &new).await.map(|_| ())
        };
        self.world.changing(&self.temporary, Action::Stored, put).await.unwrap();
    }

    async fn seen_by(&self, members: impl Fn(usize) -> bool) {
        self.world.assert_group_seen_by(&self.temporary, 7, members).await;
    }

    async fn says_regrouped(&self, group: &GroupId) -> bool {
        let content = self.world.content(group).await;
        content.contains(&format!("temporary-MCPTT-group-ID=\"{}\"", self.temporary))
    }

    /// Whether `user`, who is in no list, may read the temporary group.
    async fn reads(&self, user: usize) -> bool {
        let caller = Caller::User(User {
            id: member(user),
            org: "police".parse().unwrap(),
            roles: Roles::default(),
            ue_ids: Vec::new(),
        });
        let snapshot = self.world.library.look(&canonical(&self.temporary), &caller).await.unwrap();
        snapshot.membership != csc_xcap::access::Membership::Outsider
    }
}

#[tokio::test]
async fn formed_changed_and_torn_down() {
    let it = Regrouped::new().await;
    let [one, other] = &it.constituents;
    let before = it.world.content(one).await;
    it.form(&it.constituents).await.unwrap();
    it.world.settle().await;
    it.seen_by(|number| number < 5).await;
    assert!(it.says_regrouped(one).await && it.says_regrouped(other).await);
    assert!(it.reads(0).await && it.reads(3).await && it.reads(4).await && !it.reads(5).await);

    // Who joins a constituent, joins; who leaves, leaves.
    let marked = it.world.content(one).await;
    it.world.put_as(one, &marked.replace(member(1).as_str(), member(6).as_str())).await.unwrap();
    it.world.settle().await;
    it.seen_by(|number| number < 7 && number != 1 && number != 5).await;
    assert!(!it.reads(1).await && it.reads(6).await);

    // A constituent is released.
    it.form(std::slice::from_ref(one)).await.unwrap();
    it.world.settle().await;
    assert!(it.says_regrouped(one).await && !it.says_regrouped(other).await);
    it.seen_by(|number| [0, 4, 6].contains(&number)).await;

    it.world.delete_group(&it.temporary).await.unwrap();
    it.world.settle().await;
    it.seen_by(|_| false).await;
    assert_eq!(it.world.content(one).await, before.replace(member(1).as_str(), member(6).as_str()));
    let keys = [group_key(&it.temporary), regrouped_key(&it.temporary)];
    for record in it.world.store.get(partition(&it.temporary), &keys).await.unwrap() {
        assert_eq!(record.value, None, "nothing dangles");
    }
}

#[tokio::test]
async fn cut_off_anywhere_it_is_formed_and_torn_down() {
    for survived in 0.. {
        let it = Regrouped::new().await;
        let [one, other] = &it.constituents;
        let dying = || Arc::new(Dying { inner: it.world.store.clone(), left: AtomicUsize::new(survived) });
        it.form(&it.constituents).await.unwrap();
        let formed = it.world.settle_on(dying()).await.is_ok();
        // Changed before anybody went on.
        let changed = it.world.content(other).await.replace(member(3).as_str(), member(5).as_str());
        it.world.put_as(other, &changed).await.unwrap();
        it.world.settle().await;
        it.seen_by(|number| [0, 1, 2, 4, 5].contains(&number)).await;
        it.world.delete_group(&it.temporary).await.unwrap();
        let torn_down = it.world.settle_on(dying()).await.is_ok();
        it.world.settle().await;
        assert!(!it.says_regrouped(one).await && !it.says_regrouped(other).await);
        it.seen_by(|_| false).await;
        if formed && torn_down {
            return;
        }
    }
}

#[tokio::test]
async fn what_cannot_be_regrouped() {
    let it = Regrouped::new().await;
    let [one, other] = &it.constituents;
    let missing: GroupId = "tel:+79".parse().unwrap();
    for constituents in [vec![missing], vec![it.temporary.clone()]] {
        let refused = it.form(&constituents).await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{constituents:?} {refused:?}");
    }
    it.form(std::slice::from_ref(one)).await.unwrap();
    it.world.settle().await;
    // A temporary group, and one that is regrouped already, are no constituents.
    for constituent in [&it.temporary, one] {
        let second = "tel:+78".parse().unwrap();
        let refused = it.world.put_as(&second, &temporary(&second, std::slice::from_ref(constituent))).await;
        assert!(matches!(refused, Err(Refusal::Conflict(_))), "{constituent} {refused:?}");
    }
    // A constituent neither goes nor forgets that it is one.
    assert!(matches!(it.world.delete_group(one).await, Err(Refusal::Conflict(_))));
    assert!(matches!(it.world.put_as(one, &document(one, 0..2, "")).await, Err(Refusal::Conflict(_))));
    it.world.delete_group(other).await.unwrap();
}

/// A constituent goes before it was told, and another organisation takes its name: that group stays what it is.
#[tokio::test]
async fn nobody_regroups_groups_of_others() {
    let it = Regrouped::new().await;
    let [one, other] = &it.constituents;
    it.form(&it.constituents).await.unwrap();
    it.world.delete_group(one).await.unwrap();
    it.world.settle().await;
    it.seen_by(|number| [2, 3, 4].contains(&number)).await;
    let content = document(one, 5..7, "");
    let parsed = csc_xml::parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
    let digest = it.world.library.digest(&canonical(one), &parsed).unwrap();
    let new = Stored(New { digest, content: content.clone().into(), created: true, dry_run: false });
    let police = "police".parse().unwrap();
    let put = async |change: Change<'_>| {
        it.world.library.put(Change { organisation: &police, ..change }, &new).await.map(|_| ())
    };
    it.world.changing(one, Action::Stored, put).await.unwrap();
    it.world.settle().await;
    // The temporary group still names it, and is changed.
    it.form(&it.constituents).await.unwrap();
    it.world.settle().await;
    assert_eq!(it.world.content(one).await, content);
    assert!(it.says_regrouped(other).await);
    it.seen_by(|number| [2, 3, 4].contains(&number)).await;
    assert!(!it.reads(5).await);
    // Not even if it says so itself; and nobody but its owner has a say in it.
    let claim =
        format!("<i:on-network-regrouped xmlns:i='{INFO}' temporary-MCPTT-group-ID='{}'/>", it.temporary);
    it.world.put_as(one, &document(one, 5..7, &claim)).await.unwrap();
    it.form(&it.constituents).await.unwrap();
    it.world.settle().await;
    it.seen_by(|number| [2, 3, 4].contains(&number)).await;
    assert!(!it.reads(5).await);
    it.world.delete_group(one).await.unwrap();
    it.world.delete_group(&it.temporary).await.unwrap();
    it.world.settle().await;
    assert!(!it.says_regrouped(other).await);
}

#[tokio::test]
async fn constituents_are_told_of_each_other_and_of_a_maker_that_is_gone() {
    for survived in 0.. {
        let it = Regrouped::new().await;
        let [one, other] = &it.constituents;
        it.world.account(5, true).await;
        it.form_by(&it.constituents[..1], Some(member(5))).await;
        it.world.settle().await;
        it.form(&it.constituents).await.unwrap();
        let dying = || Arc::new(Dying { inner: it.world.store.clone(), left: AtomicUsize::new(survived) });
        let formed = it.world.settle_on(dying()).await.is_ok();
        it.world.settle().await;
        let said = async |group| {
            let content = it.world.content(group).await;
            let parsed = csc_xml::parse(content.as_bytes(), &Limits::DEFAULT).unwrap();
            let said = parsed.descendants().find(|node| node.has_tag_name((INFO, "on-network-regrouped")));
            let by = said.unwrap().attribute("temporary-MCPTT-group-requestor").unwrap().to_owned();
            let ids: Vec<String> = said
                .unwrap()
                .descendants()
                .filter(|node| node.has_tag_name((INFO, "constituent-MCPTT-group-ID")))
                .map(|node| node.text().unwrap().to_owned())
                .collect();
            (by, ids)
        };
        let both = vec![one.to_string(), other.to_string()];
        for group in [one, other] {
            assert_eq!(said(group).await, (member(5).to_string(), both.clone()));
        }
        it.world.account(5, false).await;
        let gone = it.world.settle_on(dying()).await.is_ok();
        it.world.settle().await;
        for group in [one, other] {
            assert_eq!(said(group).await, ("sip:anonymous@anonymous.invalid".to_owned(), both.clone()));
        }
        it.seen_by(|number| number < 5).await;
        if formed && gone {
            return;
        }
    }
}
