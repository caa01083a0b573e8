//! What is refused, and with what.

use sip_codec::Name;

use crate::ue::{Call, Ue, list};
use crate::world::{ALEX, World};

const SEL: &str = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";

/// Sends a SUBSCRIBE that `change` made out of a good one; its status and the value of `field`.
async fn refused(ue: &mut Ue, field: Name, change: impl FnOnce(&mut Call)) -> (u16, String) {
    let mut call = ue.call(ALEX, &[SEL]);
    change(&mut call);
    let response = ue.ask(call.text()).await;
    let value = response.headers().lines(field).next().unwrap_or_default().to_owned();
    (response.status().code(), value)
}

#[tokio::test]
async fn each_mistake_has_its_status() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let ue = &mut ue;
    let text = |text: &str| text.to_owned();
    assert_eq!(
        refused(ue, Name::AllowEvents, |c| c.event = text("presence")).await,
        (489, text("xcap-diff"))
    );
    assert_eq!(refused(ue, Name::MinExpires, |c| c.expires = 59).await, (423, text("60")));
    assert_eq!(
        refused(ue, Name::Unsupported, |c| c.fields.push_str("Require: a, b\r\n")).await,
        (420, text("a, b"))
    );
    let accept = "application/resource-lists+xml, multipart/mixed, application/vnd.3gpp.mcptt-info+xml";
    assert_eq!(refused(ue, Name::Accept, |c| c.media = text("text/plain")).await, (415, text(accept)));
    assert_eq!(
        refused(ue, Name::AcceptEncoding, |c| c.fields.push_str("Content-Encoding: gzip\r\n")).await,
        (415, text("identity"))
    );
    for (status, change) in [
        (400, (|c: &mut Call| c.body = "<resource-lists".to_owned()) as fn(&mut Call)),
        (400, |c| c.body.clear()),
        (400, |c| c.contact = "tel:+8210".to_owned()),
        (400, |c| c.fields.push_str("Contact: <sip:a@b>\r\n")),
        (400, |c| c.fields.push_str("Expires: 1\r\n")),
        (404, |c| c.psi = "sip:nobody@ptt.example.org".to_owned()),
        (404, |c| c.psi = "sip:ptt.example.org".to_owned()),
        (416, |c| c.psi = "im:csc_psi@ptt.example.org".to_owned()),
        (403, |c| c.body = list(&["unknown/users/tel:+8210/x"])),
        (403, |c| c.body = list(&[])),
        (403, |c| c.body = list(&["org.3gpp.mcptt.user-profile/users/tel:+8211/user-profile"])),
        (403, |c| c.body = list(&["org.openmobilealliance.groups/users/tel:+8211"])),
        (403, |c| c.body = list(&["org.openmobilealliance.groups/global/byGroupID/tel:+8251"])),
        (403, |c| c.body = list(&["org.3gpp.mcptt.service-config/global/police/service-config.xml"])),
        (413, |c| c.body = list(&vec![SEL; 501])),
        (481, |c| c.to_tag = ";tag=gone".to_owned()),
        (481, |c| c.to_tag = format!(";tag=00{}", "0".repeat(32))),
    ] {
        assert_eq!(refused(ue, Name::Other, change).await.0, status);
    }
    assert_eq!(world.records().await, (0, 0));
}

#[tokio::test]
async fn requests_of_a_dialog_come_in_order() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(ALEX, &[SEL]);
    call.cseq = 5;
    ue.granted(&mut call).await;
    ue.notify().await;
    let mut old = call.clone();
    old.next().cseq = 4;
    assert_eq!(ue.status(&old).await, 500);
    let mut same = call.clone();
    same.next().cseq = 5;
    assert_eq!(ue.status(&same).await, 500);
    let mut foreign = call.clone();
    foreign.next().call_id.push('x');
    assert_eq!(ue.status(&foreign).await, 481);
    let mut event = call.clone();
    event.next().event = "xcap-diff;id=1".to_owned();
    assert_eq!(ue.status(&event).await, 481);
    call.next();
    call.next();
    assert_eq!(ue.status(&call).await, 200, "gaps are allowed");
    ue.notify().await;
}

#[tokio::test]
async fn one_source_does_not_use_up_the_memory_for_all() {
    let world = World::with(&[("MAX_PER_SOURCE", "3")]).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    for _ in 0..3 {
        assert_eq!(refused(&mut ue, Name::Other, |c| c.event = "x".to_owned()).await.0, 489);
    }
    let (status, retry) = refused(&mut ue, Name::RetryAfter, |c| c.event = "x".to_owned()).await;
    assert_eq!((status, retry.as_str()), (503, "2"));
    world.pass(std::time::Duration::from_secs(33));
    let reached = async || {
        let mut ue = Ue::new(&proxy).await;
        refused(&mut ue, Name::Other, |c| c.event = "x".to_owned()).await.0 == 489
    };
    crate::world::until("it is forgotten", reached).await;
}

#[tokio::test]
async fn new_subscriptions_are_refused_before_refreshes() {
    let world = World::with(&[("MAX_SUBSCRIPTIONS", "1")]).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (mut call, _) = ue.subscribe(ALEX, &[SEL]).await;
    let (status, retry) = refused(&mut ue, Name::RetryAfter, |_| {}).await;
    assert_eq!((status, retry.as_str()), (503, "2"));
    call.next();
    assert_eq!(ue.status(&call).await, 200);
    ue.notify().await;
}

#[tokio::test]
async fn notifies_go_to_configured_hops_only() {
    let world = World::with(&[("NEXT_HOPS", "127.0.0.2")]).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    assert_eq!(refused(&mut ue, Name::Other, |_| {}).await.0, 403);
    assert_eq!(world.records().await, (0, 0));

    // With an outbound proxy everything goes there, whatever Contact says.
    let world = World::with(&[("NEXT_HOPS", &format!("127.0.0.2,{}", ue.local))]).await;
    let proxy = world.start().await;
    ue.proxy = proxy.address;
    let mut call = ue.call(ALEX, &[SEL]);
    call.contact = "sip:alex@203.0.113.9".to_owned();
    ue.granted(&mut call).await;
    assert_eq!(ue.notify().await.request.uri().as_str(), call.contact);
}

#[tokio::test]
async fn two_content_lengths_are_refused_and_the_service_goes_on() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let (status, _) = refused(&mut ue, Name::Other, |c| c.fields.push_str("Content-Length: 3\r\n")).await;
    assert_eq!(status, 400);
    for garbage in ["", "\r\n\r\n", "hello", "\0\0\0\0", "SIP/2.0 200 OK\r\n\r\n"] {
        ue.send(garbage).await;
    }
    assert!(ue.is_quiet().await);
}
