//! Initial configuration of terminals, and what they may read before anybody has logged in.

use csc_xcap_server::testing::{Answer, Client};
use http::{Method, StatusCode};

use crate::world::{PROFILE, World, assert_conflict, profile};

const TYPE: &str = "application/vnd.3gpp.mcptt-ue-init-config+xml";
const IMEI: &str = "urn:gsma:imei:35643205-905062-0";

fn template(domain: &str, inside: &str) -> String {
    format!(
        "<mcptt-UE-initial-configuration xmlns=\"urn:3gpp:mcptt:mcpttUEinitConfig:1.0\" domain=\"{domain}\">{inside}\
         </mcptt-UE-initial-configuration>"
    )
}

fn for_imei(serial: &str) -> String {
    format!("<mcptt-UE-id><IMEI-range><TAC>35643205</TAC>{serial}</IMEI-range></mcptt-UE-id>")
}

fn of(ue: &str) -> String {
    format!("/org.3gpp.mcptt.ue-init-config/users/{ue}/{ue}")
}

async fn store(world: &World, name: &str, content: String) -> Answer {
    let target = format!("/org.3gpp.mcptt.ue-init-config/global/{name}");
    world.administrator().put(&target, TYPE, content).await
}

fn nobody(world: &World) -> Client {
    Client { token: None, ..world.owner() }
}

#[tokio::test]
async fn a_terminal_gets_its_copy_before_anybody_has_logged_in() {
    let world = World::new().await;
    let nobody = nobody(&world);
    assert_eq!(nobody.get(&of(IMEI)).await.status, StatusCode::NOT_FOUND);
    let stored = store(&world, "all.xml", template("all.example.org", "<name>all</name>")).await;
    assert_eq!(stored.status, StatusCode::CREATED);

    let copy = nobody.get(&of(IMEI)).await;
    assert_eq!(
        (copy.status, copy.header("content-type")),
        (StatusCode::OK, "application/vnd.3gpp.mcptt-ue-init-config+xml; charset=\"utf-8\"")
    );
    assert_eq!(
        copy.text(),
        format!(
            "<mcptt-UE-initial-configuration XUI-URI=\"sip:{IMEI}\" Instance-ID-URN=\"{IMEI}\" \
             xmlns=\"urn:3gpp:mcptt:mcpttUEinitConfig:1.0\" domain=\"all.example.org\"><name>all</name>\
             </mcptt-UE-initial-configuration>"
        )
    );
    // The tag lasts as long as the copy; it is another for another terminal.
    for target in [
        of(IMEI),
        format!("/org.3gpp.mcptt.ue-init-config/users/sip:{IMEI}/{IMEI}"),
        format!("/Org/F{}", of(IMEI)),
    ] {
        let again = nobody.get(&target).await;
        assert_eq!((again.etag(), &again.body), (copy.etag(), &copy.body), "{target}");
    }
    let unchanged = nobody.send(Method::GET, &of(IMEI), &[("if-none-match", &copy.etag())], "").await;
    assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
    assert_ne!(nobody.get(&of("urn:uuid:2")).await.etag(), copy.etag());
    let node = format!("{}/~~/mcptt-UE-initial-configuration/@XUI-URI", of(IMEI));
    assert_eq!(nobody.get(&node).await.text(), format!("sip:{IMEI}"));
    // Known users and other organisations read it as well; nobody writes it, and nobody unknown reads the template.
    for client in [world.owner(), world.as_user("tel:+8299"), world.administrator()] {
        assert_eq!(client.get(&of(IMEI)).await.body, copy.body);
        let put = client.put(&of(IMEI), TYPE, template("x", "")).await;
        assert_eq!((put.status.as_u16(), put.header("allow")), (405, "GET, HEAD"));
    }
    for method in [Method::PUT, Method::DELETE, Method::POST] {
        assert_eq!(nobody.send(method, &of(IMEI), &[], "").await.status, StatusCode::UNAUTHORIZED);
    }
    let master = "/org.3gpp.mcptt.ue-init-config/global/all.xml";
    assert_eq!(nobody.get(master).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(
        world.owner().put(master, TYPE, template("x", "")).await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
    // Another organisation has templates of its own.
    assert_eq!(nobody.get(&format!("/Org/P{}", of(IMEI))).await.status, StatusCode::NOT_FOUND);
    // A changed template counts at once.
    store(&world, "all.xml", template("all.example.org", "<name>new</name>")).await;
    let changed = nobody.get(&of(IMEI)).await;
    assert!(changed.text().contains("<name>new</name>") && changed.etag() != copy.etag());
    assert_eq!(world.administrator().delete(master).await.status, StatusCode::OK);
    assert_eq!(nobody.get(&of(IMEI)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_template_that_fits_best_is_taken() {
    let world = World::new().await;
    let this = format!("<mcptt-UE-id><Instance-ID-URN>{IMEI}</Instance-ID-URN></mcptt-UE-id>");
    let range = "<SNR-range><Low-SNR>900000</Low-SNR><High-SNR>999999</High-SNR></SNR-range>";
    for (name, inside) in [
        ("d.xml", String::new()),
        ("c.xml", for_imei("")),
        ("b.xml", for_imei(range)),
        ("a.xml", this),
        ("0.xml", for_imei("<SNR>000001</SNR>")),
    ] {
        assert_eq!(store(&world, name, template(name, &inside)).await.status, StatusCode::CREATED, "{name}");
    }
    let domain = |ue: &'static str| {
        let nobody = nobody(&world);
        async move {
            let copy = nobody.get(&of(ue)).await;
            assert!(!copy.text().contains("mcptt-UE-id"), "{}", copy.text());
            let (_, domain) = copy.text().split_once("domain=\"").unwrap();
            domain[..5].to_owned()
        }
    };
    assert_eq!(domain(IMEI).await, "a.xml");
    assert_eq!(domain("urn:gsma:imei:35643205-905063-0").await, "b.xml");
    assert_eq!(domain("urn:gsma:imei:356432058000000").await, "c.xml");
    assert_eq!(domain("urn:gsma:imei:35643205-000001-0").await, "0.xml");
    assert_eq!(domain("urn:uuid:00000000-0000-4000-8000-000000000001").await, "d.xml");
}

#[tokio::test]
async fn bad_templates_are_refused() {
    let world = World::new().await;
    let good = template("d", &for_imei("<SNR>1</SNR>"));
    assert_eq!(store(&world, "good.xml", good.clone()).await.status, StatusCode::CREATED);
    for (old, new) in [
        ("domain=\"d\"", ""),
        ("<TAC>35643205</TAC>", ""),
        ("35643205", "356432051"),
        ("<SNR>1</SNR>", "<SNR>x</SNR>"),
        ("mcptt-UE-initial-configuration", "mcptt-UE-configuration"),
    ] {
        assert_conflict(&store(&world, "bad.xml", good.replace(old, new)).await, "schema-validation-error");
    }
    assert_eq!(
        world
            .administrator()
            .put("/org.3gpp.mcptt.ue-init-config/global/x.xml", "text/xml", good)
            .await
            .status,
        415
    );
}

#[tokio::test]
async fn c3_the_default_profile_is_for_everybody_where_a_setting_says_so() {
    let open = [("CSC_XCAP_OPEN_PROFILES", "true")];
    for (settings, status) in [(&[][..], StatusCode::UNAUTHORIZED), (&open[..], StatusCode::OK)] {
        let world = World::with(settings).await;
        world.store_profile(&profile("<Name/>")).await;
        let nobody = nobody(&world);
        assert_eq!(nobody.get(PROFILE).await.status, StatusCode::UNAUTHORIZED, "no template names it");
        let named = "<Default-user-profile User-ID=\"tel:+8210\" user-profile-index=\"0\"/>";
        store(&world, "all.xml", template("d", named)).await;
        assert_eq!(nobody.get(PROFILE).await.status, status);
        let root = format!("/Org/F{PROFILE}");
        assert_eq!(nobody.get(&root).await.status, status);
        assert_eq!(nobody.send(Method::HEAD, PROFILE, &[], "").await.status, status);
        // No other profile, no other user, no other root, no other method; existing or not.
        for target in [
            "/org.3gpp.mcptt.user-profile/users/tel:+8210/user-profile-1.xml".to_owned(),
            "/org.3gpp.mcptt.user-profile/users/tel:+8211/user-profile".to_owned(),
            "/org.3gpp.mcptt.user-profile/users/tel:+8277/user-profile".to_owned(),
            format!("/Org/P{PROFILE}"),
        ] {
            assert_eq!(nobody.get(&target).await.status, StatusCode::UNAUTHORIZED, "{target}");
        }
        assert_eq!(nobody.delete(PROFILE).await.status, StatusCode::UNAUTHORIZED);
        let other = world.as_user("tel:+8211").get(PROFILE).await.status;
        assert_eq!(other == StatusCode::OK, status == StatusCode::OK);
    }
}
