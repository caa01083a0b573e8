//! The forms of SUBSCRIBE that are accepted, and what answers and NOTIFYs look like.

use sip_codec::Name;

use crate::ue::{Ue, list};
use crate::world::{ALEX, GROUPS, PROFILE, ROOT, SERVICE_CONFIG, World};

#[tokio::test]
async fn a_field_subscribe_gets_its_answer_and_its_first_notify() {
    let world = World::new().await;
    let profile = world.put(PROFILE).await;
    let config = world.put(SERVICE_CONFIG).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call(
        ALEX,
        &[
            "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile",
            "org.3gpp.mcptt.service-config/users/tel:+8210/service-config ",
            "org.openmobilealliance.groups/users/tel:+8210",
        ],
    );
    call.event = "xcap-diff;id=7".to_owned();
    call.contact = "sip:+8210@192.0.2.77:5070".to_owned();
    call.fields.push_str(&format!(
        "Via: SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKp1, SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKp0\r\n\
         Record-Route: <sip:{};lr>, <sip:scscf.example.org;lr>\r\nRecord-Route: <sip:pcscf.example.org;lr>\r\n",
        ue.local
    ));
    let response = ue.granted(&mut call).await;
    let headers = response.headers();
    let vias: Vec<_> = headers.values(Name::Via).skip(1).collect();
    assert_eq!(vias, ["SIP/2.0/UDP 192.0.2.8;branch=z9hG4bKp1", "SIP/2.0/TCP 192.0.2.9;branch=z9hG4bKp0"]);
    assert_eq!(headers.core().unwrap().via.received().unwrap().to_string(), "127.0.0.1");
    let own = format!("<sip:{};lr>", ue.local);
    let routes = [own.as_str(), "<sip:scscf.example.org;lr>", "<sip:pcscf.example.org;lr>"];
    assert_eq!(headers.routes(Name::RecordRoute).unwrap(), routes);
    assert_eq!(headers.expires(), Ok(Some(3600)));
    assert!(headers.contact().unwrap().is_some());

    // The NOTIFY comes to the first Route, though Contact names another address.
    let notify = ue.notify().await;
    let headers = notify.request.headers();
    assert_eq!(notify.request.uri().as_str(), "sip:+8210@192.0.2.77:5070");
    assert_eq!(headers.routes(Name::Route).unwrap(), routes);
    let core = notify.request.core().unwrap();
    assert_eq!(format!(";tag={}", core.from.tag().unwrap()), call.to_tag);
    assert_eq!(core.to.tag(), Some(format!("f-{}", call.call_id).as_str()));
    assert_eq!((core.from.uri.as_str(), core.to.display), (call.psi.as_str(), "\"Alex Kim\""));
    assert_eq!(core.call_id, call.call_id);
    assert_eq!(headers.event().unwrap().unwrap().id(), Some("7"));
    assert_eq!(notify.state, "active;expires=3600");
    let media = headers.content_type().unwrap().unwrap();
    assert!(media.is("application/xcap-diff+xml"));
    assert_eq!(notify.root, ROOT);
    assert_eq!(
        notify.documents,
        [
            (
                "org.3gpp.mcptt.service-config/users/tel:+8210/service-config".to_owned(),
                "-".to_owned(),
                config.to_string()
            ),
            (
                "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile".to_owned(),
                "-".to_owned(),
                profile.to_string()
            ),
        ]
    );
}

#[tokio::test]
async fn a_token_is_identity_from_anywhere_in_either_order() {
    let world = World::with(&[("TRUSTED_PEERS", "")]).await;
    let profile = world.put(PROFILE).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let entry = "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile";
    let info = format!(
        "Content-Type: application/vnd.3gpp.mcptt-info+xml\r\n\r\n<mcpttinfo xmlns=\"urn:3gpp:ns:mcpttInfo:1.0\">\
         <mcptt-Params><mcptt-access-token type=\"Normal\"><mcpttString>{}</mcpttString></mcptt-access-token>\
         <mcptt-request-uri type=\"Normal\"><mcpttURI>sip:cms_psi@example.org</mcpttURI></mcptt-request-uri>\
         <mcptt-client-id type=\"Normal\"><mcpttString>urn:uuid:1</mcpttString></mcptt-client-id></mcptt-Params>\
         </mcpttinfo>",
        world.bench.token(ALEX)
    );
    let entries = format!("Content-Type: application/resource-lists+xml\r\n\r\n{}", list(&[entry]));
    for parts in [[&info, &entries], [&entries, &info]] {
        let mut call = ue.call(ALEX, &[]);
        call.media = "multipart/mixed;boundary=\"b 1\"".to_owned();
        call.body = format!("--b 1\r\n{}\r\n--b 1\r\n{}\r\n--b 1--\r\n", parts[0], parts[1]);
        call.event = "xcap-diff;diff-processing=aggregate".to_owned();
        // Whatever a peer that is not trusted asserts is not read.
        call.fields = "P-Asserted-Identity: tel:+8211\r\nAccept: message/external-body\r\n".to_owned();
        ue.granted(&mut call).await;
        let notify = ue.notify().await;
        notify.says(entry, "-", profile.as_str());
        assert_eq!(notify.request.headers().single(Name::Event), Ok(Some("xcap-diff")));
    }
}

#[tokio::test]
async fn entries_in_every_spelling() {
    let world = World::new().await;
    let profile = world.put(PROFILE).await;
    let mine = world.put_view(&format!("{GROUPS}/users/tel:+8210/tel:+8251")).await;
    world.put_view(&format!("{GROUPS}/users/tel:+82101/tel:+8251")).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    for (entry, sel, etag) in [
        ("org.3gpp.mcptt.user-profile/users/tel%3A%2B8210/user-profile-0.xml", None, &profile),
        (
            "https://elsewhere.example.org/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile",
            Some("org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile"),
            &profile,
        ),
        (
            "/Org/F/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile",
            Some("Org/F/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile"),
            &profile,
        ),
        (
            "org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile/~~/mcptt-user-profile/Name",
            Some("org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile"),
            &profile,
        ),
        (
            "org.openmobilealliance.groups/users/tel:+8210",
            Some("org.openmobilealliance.groups/users/tel:+8210/tel:+8251"),
            &mine,
        ),
        (
            " org.openmobilealliance.groups/users/tel%3a%2b8210/ ",
            Some("org.openmobilealliance.groups/users/tel%3a%2b8210/tel:+8251"),
            &mine,
        ),
    ] {
        let (_, notify) = ue.subscribe(ALEX, &["unknown/users/tel:+8210/x", entry]).await;
        notify.says(sel.unwrap_or(entry), "-", etag.as_str());
    }
    let mut call = ue.call(ALEX, &[]);
    call.body = "<rl:resource-lists xmlns:rl=\"urn:ietf:params:xml:ns:resource-lists\"><rl:list><rl:entry \
                 uri=\"\n org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile\n\"/></rl:list></rl:resource-lists>"
        .to_owned();
    ue.granted(&mut call).await;
    ue.notify().await.says("org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile", "-", profile.as_str());
}

#[tokio::test]
async fn a_document_is_mentioned_once() {
    let world = World::new().await;
    let view = format!("{GROUPS}/users/tel:+8210/tel:+8251");
    let etag = world.put_view(&view).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let collection = format!("{GROUPS}/users/tel:+8210/");
    let (_, notify) = ue.subscribe(ALEX, &[&collection, &view, &collection]).await;
    notify.says(&view, "-", etag.as_str());
}

#[tokio::test]
async fn the_mcptt_server_watches_a_usage_of_its_organisations() {
    let world = World::new().await;
    let group = format!("{GROUPS}/global/byGroupID/tel:+8251");
    let etag = world.put(&group).await;
    world.put_view(&format!("{GROUPS}/users/tel:+8210/tel:+8251")).await;
    world.put_in(&format!("{GROUPS}/global/byGroupID/tel:+8252"), "police").await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let mut call = ue.call("sip:mcptt_psi@example.org", &[]);
    call.body.clear();
    call.psi = format!("sip:cms_psi@example.org;auid={GROUPS}");
    call.fields.push_str("P-Asserted-Service: urn:urn-7:3gpp-service.ims.icsi.mcptt\r\n");
    ue.granted(&mut call).await;
    ue.notify().await.says(&group, "-", etag.as_str());
    let next = world.put(&format!("{GROUPS}/global/byGroupID/sip:engine@example.org")).await;
    world.put_in(&format!("{GROUPS}/global/byGroupID/tel:+8253"), "police").await;
    ue.notify().await.says(&format!("{GROUPS}/global/byGroupID/sip:engine@example.org"), "-", next.as_str());
    // A refresh without a body keeps what was granted.
    call.next();
    ue.granted(&mut call).await;
    assert_eq!(ue.notify().await.documents.len(), 2);
    assert!(ue.is_quiet().await);

    for n in 0..200 {
        world.put(&format!("{GROUPS}/global/byGroupID/tel:+9{n:03}")).await;
    }
    let mut many = ue.call("sip:mcptt_psi@example.org", &[]);
    (many.body, many.psi, many.fields) = (String::new(), call.psi.clone(), call.fields.clone());
    assert_eq!(ue.status(&many).await, 413);
}

#[tokio::test]
async fn options_says_what_is_served() {
    let world = World::new().await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let text = format!(
        "OPTIONS sip:csc.example.org SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKo\r\nFrom: <sip:a@b>;tag=q\r\n\
         To: <sip:a@b>\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n\r\n",
        ue.local
    );
    let response = ue.ask(text).await;
    assert_eq!(response.status().code(), 200);
    assert_eq!(response.headers().tokens(Name::Allow).unwrap(), ["SUBSCRIBE", "OPTIONS"]);
    assert_eq!(response.headers().tokens(Name::AllowEvents).unwrap(), ["xcap-diff"]);
    assert_eq!(response.headers().accepts("application/resource-lists+xml"), Ok(Some(true)));
}
