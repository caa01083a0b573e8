//! What is logged of a request, at the most talkative level.

use std::io::Write;
use std::sync::{Arc, Mutex};

use crate::client::Client;
use crate::pki::Pki;
use crate::server::{Server, config};

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_path_no_query_no_header_no_body() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // For this thread, on which everything of this test runs.
    let _guard = tracing::subscriber::set_default(subscriber);

    let pki = Pki::new();
    let mut server = Server::start(config(&pki)).await;
    let mut client = Client::connect(server.address, &pki).await;
    let body = "Content-Length: 7\r\n\r\nhush-it";
    let head = "PUT /sample/body/hush-path?user_password=hush-query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hush\r\n";
    client.send(format!("{head}{body}")).await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 200);
    client.send("GET /sample/panic?hush HTTP/1.1\r\naccess_token: hush\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 500);
    client.send("GET /hush\r\nhush: hush\r\n\r\n").await.unwrap();
    assert_eq!(client.answer().await.unwrap().status, 400);
    server.stop();
    server.ended().await.unwrap();

    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("request") && logged.contains("sample"), "{logged}");
    assert!(!logged.contains("hush"), "{logged}");
}
