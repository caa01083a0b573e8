//! SUBSCRIBEs that are broken, forged, or made to cost more than they should.

use csc_tests::sip::{Ask, Line, Watchers, call_id};
use csc_tests::{ALEX, ENGINE_7, SAM};
use serde_json::json;
use sip_codec::Name;

use super::World;
use super::forge::Forge;

use crate::Server;

const LIST: &str = "application/resource-lists+xml";

fn groups() -> String {
    format!("org.openmobilealliance.groups/users/{}", ALEX.0)
}

impl World {
    /// A normal SUBSCRIBE gets its 200 and its NOTIFY; so do requests over HTTP.
    async fn notifies(&mut self) {
        let mut watchers = Watchers::at(self.server.proxies()).await;
        let number =
            watchers.add(&Ask::list(SAM.0, &[&format!("org.openmobilealliance.groups/users/{}", SAM.0)]));
        watchers.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;
        assert_eq!(watchers.get(number).answer, Some(200));
        assert_eq!(watchers.get(number).told[0].len(), 2, "Sam is in two groups");
        self.goes_on().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_content_lengths() {
    let Some(mut world) = World::new(&[]).await else { return };
    let line = Line::to(world.server.sip()).await;
    for second in [0, 1, 10_000, usize::MAX] {
        let good = Ask::list(ALEX.0, &[&groups()]).datagram(line.local(), &call_id());
        let text = String::from_utf8(good.to_vec()).expect("text");
        let twice = text.replacen("\r\n\r\n", &format!("\r\nContent-Length: {second}\r\n\r\n"), 1);
        line.send(twice.as_bytes()).await;
        assert_eq!(line.response().await.status().code(), 400, "and {second}");
        world.notifies().await;
    }
    // The same one twice is two as well, and so is the compact name.
    for name in ["Content-Length", "l"] {
        let good = Ask::list(ALEX.0, &[&groups()]).datagram(line.local(), &call_id());
        let text = String::from_utf8(good.to_vec()).expect("text");
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        let twice = text.replacen("\r\n\r\n", &format!("\r\n{name}: {}\r\n\r\n", body.len()), 1);
        line.send(twice.as_bytes()).await;
        assert_eq!(line.response().await.status().code(), 400, "{name}");
        world.notifies().await;
    }
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_explode() {
    let Some(mut world) = World::new(&[]).await else { return };
    let mut watchers = Watchers::at(world.server.proxies()).await;
    let bomb = format!(
        "<!DOCTYPE b [<!ENTITY a \"lol\"><!ENTITY b \"{}\"><!ENTITY c \"{}\">]>\
         <resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list><entry uri=\"&c;\"/></list></resource-lists>",
        "&a;".repeat(1000),
        "&b;".repeat(1000)
    );
    let nested: String = (0..2_000).map(|n| format!("<e xmlns:n{n}=\"urn:n{n}\">")).collect();
    let nested = format!(
        "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\">{nested}{}</resource-lists>",
        "</e>".repeat(2_000)
    );
    let many: String = (0..1_000).map(|n| format!("<entry uri=\"a/users/tel:+8210/{n}\"/>")).collect();
    let many = format!(
        "<resource-lists xmlns=\"urn:ietf:params:xml:ns:resource-lists\"><list>{many}</list></resource-lists>"
    );
    for (body, want) in [(bomb, 400), (nested, 413), (many, 413)] {
        let ask = Ask { body: Some((LIST.to_owned(), body.clone().into_bytes())), ..Ask::list(ALEX.0, &[]) };
        assert_eq!(watchers.ask(&ask).await, want, "{}", &body[..80]);
        world.notifies().await;
    }
    world.server.stop().await;
}

/// The 3GPP form: the list and, beside it, an access token.
fn with_token(token: &str, entry: &str) -> Ask {
    let info = format!(
        "<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\"><mcptt-Params><mcptt-access-token type=\"Normal\">\
         <mcpttString>{token}</mcpttString></mcptt-access-token></mcptt-Params></mcpttinfo>"
    );
    let ask = Ask::list(ALEX.0, &[entry]);
    let (_, list) = ask.body.clone().expect("a list");
    let list = String::from_utf8(list).expect("text");
    let body = format!(
        "--part\r\nContent-Type: application/vnd.3gpp.mcptt-info+xml\r\n\r\n{info}\r\n\
         --part\r\nContent-Type: {LIST}\r\n\r\n{list}\r\n--part--\r\n"
    );
    Ask { body: Some(("multipart/mixed;boundary=part".to_owned(), body.into_bytes())), ..ask }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_in_the_body() {
    let Some(mut world) = World::new(&[]).await else { return };
    let forge = Forge::at(&world.server).await;
    let mut watchers = Watchers::at(world.server.proxies()).await;
    let group = format!("{}/{ENGINE_7}", groups());
    assert_eq!(watchers.ask(&with_token(&forge.genuine, &group)).await, 200);
    let mut bad = vec![
        forge.expired(),
        forge.altered(),
        forge.foreign(),
        forge.unknown_key(),
        forge.confused(),
        forge.with("aud", json!("another_service")),
        forge.with("mcptt_id", json!(SAM.0)),
        "token".to_owned(),
    ];
    bad.extend(forge.unsigned());
    for token in bad {
        assert_eq!(watchers.ask(&with_token(&token, &group)).await, 403, "{token}");
    }
    // Without a dialog there is nothing to notify: only the good one was told anything.
    world.notifies().await;
    watchers.until("the first NOTIFY", |n, watcher| n > 0 || !watcher.told.is_empty()).await;
    assert!(watchers.all().skip(1).all(|watcher| watcher.told.is_empty()));
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_nobody_asserts() {
    let Some(mut world) = World::new(&[]).await else { return };
    let line = Line::to(world.server.sip()).await;
    // Without P-Asserted-Identity From counts for nothing.
    let good = Ask::list(ALEX.0, &[&groups()]).datagram(line.local(), &call_id());
    let text = String::from_utf8(good.to_vec()).expect("text");
    let bare: String =
        text.split_inclusive("\r\n").filter(|line| !line.starts_with("P-Asserted-Identity")).collect();
    assert_ne!(bare.len(), text.len());
    line.send(bare.as_bytes()).await;
    assert_eq!(line.response().await.status().code(), 403);
    world.notifies().await;
    world.server.stop().await;

    // Nor does the header of a peer that is not trusted.
    let Some(server) = Server::start_with(&[("CSC_SIP_TRUSTED_PEERS", "127.0.0.9")]).await else { return };
    let mut watchers = Watchers::at(server.proxies()).await;
    let mut ask = Ask::list(ALEX.0, &[&groups()]);
    assert_eq!(watchers.ask(&ask).await, 403);
    ask.fields.push((Name::PAssertedService, "urn:urn-7:3gpp-service.ims.icsi.mcptt".to_owned()));
    assert_eq!(watchers.ask(&ask).await, 403);
    server.stop().await;
}
