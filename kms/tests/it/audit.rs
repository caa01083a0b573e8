//! The audit lines.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use csc_service::http::{Body, Peer};
use csc_types::Partition;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::server::{ALEX, KEY_SCOPE, Server, post};

/// All lines of all users, as stored.
async fn lines(server: &Server) -> BTreeMap<String, Vec<u8>> {
    let mut lines = BTreeMap::new();
    for partition in Partition::all() {
        let found = server.records.store().scan(partition, "kms.audit", "", None, 1000).await.unwrap();
        lines.extend(found.into_iter().filter_map(|(name, record)| Some((name, record.value?.to_vec()))));
    }
    lines
}

#[tokio::test]
async fn a_line_says_who_got_which_keys() {
    let server = Server::start(&[]).await;
    server.account(ALEX, |account| account.user_uris = vec!["sip:alex.kim@example.org".to_owned()]).await;
    let mut request = post("keyprov/sip:alex.kim@example.org")
        .header("access_token", server.token(ALEX, KEY_SCOPE))
        .body(Body::empty())
        .unwrap();
    let address: SocketAddr = "192.0.2.7:5000".parse().unwrap();
    request.extensions_mut().insert(Peer { address, certificate: None });
    let keys = server.send(request).await;
    keys.ok();

    let lines = lines(&server).await;
    assert_eq!(lines.len(), 2);
    assert!(lines.keys().all(|name| name.starts_with("tel:+82571009990/")));
    let first: Value = serde_json::from_slice(lines.values().next().unwrap()).unwrap();
    let pvt = hex::decode(keys.text("UserPubTokenPVT")).unwrap();
    let expected: [(&str, Value); 12] = [
        ("sequence", 1.into()),
        ("previous", "0".repeat(64).into()),
        ("time", "2026-11-20T00:00:00Z".into()),
        ("mcptt_id", ALEX.into()),
        ("identity", ALEX.into()),
        ("uid", keys.text("UserID").into()),
        ("period", 1655.into()),
        ("kms_uri", "kms.mcptt.com".into()),
        ("pvt_sha256", hex::encode(Sha256::digest(pvt)).into()),
        ("token", "token-1".into()),
        ("address", "192.0.2.7".into()),
        ("format", 1.into()),
    ];
    for (name, value) in expected {
        assert_eq!(first[name], value, "{name}");
    }
    let second: Value = serde_json::from_slice(lines.values().nth(1).unwrap()).unwrap();
    assert_eq!(second["identity"], "sip:alex.kim@example.org");
    assert_eq!(second["previous"], hex::encode(Sha256::digest(lines.values().next().unwrap())));
    let ssk = keys.text("UserSigningKeySSK");
    for line in lines.values() {
        let line = String::from_utf8(line.clone()).unwrap().to_uppercase();
        assert!(!line.contains(&ssk) && !line.contains(&keys.text("UserDecryptKey")[2..130]));
    }
}

#[tokio::test]
async fn the_chain_of_a_process_is_unbroken_across_users() {
    let server = Arc::new(Server::start(&[]).await);
    let users: Vec<String> = (0..12).map(|n| format!("sip:user{n}@example.org")).collect();
    for user in &users {
        server.account(user, |_| {}).await;
    }
    let requests: Vec<_> = users
        .iter()
        .map(|user| {
            let (server, token) = (Arc::clone(&server), server.token(user, KEY_SCOPE));
            tokio::spawn(async move {
                let request = post("keyprov").header("access_token", token).body(Body::empty()).unwrap();
                server.send(request).await.ok().text("UserUri")
            })
        })
        .collect();
    for (request, user) in requests.into_iter().zip(&users) {
        assert_eq!(request.await.unwrap(), *user);
    }
    let mut chain: Vec<(u64, String, Vec<u8>)> = lines(&server)
        .await
        .into_values()
        .map(|octets| {
            let line: Value = serde_json::from_slice(&octets).unwrap();
            (line["sequence"].as_u64().unwrap(), line["previous"].as_str().unwrap().to_owned(), octets)
        })
        .collect();
    chain.sort();
    let mut previous = "0".repeat(64);
    for (expected, (sequence, named, octets)) in (1..).zip(&chain) {
        assert_eq!((*sequence, named), (expected, &previous));
        previous = hex::encode(Sha256::digest(octets));
    }
    assert_eq!(chain.len(), users.len());
}

#[tokio::test]
async fn lines_are_kept_for_seven_days() {
    let server = Server::start(&[]).await;
    server.field("keyprov", "").await.ok();
    server.clock.advance(Duration::from_secs(7 * 86_400 - 1));
    assert_eq!(lines(&server).await.len(), 1);
    server.clock.advance(Duration::from_secs(1));
    assert_eq!(lines(&server).await.len(), 0);
}

#[tokio::test]
async fn a_refused_request_leaves_no_line() {
    let server = Server::start(&[]).await;
    server.field("init", "").await.ok();
    server.field("keyprov", "MCPTTID=tel:%2b82571009991").await.error(403);
    assert_eq!(lines(&server).await.len(), 0);
}
