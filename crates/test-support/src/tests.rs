//! The servers start in each shape, survive being killed, and leave nothing behind.

use std::time::Duration;

use crate::redis::{Cluster, Replicated, Reply, Sentinels, Server};

/// Longer than a busy machine stands still: nobody else is to be replaced.
const SILENT: Duration = Duration::from_secs(5);

#[test]
fn a_server_keeps_its_data_over_a_kill_and_is_gone_when_dropped() {
    let Some(mut server) = Server::with("a_server", &[("requirepass", "secret")]) else { return };
    server.call(&["SET", "a", "1"]);
    server.restart();
    assert_eq!(server.call(&["GET", "a"]), Reply::Bulk(Some(b"1".to_vec())));
    server.freeze();
    server.thaw();
    server.ready();
    let (address, directory) = (server.address(), server.directory().to_owned());
    drop(server);
    assert!(!directory.exists());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_killed_server_leaves_no_directory() {
    let Some(mut server) = Server::start("a_killed_server") else { return };
    server.kill();
    let directory = server.directory().to_owned();
    assert!(directory.exists());
    drop(server);
    assert!(!directory.exists());
}

#[test]
fn replicas_follow() {
    let Some(all) = Replicated::start("replicas_follow", 2, &[]) else { return };
    all.master.call(&["SET", "a", "1"]);
    assert_eq!(all.master.call(&["PING"]).text(), "PONG");
    assert_eq!(all.servers().count(), 3);
}

#[test]
fn sentinels_replace_a_master() {
    let Some(mut all) = Sentinels::start("sentinels_replace_a_master", SILENT, &[]) else { return };
    let port = all.data.master.port();
    assert_eq!(all.master_port(), Some(port));
    all.data.master.kill();
    assert_ne!(all.failed_over(port), port);
}

#[test]
fn a_cluster_forms() {
    let Some(cluster) = Cluster::start("a_cluster_forms", 3, SILENT, &[]) else { return };
    assert_eq!((cluster.nodes.len(), cluster.masters().len()), (6, 3));
}
