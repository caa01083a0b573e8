//! Who sees and changes what.

use http::{Method, StatusCode};

use crate::world::{GROUP, GROUP_TYPE, World, group, view};

#[tokio::test]
async fn g4_g5_who_sees_and_changes_a_group() {
    let world = World::new().await;
    // Before it exists: who could make it is told so, everybody else gets what he gets afterwards.
    for (number, status) in [(1, 403), (2, 403), (3, 403), (4, 404), (5, 404), (6, 403)] {
        assert_eq!(world.as_user(number).get(GROUP).await.status, status, "{number}");
        assert_eq!(world.as_user(number).get(&view(number)).await.status, status, "{number}");
    }
    for number in [1, 3, 6] {
        let answer = world.as_user(number).put(&view(number), GROUP_TYPE, group(&[1, 3, 6])).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{number}");
    }
    let created = world.as_user(4).put(&view(4), GROUP_TYPE, group(&[1, 3, 6])).await;
    assert_eq!((created.status, created.text()), (StatusCode::CREATED, ""));

    // X22: one document, one tag, by all its names, also for a member from elsewhere and for the creator.
    for (number, target) in [
        (1, view(1)),
        (1, GROUP.to_owned()),
        (3, view(3)),
        (6, view(6)),
        (4, view(4)),
        (4, view(1)),
        (5, view(5)),
        (5, GROUP.to_owned()),
    ] {
        let answer = world.as_user(number).get(&target).await;
        assert_eq!((answer.status, answer.etag()), (StatusCode::OK, created.etag()), "{number} {target}");
        assert_eq!(answer.text(), group(&[1, 3, 6]));
        assert_eq!(answer.header("content-type"), format!("{GROUP_TYPE}; charset=\"utf-8\""));
    }
    let alias = GROUP.replace("byGroupID", "byGroup");
    assert_eq!(world.as_user(1).get(&alias).await.etag(), created.etag());
    for (number, target, status) in [
        (2, view(2), 403),
        (2, GROUP.to_owned(), 403),
        (1, view(3), 403),
        (7, view(7), 403),
        (7, GROUP.to_owned(), 403),
        (4, view(2), 404),
    ] {
        assert_eq!(world.as_user(number).get(&target).await.status, status, "{number} {target}");
    }

    for (number, target, put, delete, allow) in [
        (1, view(1), 405, 405, "GET, HEAD"),
        (6, view(6), 405, 405, "GET, HEAD"),
        (2, view(2), 403, 403, ""),
        (7, view(7), 409, 403, ""),
        (1, view(3), 403, 403, ""),
        (4, view(1), 405, 405, "GET, HEAD"),
        (3, view(3), 200, 405, "GET, HEAD, PUT"),
        (3, GROUP.to_owned(), 200, 405, "GET, HEAD, PUT, POST"),
        (5, view(5), 200, 200, ""),
    ] {
        let client = world.as_user(number);
        let stored = client.put(&target, GROUP_TYPE, group(&[1, 3, 6])).await;
        assert_eq!(stored.status, put, "{number} {target}");
        let deleted = client.delete(&target).await;
        assert_eq!((deleted.status.as_u16(), deleted.header("allow")), (delete, allow), "{number} {target}");
    }
    assert_eq!(world.as_user(1).get(&view(1)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(4).get(GROUP).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn g4_the_creator_keeps_seeing_it() {
    let world = World::new().await;
    world.store(&[1]).await;
    world.bench.account("tel:+824", "fire", &[], &[]).await;
    assert_eq!(world.as_user(4).get(&view(4)).await.status, StatusCode::OK);
    assert_eq!(
        world.as_user(4).put(&view(4), GROUP_TYPE, group(&[])).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    // Whoever replaces it does not become the creator.
    world.as_user(5).put(GROUP, GROUP_TYPE, group(&[])).await;
    world.bench.account("tel:+825", "fire", &[], &[]).await;
    assert_eq!(world.as_user(5).get(GROUP).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(4).get(GROUP).await.status, StatusCode::OK);
}

/// Regrouping reaches into other groups: being authorized in one is not enough.
#[tokio::test]
async fn temporary_groups_are_made_by_commanders() {
    let world = World::new().await;
    let constituent = GROUP.replace("+829", "+828");
    world.as_user(4).put(&constituent, GROUP_TYPE, group(&[1]).replace("tel:+829", "tel:+828")).await;
    world.store(&[3]).await;
    let temporary = group(&[3]).replace(
        "</list-service>",
        "<on-network-temporary xmlns=\"urn:3gpp:ns:mcpttGroupInfo:1.0\"><constituent-MCPTT-group-IDs>\
         <constituent-MCPTT-group-ID>tel:+828</constituent-MCPTT-group-ID></constituent-MCPTT-group-IDs>\
         </on-network-temporary></list-service>",
    );
    for (number, status) in [(3, StatusCode::FORBIDDEN), (5, StatusCode::OK), (3, StatusCode::OK)] {
        let answer = world.as_user(number).put(GROUP, GROUP_TYPE, temporary.clone()).await;
        assert_eq!(answer.status, status, "{number} {}", answer.text());
    }
    // Nor is it enough to let a constituent go, by whole documents or by elements.
    let element = format!(
        "{GROUP}/~~/group/list-service/i:on-network-temporary?xmlns(i=urn:3gpp:ns:mcpttGroupInfo:1.0)"
    );
    let released = world.as_user(3).put(GROUP, GROUP_TYPE, group(&[3])).await;
    assert_eq!(released.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(3).delete(&element).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(4).delete(&element).await.status, StatusCode::OK);
    assert_eq!(world.as_user(3).get(GROUP).await.text(), group(&[3]));
}

#[tokio::test]
async fn g1_a_name_that_is_taken() {
    let world = World::new().await;
    world.store(&[1, 6]).await;
    // Whoever could make a group of the name is told that it cannot, wherever it tries, and what it could take.
    for target in [GROUP.to_owned(), view(7)] {
        let taken = world.as_user(7).put(&target, GROUP_TYPE, group(&[7])).await;
        assert_eq!(taken.status, StatusCode::CONFLICT, "{target}");
        assert_eq!(taken.header("content-type"), "application/xcap-error+xml");
        let (_, exists) = taken.text().split_once("<exists field=\"group/list-service/@uri\">").unwrap();
        let (_, offered) = exists.split_once("<alt-value>").unwrap();
        let (offered, _) = offered.split_once("</alt-value>").unwrap();
        let other = GROUP.replace("tel:+829", offered);
        let content = group(&[7]).replace("uri=\"tel:+829\"", &format!("uri=\"{offered}\""));
        assert_eq!(world.as_user(7).put(&other, GROUP_TYPE, content).await.status, StatusCode::CREATED);
    }
    // Nobody else learns that there is such a group, and nothing else is answered so.
    assert_eq!(world.as_user(2).put(&view(2), GROUP_TYPE, group(&[2])).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(7).put(&view(1), GROUP_TYPE, group(&[7])).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(7).get(GROUP).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(7).delete(GROUP).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.as_user(1).get(GROUP).await.text(), group(&[1, 6]));
    // A commander of another organisation who is a member reads; the name is no secret for it.
    world.store(&[7]).await;
    assert_eq!(
        world.as_user(7).put(&view(7), GROUP_TYPE, group(&[7])).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}

/// Whoever is first has the name; everybody else of another organisation is told so, and nothing of the two is mixed.
#[tokio::test]
async fn g1_one_name_made_by_two_organisations_at_once() {
    let world = World::new().await;
    for round in 0..8 {
        let name = format!("tel:+8280{round}");
        let target = GROUP.replace("tel:+829", &name);
        let content = |member: &str| {
            group(&[])
                .replace("tel:+829", &name)
                .replace("<list>", &format!("<list><entry uri=\"{member}\"/>"))
        };
        let put = async |number: u32| {
            world.as_user(number).put(&target, GROUP_TYPE, content(&format!("tel:+82{number}"))).await
        };
        let (first, second) = if round % 2 == 0 { (4, 7) } else { (7, 4) };
        let (one, other) = tokio::join!(put(first), put(second));
        let (winner, loser, refused) =
            if one.status == StatusCode::CREATED { (first, second, other) } else { (second, first, one) };
        assert_eq!(refused.status, StatusCode::CONFLICT, "{round}");
        assert!(refused.text().contains("<uniqueness-failure"), "{}", refused.text());
        let stored = world.as_user(winner).get(&target).await;
        assert_eq!(stored.text(), content(&format!("tel:+82{winner}")));
        assert_eq!(world.as_user(loser).get(&target).await.status, StatusCode::FORBIDDEN);
    }
}

/// The alias of a fielded client is the group, for every method.
#[tokio::test]
async fn g4_the_alias_is_the_group() {
    let world = World::new().await;
    let alias = GROUP.replace("byGroupID", "byGroup");
    let made = world.as_user(4).put(&alias, GROUP_TYPE, group(&[1, 3])).await;
    assert_eq!(made.status, StatusCode::CREATED);
    assert_eq!(world.as_user(1).get(GROUP).await.etag(), made.etag());
    let name = format!("{alias}/~~/group/list-service/display-name");
    let renamed =
        world.as_user(3).put(&name, "application/xcap-el+xml", "<display-name>B</display-name>").await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text());
    assert_eq!(world.as_user(1).get(&view(1)).await.etag(), renamed.etag());
    for (number, get, delete) in [(1, 200, 405), (3, 200, 405), (6, 403, 403), (7, 403, 403)] {
        let client = world.as_user(number);
        let headers = [("if-none-match", renamed.etag())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let unchanged = client.send(Method::GET, &alias, &headers, "").await;
        assert_eq!(unchanged.status, if get == 200 { 304 } else { get }, "{number}");
        assert_eq!(client.get(&name).await.status, get, "{number}");
        assert_eq!(client.delete(&alias).await.status, delete, "{number}");
        let attribute = format!("{alias}/~~/group/list-service/@uri");
        assert_eq!(client.get(&attribute).await.status, get, "{number}");
    }
    assert_eq!(world.as_user(5).delete(&alias).await.status, StatusCode::OK);
    assert_eq!(world.as_user(5).get(GROUP).await.status, StatusCode::NOT_FOUND);
}
