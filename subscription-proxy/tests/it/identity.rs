//! Whose subscription it is.

use csc_proto::record::v1::account::Status;
use csc_xcap_server::testing::NOW;

use crate::ue::{Call, Ue, list};
use crate::world::{ALEX, Proxy, World};

const SEL: &str = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";

async fn status(proxy: &Proxy, change: impl FnOnce(&mut Call)) -> u16 {
    let mut ue = Ue::new(proxy).await;
    let mut call = ue.call(ALEX, &[SEL]);
    change(&mut call);
    let status = ue.status(&call).await;
    if status == 200 {
        ue.notify().await;
    }
    status
}

fn asserted(value: &str) -> String {
    format!("P-Asserted-Identity: {value}\r\n")
}

fn with_token(call: &mut Call, token: &str) {
    call.media = "multipart/mixed;boundary=b".to_owned();
    call.body = format!(
        "--b\r\nContent-Type: application/resource-lists+xml\r\n\r\n{}\r\n--b\r\n\
         Content-Type: application/vnd.3gpp.mcptt-info+xml\r\n\r\n<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params>\
         <mcptt-access-token type=\"Normal\"><mcpttString>{token}</mcpttString></mcptt-access-token></mcptt-Params>\
         </mcpttinfo>\r\n--b--\r\n",
        list(&[SEL])
    );
}

#[tokio::test]
async fn assertions_of_a_trusted_peer() {
    let world = World::new().await;
    world.account("sip:alex@example.org", Status::Enabled, "fire", &[]).await;
    world.account("tel:+8213", Status::Disabled, "fire", &[]).await;
    let proxy = world.start().await;
    for (value, want) in [
        ("tel:+8210", 200),
        ("<tel:+8210>", 200),
        ("\"Alex Kim\" <tel:+8210>", 200),
        ("<sip:unknown@example.org;user=phone>, <tel:+8210>", 200),
        ("<sip:alex@example.org>, <tel:+8210>", 403),
        ("tel:+8211", 403),
        ("tel:+8213", 403),
        ("tel:+8777", 403),
        ("tel:+8210, tel:+8211", 400),
        ("tel:", 400),
        ("mailto:alex@example.org", 403),
    ] {
        assert_eq!(status(&proxy, |call| call.fields = asserted(value)).await, want, "{value}");
    }
    // From is no identity by itself.
    assert_eq!(status(&proxy, |call| call.fields.clear()).await, 403);
}

#[tokio::test]
async fn assertions_of_anybody_else() {
    let world = World::with(&[("TRUSTED_PEERS", "127.0.0.2"), ("FROM_IS_IDENTITY", "true")]).await;
    let proxy = world.start().await;
    assert_eq!(status(&proxy, |_| {}).await, 403);
    assert_eq!(status(&proxy, |call| call.fields.clear()).await, 403);
}

#[tokio::test]
async fn from_counts_where_a_setting_says_so() {
    let world = World::with(&[("FROM_IS_IDENTITY", "true")]).await;
    let proxy = world.start().await;
    assert_eq!(status(&proxy, |call| call.fields.clear()).await, 200);
    assert_eq!(status(&proxy, |call| call.fields = asserted("tel:+8211")).await, 403, "an assertion rules");
}

#[tokio::test]
async fn tokens() {
    let world = World::new().await;
    world.account("tel:+8212", Status::Enabled, "fire", &["sip:impu@example.org"]).await;
    let proxy = world.start().await;
    let token = world.bench.token(ALEX);
    let ask = async |fields: &str, token: &str| {
        status(&proxy, |call| {
            fields.clone_into(&mut call.fields);
            with_token(call, token);
        })
        .await
    };
    assert_eq!(ask("", &token).await, 200);
    assert_eq!(ask(&asserted("tel:+8210"), &token).await, 200);
    assert_eq!(ask(&asserted("tel:+8211"), &token).await, 403, "both name one user");
    assert_eq!(ask("", "a.b.c").await, 403);
    assert_eq!(ask("", "").await, 400);
    assert_eq!(ask("", &world.bench.token("tel:+8211")).await, 403, "it may not read that");
    assert_eq!(ask(&asserted("tel:+8210"), &world.bench.token("tel:+8777")).await, 403);
    world.clock.step_to(NOW + 3600 + 31);
    assert_eq!(ask("", &token).await, 403, "expired");
    assert_eq!(world.records().await.0, 2);
}

#[tokio::test]
async fn an_identity_that_is_bound_to_the_account_agrees_with_its_token() {
    let world = World::new().await;
    world.account(ALEX, Status::Enabled, "fire", &["sip:impu@example.org"]).await;
    let proxy = world.start().await;
    let token = world.bench.token(ALEX);
    let ask = async |asserting: &str| {
        status(&proxy, |call| {
            call.fields = asserted(asserting);
            with_token(call, &token);
        })
        .await
    };
    assert_eq!(ask("<sip:impu@EXAMPLE.org;user=phone>").await, 200);
    assert_eq!(ask("<sip:other@example.org>").await, 403);
}

#[tokio::test]
async fn a_refresh_belongs_to_the_same_user() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    let mut stranger = call.clone();
    stranger.next().fields = asserted("tel:+8211");
    assert_eq!(ue.status(&stranger).await, 403);
    let mut expired = call.clone();
    expired.next();
    with_token(&mut expired, "a.b.c");
    assert_eq!(ue.status(&expired).await, 403);
    // Without any it keeps the identity, also with a new list.
    call.next();
    call.fields.clear();
    assert_eq!(ue.status(&call).await, 200);
    ue.notify().await;
    call.next().body = list(&["org.3gpp.mcptt.user-profile/users/tel:+8211/user-profile"]);
    assert_eq!(ue.status(&call).await, 403);
}

#[tokio::test]
async fn a_server_is_known_by_its_psi_and_its_service() {
    let world = World::new().await;
    let proxy = world.start().await;
    let ask = async |psi: &str, fields: &str| {
        status(&proxy, |call| {
            call.body.clear();
            psi.clone_into(&mut call.psi);
            fields.clone_into(&mut call.fields);
        })
        .await
    };
    let psi = "sip:cms_psi@example.org;auid=org.openmobilealliance.groups";
    let server = "P-Asserted-Identity: <sip:mcptt_psi@example.org>\r\n";
    let service = "P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.mcptt\r\n";
    assert_eq!(ask(psi, &format!("{server}{service}")).await, 200);
    assert_eq!(ask(psi, server).await, 403);
    assert_eq!(ask("sip:cms_psi@example.org", &format!("{server}{service}")).await, 403);
    assert_eq!(ask("sip:cms_psi@example.org;auid=xcap-caps", &format!("{server}{service}")).await, 403);
    assert_eq!(ask(psi, &format!("P-Asserted-Identity: <sip:other@example.org>\r\n{service}")).await, 403);
    assert_eq!(ask(psi, &format!("{}{service}", asserted(ALEX))).await, 400, "a user names documents");
}
