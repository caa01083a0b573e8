//! What a well-behaved client gets.

use crate::client::{Client, VERSIONS, trusting};
use crate::pki::Pki;
use crate::server::{Server, config};

#[tokio::test]
async fn both_versions_of_tls_and_many_requests_on_a_connection() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    for version in VERSIONS {
        let mut client = Client::with(server.address, trusting(&pki, &[version], None)).await.unwrap();
        assert_eq!(client.version, Some(version.version));
        for n in 0..5 {
            let answer = client.get(&format!("/sample/{n}")).await;
            assert_eq!((answer.status, answer.text()), (200, format!("/sample/{n}").as_str()));
        }
    }
}

#[tokio::test]
async fn the_request_target_arrives_octet_for_octet() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let mut client = Client::connect(server.address, &pki).await;
    for target in [
        "/sample/users/tel:+82571009990/x",
        "/sample/users/tel%3A%2B82571009990/%00/a%2Fb//../.",
        r#"/sample/g/~~/group/list-service%5b@uri=%22tel:+8293315310133%22%5d/display-name"#,
        r#"/sample/g/~~/group/list-service[@uri="tel:+8293315310133"]/display-name"#,
        "/sample/g/~~/a:b?xmlns(a=urn:x)",
        "/%73ample/x",
        "/root/sample/x",
        "https://localhost/sample/x?a=b",
    ] {
        let answer = client.get(target).await;
        assert_eq!((answer.status, answer.text()), (200, target));
    }
    client.send("GET  /sample/x   HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "/sample/x");
    for target in ["/", "/other", "/root/other", "*", "/samples"] {
        assert_eq!(client.get(target).await.status, 404, "{target}");
    }
}

#[tokio::test]
async fn bodies_arrive_in_every_framing() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let mut client = Client::connect(server.address, &pki).await;
    let head = "PUT /sample/body HTTP/1.1\r\nHost: localhost\r\n";
    client.send(format!("{head}Content-Length: 5\r\n\r\nhello")).await.unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "5");
    client
        .send(format!("{head}Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"))
        .await
        .unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "5");
    client.send(format!("{head}\r\n")).await.unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "0");

    client.send(format!("{head}Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")).await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 100);
    client.send("hello").await.unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "5");

    // Two requests at once are answered one after the other.
    client.send(format!("{head}Content-Length: 1\r\n\r\nx{head}Content-Length: 2\r\n\r\nxx")).await.unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "1");
    assert_eq!(client.answer().await.unwrap().text(), "2");

    client.send("GET /sample/bare HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "/sample/bare");
    client.send("GET /sample/old HTTP/1.0\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().text(), "/sample/old");
    assert!(client.closed().await.is_empty());
}

#[tokio::test]
async fn head_has_no_body() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let mut client = Client::connect(server.address, &pki).await;
    client.send("HEAD /sample/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let answer = String::from_utf8(client.closed().await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_panic_costs_one_request() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    let mut client = Client::connect(server.address, &pki).await;
    assert_eq!(client.get("/sample/panic").await.status, 500);
    assert_eq!(client.get("/sample/x").await.status, 200);
}

#[tokio::test]
async fn what_two_readers_could_read_differently_is_refused() {
    let pki = Pki::new();
    let server = Server::start(config(&pki)).await;
    for framing in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
        "Content Length: 5",
        "Content-Length : 5",
        "Content-Length: 5\r\nHost: y",
    ] {
        let mut client = Client::connect(server.address, &pki).await;
        client.send(format!("PUT /sample/body HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\nhello")).await.unwrap();
        assert_eq!(client.answer().await.unwrap().status, 400, "{framing}");
        assert!(client.closed().await.is_empty(), "{framing}");
    }
}
