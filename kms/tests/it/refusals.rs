//! Every row of the error table: status, `KmsError` and headers, in both dialects.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use async_trait::async_trait;
use csc_proto::record::v1::account::Status;
use csc_service::http::Body;
use csc_store::testing::Between;
use csc_store::{Commit, CommitError, Key, Record, Store, StoreError};
use csc_types::{Partition, Revision};

use crate::server::{ALEX, KEY_SCOPE, NOW, Server, post};

const OTHER: &str = "tel:+82571009991";

#[tokio::test]
async fn tokens() {
    let server = Server::start(&[]).await;
    let field = async |token: &str| {
        server.send(post("keyprov").header("access_token", token).body(Body::empty()).unwrap()).await
    };
    let standard = async |token: &str| {
        let token = format!("Bearer {token}");
        server.send(post("keyprov").header("authorization", token).body(Body::empty()).unwrap()).await
    };
    let none = server.send(post("keyprov").body(Body::empty()).unwrap()).await;
    none.error(401);
    assert_eq!(none.header("www-authenticate"), r#"Bearer realm="csc""#);
    assert_eq!(none.text("UserUri"), "sip:anonymous@anonymous.invalid");

    let expired = server.token_until(ALEX, KEY_SCOPE, NOW - 60);
    let unknown = server.token(ALEX, "3gpp:mcptt:no_such_server");
    let openid = server.token(ALEX, "openid");
    let other = server.token(ALEX, "3gpp:mcptt:group_management_server");
    let damaged = server.token(ALEX, KEY_SCOPE).replacen('.', ".A", 1);
    for (token, in_field, description, in_standard) in [
        ("", 401, r#"error="invalid_request", error_description="invalid_parameter""#, 401),
        (&expired, 401, r#"error="invalid_token", error_description="access_token_is_expired""#, 401),
        (&damaged, 401, r#"error="invalid_token", error_description="invalid_access_token""#, 401),
        (&unknown, 401, r#"error="Invalid_scope", error_description="uknown_scope""#, 403),
        (&openid, 401, r#"error="insufficient_scope", error_description="not_permitted_scope""#, 403),
        (&other, 401, r#"error="insufficient_scope", error_description="not_permitted_scope""#, 403),
    ] {
        let answer = field(token).await;
        answer.error(in_field);
        assert!(
            answer.header("www-authenticate").ends_with(description),
            "{}",
            answer.header("www-authenticate")
        );
        let answer = standard(token).await;
        answer.error(in_standard);
        let error = if in_standard == 403 { "insufficient_scope" } else { "invalid_token" };
        let challenge = format!(r#"Bearer realm="csc", error="{error}""#);
        assert!(answer.header("www-authenticate").starts_with(&challenge), "{challenge}");
    }

    // The form makes a request one of the field dialect, whatever header its token came in.
    let form = post("keyprov").header("authorization", format!("Bearer {other}"));
    let answer = server.send(form.body(Body::from("MCPTTID=tel:%2b82571009990")).unwrap()).await;
    answer.error(401);
    assert!(answer.body.contains("http://org.csc.kms"));

    let two =
        post("init").header("access_token", &expired).header("authorization", format!("Bearer {other}"));
    server.send(two.body(Body::empty()).unwrap()).await.error(400);
    let identity = post("init")
        .header("access_token", server.token(ALEX, KEY_SCOPE))
        .header("x-3gpp-asserted-identity", OTHER);
    server.send(identity.body(Body::empty()).unwrap()).await.error(403);
}

#[tokio::test]
async fn accounts() {
    let server = Server::start(&[]).await;
    let unknown = post("init").header("access_token", server.token(OTHER, KEY_SCOPE));
    server.send(unknown.body(Body::empty()).unwrap()).await.error(404);

    server.account(ALEX, |account| account.status = Status::Disabled.into()).await;
    let disabled = server.field("keyprov", "").await;
    disabled.error(401);
    assert!(disabled.header("www-authenticate").contains("invalid_access_token"));

    server.account(ALEX, |account| account.kms_uri = "kms2.example.org".to_owned()).await;
    assert!(server.field("keyprov", "").await.error(403).contains("kms2.example.org"));
    server.account(ALEX, |account| account.kms_uri = "kms.mcptt.com".to_owned()).await;
    server.field("keyprov", "").await.ok();
}

#[tokio::test]
async fn nobody_gets_the_keys_of_someone_else() {
    let server = Server::start(&[("USER_DOMAINS", "ps-lte.com")]).await;
    server.account(OTHER, |account| account.user_uris = vec!["sip:kim@example.org".to_owned()]).await;
    for (path, body) in [
        ("keyprov/tel:+82571009991", ""),
        ("keyprov/tel%3A%2B82571009991/dc91ba3580000000", ""),
        ("keyprov", "MCPTTID=tel:%2b82571009991"),
        ("keyprov", "MCPTTID=tel:%2b82571009990&UserUri=tel:%2b82571009991@ps-lte.com"),
        ("keyprov", "UserUri=sip:kim@example.org"),
        ("keyprov", "<KmsRequest><UserUri>tel:+82571009991</UserUri></KmsRequest>"),
        ("keyprov/tel:+82571009990", "MCPTTID=tel:%2b82571009991"),
        ("init", "MCPTTID=tel:%2b82571009991"),
        ("keyprov/nobody", ""),
    ] {
        let message = server.field(path, body).await.error(403);
        assert_eq!(message, "the request names another user", "{path} {body}");
    }
    let other = "<KmsRequest><KmsUri>kms2.example.org</KmsUri></KmsRequest>";
    assert!(server.field("keyprov", other).await.error(403).contains("kms.mcptt.com"));
}

#[tokio::test]
async fn malformed_requests() {
    let server = Server::start(&[("BODY_LIMIT", "4KiB")]).await;
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><KmsRequest><UserUri>&b;</UserUri></KmsRequest>"#;
    let nested = "<a xmlns:a='a'>".repeat(200);
    for (path, body) in [
        ("keyprov", "x"),
        ("keyprov", "<KmsRequest>"),
        ("keyprov", bomb),
        ("keyprov", &nested),
        ("keyprov", "UserUri=%00"),
        ("keyprov/tel:+82571009990/0", ""),
        ("keyprov/tel:+82571009990/zzzzzzzzzzzzzzzz", ""),
        ("keyprov/%ff", ""),
    ] {
        server.field(path, body).await.error(400);
    }
    server.field("keyprov/%00", "").await.error(403);
    server.field("keyprov", &"a".repeat(4097)).await.error(413);
    let huge = post("keyprov").body(Body::from(vec![b'<'; 10 << 20])).unwrap();
    server.send(huge).await.error(413);
    server.field("keyprov", "").await.ok();
}

#[tokio::test]
async fn paths_and_methods() {
    let server = Server::start(&[]).await;
    for path in ["", "certcache", "init/x", "keyprov/"] {
        assert_eq!(server.field(path, "").await.head.status, 404, "{path}");
    }
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let request = post("init").method(method).body(Body::empty()).unwrap();
        let answer = server.send(request).await;
        assert_eq!(answer.head.status, 405);
        assert_eq!(answer.header("allow"), "POST");
    }
}

#[tokio::test]
async fn too_often() {
    let server = Server::start(&[("REQUESTS_PER_MINUTE", "2")]).await;
    server.account(OTHER, |_| {}).await;
    server.field("keyprov", "").await.ok();
    server.field("keyprov", "").await.ok();
    let answer = server.field("keyprov", "").await;
    answer.error(429);
    assert_eq!(answer.header("retry-after"), "60");
    server.advance(Duration::from_micros(59_999_900)).await;
    assert_eq!(server.field("keyprov", "").await.header("retry-after"), "1");
    server.field("init", "").await.ok();
    let other = post("keyprov").header("access_token", server.token(OTHER, KEY_SCOPE));
    server.send(other.body(Body::empty()).unwrap()).await.ok();
    server.advance(Duration::from_micros(100)).await;
    server.field("keyprov", "").await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn too_many_at_once() {
    let settings = [("WORKERS", "1"), ("QUEUE", "0"), ("REQUESTS_PER_MINUTE", "1000000")];
    let server = Arc::new(Server::start(&settings).await);
    // Whether two meet is up to the scheduler; that never happens a thousand times.
    for _ in 0..1000 {
        let all = [0, 1, 2, 3].map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { server.field("keyprov", "").await })
        });
        let mut turned_away = Vec::new();
        for one in all {
            let answer = one.await.unwrap();
            if answer.head.status != 200 {
                turned_away.push(answer);
            }
        }
        if let Some(answer) = turned_away.first() {
            answer.error(503);
            assert_eq!(answer.header("retry-after"), "1");
            server.field("keyprov", "").await.ok();
            return;
        }
    }
    panic!("nobody was turned away");
}

/// A store that writes no audit lines, and on demand does not even read.
struct Failing {
    store: Arc<dyn Store>,
    down: Arc<AtomicBool>,
}

impl Failing {
    fn down() -> StoreError {
        StoreError::Unavailable("down for a test".to_owned())
    }
}

#[async_trait]
impl Between for Failing {
    fn inner(&self) -> &dyn Store {
        &*self.store
    }

    async fn get(&self, partition: Partition, keys: &[Key]) -> Result<Vec<Record>, StoreError> {
        if self.down.load(SeqCst) { Err(Self::down()) } else { self.store.get(partition, keys).await }
    }

    async fn commit(&self, partition: Partition, commit: &Commit) -> Result<Revision, CommitError> {
        let audit = commit.puts.iter().any(|put| put.key.collection == "kms.audit");
        if audit { Err(Self::down().into()) } else { self.store.commit(partition, commit).await }
    }
}

#[tokio::test]
async fn no_keys_leave_without_a_durable_audit_line() {
    let server = Server::start_on(&[], |store| Arc::new(Failing { store, down: Arc::default() })).await;
    let answer = server.field("keyprov", "").await;
    answer.error(503);
    assert_eq!(answer.header("retry-after"), "2");
    assert!(!answer.body.contains("KmsKeySet"));
    server.field("init", "").await.ok();
}

#[tokio::test]
async fn an_unreachable_store_is_no_answer_about_users() {
    let down = Arc::new(AtomicBool::new(false));
    let failing = |store| Arc::new(Failing { store, down: Arc::clone(&down) }) as Arc<dyn Store>;
    let server = Server::start_on(&[], failing).await;
    down.store(true, SeqCst);
    let answer = server.field("keyprov", "").await;
    answer.error(503);
    assert_eq!(answer.header("retry-after"), "2");
    down.store(false, SeqCst);
    server.field("init", "").await.ok();
}
