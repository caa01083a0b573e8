//! L1 and L2: where the dialect is served, to whom, and how it answers.

use csc_types::McpttId;
use http::{Method, StatusCode};

use super::world::{GROUPS, World, group};
use crate::world::GROUP_TYPE;

#[tokio::test]
async fn l1_auids_in_any_case_below_the_root() {
    let world = World::new().await;
    assert_eq!(world.group(1, "Team", &[1]).await.status, StatusCode::CREATED);
    for auid in
        ["ORG.OPENMOBILEALLIANCE.GROUPS", "org.openmobilealliance.groups", "Org.OpenMobileAlliance.Groups"]
    {
        let target = format!("/glms-services/{auid}/users/tel:+821/tel:91");
        let answer = world.terminal(1).get(&target).await;
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::OK, group(1, "Team", &[1]).as_str()),
            "{auid}"
        );
        let name = world.terminal(1).get(&format!("{target}/~~/group/list-service/display-name")).await;
        assert_eq!(name.text(), "<display-name>Team</display-name>");
        assert_eq!(name.header("content-type"), "application/xcap-el+xml; charset=\"utf-8\"");
    }
    for auid in ["group-association/users/tel:+821/index", "GROUP-Association/users/tel%3A%2B821/index"] {
        assert_eq!(
            world.terminal(1).get(&format!("/glms-services/{auid}")).await.status,
            StatusCode::OK,
            "{auid}"
        );
    }
    for missing in [
        "",
        "/",
        "/XCAP-CAPS/global/index",
        "/GROUP-ASSOCIATION/users/tel:+821/other",
        "/MULTICAST-INFO/global/index",
    ] {
        let answer = world.terminal(1).get(&format!("/glms-services{missing}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{missing}");
    }
    assert_eq!(world.terminal(1).get("/glms-services/%zz").await.status, StatusCode::BAD_REQUEST);
    // What is stored by one name is there by the other, for a standard client.
    let standard = world.bench.client(&world.parts.mounts[0], "tel:+821");
    let answer = standard.get("/org.openmobilealliance.groups/users/tel:+821/tel:91").await;
    assert_eq!(answer.text(), group(1, "Team", &[1]));
    let shouted = standard.get("/ORG.OPENMOBILEALLIANCE.GROUPS/users/tel:+821/tel:91").await;
    assert_eq!(shouted.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn l1_status_codes() {
    let world = World::new().await;
    let created = world.group(1, "Team", &[1]).await;
    let (mine, own) = (format!("{GROUPS}/users/tel:+821/tel:91"), format!("{GROUPS}/users/tel:+824/tel:91"));
    let (member, dispatcher, outsider) = (world.terminal(1), world.terminal(4), world.terminal(2));
    assert_eq!((created.status, created.header("etag").is_empty()), (StatusCode::CREATED, false));
    let replaced = dispatcher.put(&own, GROUP_TYPE, group(1, "Crew", &[1])).await;
    assert_eq!((replaced.status, replaced.text()), (StatusCode::OK, ""));

    let tag = replaced.etag();
    let fresh = member.send(Method::GET, &mine, &[("if-none-match", &tag)], "").await;
    assert_eq!((fresh.status, fresh.etag()), (StatusCode::NOT_MODIFIED, tag.clone()));
    let bare = tag.trim_matches('"');
    assert_eq!(member.send(Method::GET, &mine, &[("if-none-match", bare)], "").await.status, 304);
    let stale = [("if-match", "\"1-1\""), ("content-type", GROUP_TYPE)];
    for (answer, status) in [
        (outsider.get(&format!("{GROUPS}/users/tel:+822/tel:91")).await, 403),
        (dispatcher.get(&format!("{GROUPS}/users/tel:+824/tel:99")).await, 404),
        (member.put(&mine, GROUP_TYPE, group(1, "Mine", &[1])).await, 405),
        (member.send(Method::PATCH, &mine, &[], "").await, 405),
        (dispatcher.put(&own, GROUP_TYPE, "<a>").await, 409),
        (dispatcher.send(Method::PUT, &own, &stale, group(1, "Late", &[1])).await, 412),
        (dispatcher.put(&own, "text/plain", group(1, "Plain", &[1])).await, 415),
    ] {
        assert_eq!(answer.status.as_u16(), status);
        match status {
            409 => assert_eq!(answer.header("content-type"), "application/xcap-error+xml"),
            _ => assert_eq!(
                (answer.header("content-type"), answer.header("content-length"), answer.text()),
                ("text/plain; charset=ISO-8859-1", "0", "")
            ),
        }
    }
    assert_eq!(member.get(&mine).await.etag(), tag);
    // What is not answered with 501 here: the method is one that the dialect does not have for this.
    let question = "<document xmlns=\"urn:3gpp:ns:mcpttGMOP:1.0\"><request><other/></request></document>";
    let gmop = [("content-type", "application/vnd.3gpp.GMOP+xml")];
    let asked =
        member.send(Method::POST, &format!("{GROUPS}/global/byGroupID/tel:91"), &gmop, question).await;
    assert_eq!((asked.status, asked.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
    let element = format!("{own}/~~/group/list-service/display-name");
    let renamed =
        dispatcher.put(&element, "application/xcap-el+xml", "<display-name>New</display-name>").await;
    assert_eq!(renamed.status, StatusCode::OK);
    assert_eq!(member.get(&mine).await.text(), group(1, "New", &[1]));
    assert_eq!(dispatcher.delete(&own).await.status, StatusCode::OK);
    assert_eq!(dispatcher.get(&own).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn l1_202_while_the_members_do_not_see_it_yet() {
    let world = World::with(&[("CSC_GLMS_ACCEPT_AFTER", "0s")]).await;
    let accepted = world.group(1, "Team", &[1]).await;
    assert_eq!((accepted.status, accepted.text()), (StatusCode::ACCEPTED, ""));
    // It is stored all the same, and who asks for the document itself gets it.
    let answer = world.terminal(1).get(&format!("{GROUPS}/users/tel:+821/tel:91")).await;
    assert_eq!((answer.status, answer.etag()), (StatusCode::OK, accepted.etag()));
    // What is refused is not accepted.
    assert_eq!(
        world.terminal(1).put(&format!("{GROUPS}/users/tel:+821/tel:91"), GROUP_TYPE, "").await.status,
        405
    );
}

#[tokio::test]
async fn l1_off_by_default_and_the_root_is_a_setting() {
    let off = World::with(&[("CSC_GLMS_ENABLED", "false")]).await;
    let segments: Vec<_> = off.parts.mounts.iter().flat_map(|mount| &mount.segments).collect();
    assert_eq!(segments, ["org.openmobilealliance.groups"]);

    let world = World::with(&[("CSC_GLMS_ROOT", "/lists")]).await;
    let terminal = world.named("tel:+821");
    assert_eq!(terminal.get("/lists/GROUP-ASSOCIATION/users/tel:+821/index").await.status, StatusCode::OK);
    assert_eq!(terminal.get("/glms-services/GROUP-ASSOCIATION/users/tel:+821/index").await.status, 404);
}

#[tokio::test]
async fn l2_the_version_is_required() {
    let world = World::with(&[]).await;
    let target = "/glms-services/GROUP-ASSOCIATION/users/tel:+821/index";
    let bare = world.terminal(1).without("glmsclientversion");
    assert_eq!(bare.get(target).await.status, StatusCode::BAD_REQUEST);
    for version in ["11.02", "", "11.01, 11.01", "11"] {
        let answer = bare.clone().with("glmsclientversion", version).get(target).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{version}");
    }
    let twice = world.terminal(1).with("glmsclientversion", "11.01").get(target).await;
    assert_eq!(twice.status, StatusCode::BAD_REQUEST);
    assert_eq!(bare.with("glmsclientversion", " 11.01 ").get(target).await.status, StatusCode::OK);

    let world = World::with(&[("CSC_GLMS_VERSION_HEADER", "GLMS-Group-Version")]).await;
    assert_eq!(world.terminal(1).get(target).await.status, StatusCode::BAD_REQUEST);
    let other = world.terminal(1).with("glms-group-version", "11.01").get(target).await;
    assert_eq!(other.status, StatusCode::OK);
}

#[tokio::test]
async fn l2_identity_from_a_trusted_peer_only() {
    let world = World::with(&[]).await;
    let target = "/glms-services/GROUP-ASSOCIATION/users/tel:+821/index";
    assert_eq!(world.terminal(1).get(target).await.status, StatusCode::OK);
    for id in ["+821", " tel:+8-21 ", "tel:%2B821"] {
        assert_eq!(world.named(id).get(target).await.status, StatusCode::OK, "{id}");
    }
    assert_eq!(world.terminal(2).get(target).await.status, StatusCode::FORBIDDEN);
    for (id, status) in [("", 400), ("mailto:a@b", 400), ("tel:+999", 403)] {
        assert_eq!(world.named(id).get(target).await.status, status, "{id}");
    }
    assert_eq!(world.terminal(1).without("clientid").get(target).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        world.terminal(1).with("clientid", "tel:+821").get(target).await.status,
        StatusCode::BAD_REQUEST
    );

    // Nobody else is believed, on any path.
    let mut stranger = world.terminal(1);
    stranger.peer = "192.0.2.8:40000";
    assert_eq!(stranger.get(target).await.status, StatusCode::FORBIDDEN);
    let mut standard = world.terminal(1);
    standard.service = world.service("org.openmobilealliance.groups");
    let answer = standard.get("/org.openmobilealliance.groups/users/tel:+821/tel:91").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);

    // A token is stronger than what any gateway says.
    let token = world.bench.token("tel:+822");
    let both = world.terminal(1).with("access_token", &token);
    assert_eq!(both.get(target).await.status, StatusCode::FORBIDDEN);
    let theirs = "/glms-services/GROUP-ASSOCIATION/users/tel:+822/index";
    assert_eq!(both.get(theirs).await.status, StatusCode::OK);
    stranger = stranger.with("access_token", &token);
    assert_eq!(stranger.get(theirs).await.status, StatusCode::OK);
    let forged = world.terminal(1).with("access_token", "a.b.c").get(target).await;
    assert_eq!(forged.status, StatusCode::FORBIDDEN);

    let world = World::with(&[("CSC_GLMS_IDENTITY_HEADER", "3GPP-Asserted-Identity")]).await;
    assert_eq!(world.terminal(1).get(target).await.status, StatusCode::FORBIDDEN);
    let named = world.terminal(2).with("3gpp-asserted-identity", "tel:+821").get(target).await;
    assert_eq!(named.status, StatusCode::OK);
}

#[tokio::test]
async fn l2_an_account_counts_as_it_is_now() {
    let world = World::new().await;
    let target = "/glms-services/GROUP-ASSOCIATION/users/tel:+821/index";
    let id: McpttId = "tel:+821".parse().unwrap();
    let key = csc_store::shared::account_key(&id);
    let partition = csc_types::Partition::of(id.as_str());
    let gone = world.bench.records.update(partition, std::slice::from_ref(&key), |_| {
        Ok::<_, csc_store::StoreError>(csc_store::Change::nothing(()).delete(key.clone()))
    });
    gone.await.unwrap();
    assert_eq!(world.terminal(1).get(target).await.status, StatusCode::FORBIDDEN);
    // A role that was taken away gives nothing.
    world.bench.account("tel:+824", "fire", &[], &[]).await;
    assert_eq!(world.group(1, "Team", &[1]).await.status, StatusCode::FORBIDDEN);
}
