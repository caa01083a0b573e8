//! Documents, bodies and paths that are made to cost more than they should.

use csc_tests::raw::{self, Answer};
use csc_tests::{DANA, ENGINE_7};

use super::{ADMIN, World, profile};

/// A document to be replaced: where, as what, by whom.
struct Place {
    path: String,
    media_type: &'static str,
    root: &'static str,
    token: String,
}

impl Place {
    /// One at each server of documents.
    async fn all(world: &World) -> [Self; 2] {
        [
            Self {
                path: profile(),
                media_type: "application/vnd.3gpp.mcptt-user-profile+xml",
                root: "<mcptt-user-profile xmlns=\"urn:3gpp:mcptt:user-profile:1.0\"",
                token: world.server.token(ADMIN).await,
            },
            Self {
                path: format!("org.openmobilealliance.groups/global/byGroupID/{ENGINE_7}"),
                media_type: "application/vnd.oma.poc.groups+xml",
                root: "<group xmlns=\"urn:oma:xml:poc:list-service\"",
                token: world.server.token(DANA).await,
            },
        ]
    }

    fn fields(&self) -> [(&str, &str); 2] {
        [("access_token", &self.token), ("Content-Type", self.media_type)]
    }

    async fn get(&self, world: &World) -> Answer {
        let answer = world.send("GET", &format!("/{}", self.path), &self.fields(), b"").await;
        assert_eq!(answer.status, 200, "{}: {answer:?}", self.path);
        answer
    }

    async fn put(&self, world: &World, body: &[u8]) -> Answer {
        world.send("PUT", &format!("/{}", self.path), &self.fields(), body).await
    }
}

/// Ten entities, each ten of the one before: a gigabyte when expanded.
fn bomb(root: &str) -> String {
    let mut text = String::from("<?xml version=\"1.0\"?><!DOCTYPE b [<!ENTITY e0 \"lol\">");
    for n in 1..10 {
        let ten = format!("&e{};", n - 1).repeat(10);
        text.push_str(&format!("<!ENTITY e{n} \"{ten}\">"));
    }
    format!("{text}]>{root}>&e9;</{}>", name(root))
}

fn name(root: &str) -> &str {
    root.trim_start_matches('<').split(' ').next().unwrap_or_default()
}

/// 64 KiB of elements in each other, each with a declaration of its own.
fn nested_declarations(root: &str) -> String {
    let (mut open, mut close) = (format!("{root}>"), String::new());
    let mut number = 0;
    while open.len() + close.len() < 64 * 1024 {
        open.push_str(&format!("<e xmlns:n{number}=\"urn:n{number}\">"));
        close.push_str("</e>");
        number += 1;
    }
    format!("{open}{close}</{}>", name(root))
}

/// 64 KiB of declarations on one element.
fn many_declarations(root: &str) -> String {
    let mut text = root.to_owned();
    let mut number = 0;
    while text.len() < 64 * 1024 {
        text.push_str(&format!(" xmlns:n{number}=\"urn:n{number}\""));
        number += 1;
    }
    text + "/>"
}

/// 64 KiB of nesting alone.
fn nested_elements(root: &str) -> String {
    let depth = 64 * 1024 / 7;
    format!("{root}>{}{}</{}>", "<e>".repeat(depth), "</e>".repeat(depth), name(root))
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_explode() {
    let Some(mut world) = World::new(&[]).await else { return };
    for place in Place::all(&world).await {
        let root = place.root;
        let end = name(root);
        let external = format!("<!DOCTYPE b [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>{root}>&e;</{end}>");
        let remote = format!("<!DOCTYPE b SYSTEM \"http://127.0.0.1:1/b.dtd\">{root}/>");
        let before = place.get(&world).await;
        for body in [
            bomb(root),
            external,
            remote,
            format!("<!DOCTYPE {end}>{root}/>"),
            nested_declarations(root),
            many_declarations(root),
            nested_elements(root),
        ] {
            let answer = place.put(&world, body.as_bytes()).await;
            let start: String = body.chars().take(80).collect();
            assert_eq!(answer.status, 409, "{start}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/xcap-error+xml"), "{start}");
            assert!(answer.text().contains("<constraint-failure "), "{start}: {}", answer.text());
            let after = place.get(&world).await;
            assert_eq!((before.header("etag"), &before.body), (after.header("etag"), &after.body), "{start}");
            world.goes_on().await;
        }
    }
    world.server.stop().await;
}

/// Ten MiB that look like the beginning of a document.
fn ten_mebibytes() -> Vec<u8> {
    let mut body = b"<a>".to_vec();
    body.resize(10 << 20, b' ');
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_ten_mebibytes() {
    let Some(mut world) = World::new(&[]).await else { return };
    let [cms, gms] = Place::all(&world).await;
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let token = ("access_token", cms.token.as_str());
    let targets = [
        ("PUT", format!("/{}", cms.path), cms.fields()),
        ("PUT", format!("/{}", gms.path), gms.fields()),
        ("POST", "/keymanagement/identity/v1/keyprov".to_owned(), [token, form]),
        ("POST", "/idms/tokenreq".to_owned(), [("Accept", "*/*"), form]),
    ];
    let body = ten_mebibytes();
    for (method, target, fields) in targets {
        let announced = raw::request(method, &target, &fields, &body);
        // The head alone: whoever waits for a go-ahead, or for the rest, gets the answer at once.
        let length = body.len().to_string();
        let waiting = [("Content-Length", length.as_str()), ("Expect", "100-continue")];
        let waiting = raw::request(method, &target, &[&fields[..], &waiting].concat(), b"");
        let chunked = [&fields[..], &[("Transfer-Encoding", "chunked")]].concat();
        let mut chunked = raw::request(method, &target, &chunked, b"");
        for chunk in body.chunks(64 * 1024) {
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        for (how, request) in [("announced", announced), ("waiting", waiting), ("chunked", chunked)] {
            let answer = raw::last_exchange(world.server.https(), &world.server.site().ca(), &request).await;
            assert_eq!(answer.status, 413, "{method} {target}, {how}: {answer:?}");
            assert_eq!(answer.header("connection"), Some("close"), "{method} {target}, {how}");
            world.goes_on().await;
        }
    }
    world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_mean_nothing() {
    let Some(mut world) = World::new(&[]).await else { return };
    let places = Place::all(&world).await;
    for place in &places {
        let auid = place.path.split('/').next().expect("a path");
        for end in [
            "users/%00/x",
            "users/tel:+8210%00/x",
            "users/tel:+8210/x%00",
            "%00",
            "users/tel:+8210/x/~~/a%00",
            "users/%zz/x",
            "users/%/x",
            "users/%c3%28/x",
        ] {
            let target = format!("/{auid}/{end}");
            // Before anybody asks for a token.
            for fields in [&[][..], &place.fields()] {
                for (method, body) in [("GET", &b""[..]), ("PUT", b"<a/>"), ("DELETE", b"")] {
                    let answer = world.send(method, &target, fields, body).await;
                    assert_eq!(answer.status, 400, "{method} {target}: {answer:?}");
                }
            }
            world.goes_on().await;
        }
        let answer = world.send("GET", &format!("/{auid}/users/..%2f..%2fx/y"), &place.fields(), b"").await;
        assert_eq!(answer.status, 404, "{answer:?}");
        world.goes_on().await;
    }
    let answer =
        world.send("POST", "/keymanagement/identity/v1/keyprov/%00", &places[0].fields()[..1], b"").await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    let answer = world.send("GET", "/idms/%00", &[], b"").await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    world.goes_on().await;
    world.server.stop().await;
}
