//! What is asked over the bus.

use csc_proto::documents::v1::PutRequest;
use csc_proto::documents::v1::documents_client::DocumentsClient;
use csc_proto::documents::v1::put_response::Outcome;
use csc_proto::groups::v1::groups_client::GroupsClient;
use csc_proto::groups::v1::{ListGroupsRequest, ListMembersRequest};
use csc_service::bus;
use http::{Method, StatusCode};
use tonic::Code;

use crate::world::{GROUP, GROUP_TYPE, World, group, ids, named, view};

#[tokio::test]
async fn provisioning() {
    let world = World::new().await;
    let mut client = DocumentsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let mut dry_run = true;
    let mut put = async |path: &str, organisation: &str, content: String| {
        let request = PutRequest {
            path: path.to_owned(),
            content: content.into(),
            organisation: organisation.to_owned(),
            dry_run: std::mem::take(&mut dry_run),
            ..PutRequest::default()
        };
        client.put(request).await.map(|answer| answer.into_inner().outcome()).map_err(|status| status.code())
    };
    let path = &GROUP[1..];
    assert_eq!(put(path, "fire", group(&[1])).await, Ok(Outcome::Created), "a dry run");
    assert_eq!(put(path, "fire", group(&[1])).await, Ok(Outcome::Created));
    assert_eq!(put(path, "", group(&[1])).await, Ok(Outcome::Unchanged));
    assert_eq!(
        put(&path.replace("byGroupID", "byGroup"), "fire", group(&[1, 2])).await,
        Ok(Outcome::Changed)
    );
    assert_eq!(put(path, "police", group(&[1])).await, Err(tonic::Code::FailedPrecondition));
    assert_eq!(put(&view(1)[1..], "fire", group(&[1])).await, Err(tonic::Code::InvalidArgument));
    assert_eq!(world.as_user(2).get(&view(2)).await.text(), group(&[1, 2]));
    assert_eq!(world.as_user(4).get(GROUP).await.status, StatusCode::OK);
    let others = world.as_user(7).send(Method::DELETE, GROUP, &[], "").await;
    assert_eq!(others.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn members_of_a_group_page_by_page() {
    let world = World::new().await;
    let stored = world.store(&[1, 2, 3, 6]).await;
    let mut client = GroupsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let mut request = ListMembersRequest {
        group_id: "tel:+82-9".to_owned(),
        page_size: 3,
        ..ListMembersRequest::default()
    };
    let first = client.list_members(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.mcptt_ids, ["tel:+821", "tel:+822", "tel:+823"]);
    assert_eq!((first.member_count, first.creator.as_str()), (4, "tel:+824"));
    let of = first.group.unwrap();
    assert_eq!((of.group_id.as_str(), of.organisation.as_str()), ("tel:+829", "fire"));
    assert_eq!(of.etag, stored.etag().trim_matches('"'));
    request.page_token = first.next_page_token;
    let second = client.list_members(request.clone()).await.unwrap().into_inner();
    assert_eq!((second.mcptt_ids, second.next_page_token), (vec!["tel:+826".to_owned()], String::new()));
    let code = async |client: &mut GroupsClient<_>, group: &str| {
        let request = ListMembersRequest { group_id: group.to_owned(), ..ListMembersRequest::default() };
        client.list_members(request).await.unwrap_err().code()
    };
    assert_eq!(code(&mut client, "tel:+828").await, Code::NotFound);
    assert_eq!(code(&mut client, "828").await, Code::InvalidArgument);
}

/// A page never has more than a thousand members, and the pages together are the group.
#[tokio::test]
async fn a_large_group_has_many_pages() {
    let world = World::new().await;
    let members: Vec<String> = (0..2_500).map(|number| format!("tel:+8210{number:05}")).collect();
    world.as_user(4).put(GROUP, GROUP_TYPE, named("tel:+829", &members)).await;
    let mut client = GroupsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    for (page_size, sizes) in
        [(0, &[1000, 1000, 500][..]), (5_000, &[1000, 1000, 500]), (1_250, &[1000, 1000, 500])]
    {
        let (mut found, mut pages, mut page_token) = (Vec::new(), Vec::new(), String::new());
        loop {
            let request = ListMembersRequest { group_id: "tel:+829".to_owned(), page_size, page_token };
            let page = client.list_members(request).await.unwrap().into_inner();
            assert_eq!(page.member_count, 2_500);
            pages.push(page.mcptt_ids.len());
            found.extend(page.mcptt_ids);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!((pages, &found), (sizes.to_vec(), &members), "{page_size}");
    }
    // Behind the last one there is nobody; a deleted group is none.
    let mut request =
        ListMembersRequest { group_id: "tel:+829".to_owned(), page_size: 1, page_token: "x".to_owned() };
    assert!(client.list_members(request.clone()).await.unwrap().into_inner().mcptt_ids.is_empty());
    world.as_user(4).delete(GROUP).await;
    request.page_token.clear();
    assert_eq!(client.list_members(request).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn groups_of_a_member_page_by_page() {
    let mut world = World::new().await;
    let (_trigger, _running) = world.project();
    let stored = world.store(&[1]).await;
    world.until_shown(&ids(&[1]), &ids(&[1]), &stored.etag()).await;
    for (name, members) in
        [("tel:+8271", &["tel:+821"][..]), ("tel:+8272", &["tel:+821"]), ("tel:+8273", &[])]
    {
        let members: Vec<String> = members.iter().map(|member| (*member).to_owned()).collect();
        let target = GROUP.replace("tel:+829", name);
        world.as_user(4).put(&target, GROUP_TYPE, named(name, &members)).await;
    }
    // One that it left.
    let left = world.store(&[2]).await;
    world.until_shown(&ids(&[1, 2]), &ids(&[2]), &left.etag()).await;
    for name in ["tel:+8271", "tel:+8272"] {
        world.until_view(&ids(&[1])[0], name).await;
    }
    let mut client = GroupsClient::new(bus::in_process(world.parts.grpc.clone().unwrap()));
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let request = ListGroupsRequest { mcptt_id: "TEL:+821".to_owned(), page_size: 1, page_token: token };
        let page = client.list_groups(request).await.unwrap().into_inner();
        assert!(page.groups.len() <= 1);
        found.extend(page.groups.into_iter().map(|group| (group.group_id, group.organisation)));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    let groups = ["tel:+8271", "tel:+8272"].map(|group| (group.to_owned(), "fire".to_owned()));
    assert_eq!(found, groups);
    let nobody = ListGroupsRequest { mcptt_id: "1".to_owned(), ..ListGroupsRequest::default() };
    assert_eq!(client.list_groups(nobody).await.unwrap_err().code(), Code::InvalidArgument);
}
