//! Views and generated documents.

use http::{Method, StatusCode};

use crate::world::{DIRECTORY, SERVICE_CONFIG, SERVICE_CONFIG_TYPE, World, profile, service_config};

#[tokio::test]
async fn x20_directory_and_capabilities() {
    let world = World::with(&[("CSC_XCAP_URL", "https://csc.example.org:4420/")]).await;
    let owner = world.owner();
    let empty = owner.get(DIRECTORY).await;
    assert_eq!(empty.status, StatusCode::OK);
    assert_eq!(empty.header("content-type"), "application/vnd.oma.xcap-directory+xml; charset=\"utf-8\"");
    assert!(
        empty.text().ends_with("<xcap-directory xmlns=\"urn:oma:xml:xdm:xcap-directory\"/>"),
        "{}",
        empty.text()
    );

    let profile_tag = world.store_profile(&profile("")).await.etag();
    let config = world.administrator().put(SERVICE_CONFIG, SERVICE_CONFIG_TYPE, service_config("")).await;
    let listed = owner.get(DIRECTORY).await;
    assert_ne!(listed.etag(), empty.etag());
    for (path, tag) in [
        ("org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-0.xml", profile_tag),
        ("org.3gpp.mcptt.service-config/users/tel:+8210/service-config", config.etag()),
    ] {
        let entry = format!("<entry uri=\"https://csc.example.org:4420/{path}\" etag={tag}/>");
        assert!(listed.text().contains(&entry), "{}", listed.text());
        let found = owner.get(&format!("/{path}")).await;
        assert_eq!((found.status, found.etag()), (StatusCode::OK, tag));
    }
    let by_root = owner.get(&format!("/Org/F{DIRECTORY}")).await;
    assert!(by_root.text().contains("\"https://csc.example.org:4420/Org/F/org.3gpp"), "{}", by_root.text());
    let headers = [("if-none-match", listed.header("etag"))];
    assert_eq!(owner.send(Method::GET, DIRECTORY, &headers, "").await.status, 304);
    let folder = format!("{DIRECTORY}/~~/xcap-directory/folder[@auid='org.3gpp.mcptt.user-profile']/@auid");
    assert_eq!(owner.get(&folder).await.text(), "org.3gpp.mcptt.user-profile");

    assert_eq!(world.as_user("tel:+8211").get(DIRECTORY).await.status, StatusCode::FORBIDDEN);
    let refused =
        world.administrator().put(DIRECTORY, "application/vnd.oma.xcap-directory+xml", "<x/>").await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET, HEAD"));

    let capabilities = owner.get("/xcap-caps/global/index").await;
    assert!(capabilities.text().contains("<auid>xcap-caps</auid>"));
    assert_eq!(capabilities.header("content-type"), "application/xcap-caps+xml; charset=\"utf-8\"");
}

#[tokio::test]
async fn x22_c4_service_configuration() {
    let world = World::new().await;
    let view = "/org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
    assert_eq!(world.owner().get(view).await.status, StatusCode::NOT_FOUND);
    let stored = world
        .administrator()
        .put(SERVICE_CONFIG, SERVICE_CONFIG_TYPE, service_config("<anyExt><a/></anyExt>"))
        .await;
    let seen = world.owner().get(view).await;
    assert_eq!((seen.text(), seen.etag()), (service_config("<anyExt><a/></anyExt>").as_str(), stored.etag()));
    let global = world.owner().get(SERVICE_CONFIG).await;
    assert_eq!((global.text(), global.etag()), (seen.text(), seen.etag()));
    for client in [world.owner(), world.administrator()] {
        for method in [Method::PUT, Method::DELETE] {
            let answer =
                client.send(method, view, &[("content-type", SERVICE_CONFIG_TYPE)], service_config("")).await;
            assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD"));
        }
    }
    // Each organisation has its own; below a root it needs no name.
    let foreign = world.as_user("tel:+8299");
    assert_eq!(foreign.get(SERVICE_CONFIG).await.status, StatusCode::FORBIDDEN);
    assert_eq!(
        foreign.put(SERVICE_CONFIG, SERVICE_CONFIG_TYPE, service_config("")).await.status,
        StatusCode::FORBIDDEN
    );
    let own = "/Org/P/org.3gpp.mcptt.service-config/global/service-config.xml";
    assert_eq!(
        foreign.put(own, SERVICE_CONFIG_TYPE, service_config("<anyExt><b/></anyExt>")).await.status,
        StatusCode::CREATED
    );
    let by_name = foreign.get("/org.3gpp.mcptt.service-config/global/police/service-config.xml").await;
    assert_eq!(by_name.text(), service_config("<anyExt><b/></anyExt>"));
    let own_view = foreign.get("/org.3gpp.mcptt.service-config/users/tel:+8299/service-config").await;
    assert_eq!((own_view.text(), own_view.etag()), (by_name.text(), by_name.etag()));
}
