//! A server that dies and comes back with less of its file than it had.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use csc_store::{Store, Tail};
use csc_test_support::redis::Server;

use crate::alone::{Alone, get, put, somewhere, text};

/// The file that the server appends to.
fn appended(server: &Server) -> PathBuf {
    let folder = server.directory().join("appendonlydir");
    let files = std::fs::read_dir(folder).expect("it appends to a file");
    let paths = files.map(|file| file.expect("a file").path());
    paths.filter(|path| path.to_string_lossy().ends_with(".incr.aof")).max().expect("one grows")
}

/// The last write was torn by the crash. Nobody was answered yet, so nothing acknowledged is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_torn_tail_loses_nothing_acknowledged() {
    let Some(mut alone) = Alone::start("a_torn_tail_loses_nothing_acknowledged", &[]).await else { return };
    let position = alone.store.position(somewhere()).await.expect("the store answers");
    for n in 0..10 {
        put(alone.store.as_ref(), &n.to_string(), "there").await.expect("the store answers");
    }
    alone.server.kill();
    let mut file = OpenOptions::new().append(true).open(appended(&alone.server)).expect("the file is there");
    file.write_all(b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$4\r\nto").expect("the disk takes it");
    drop(file);
    tokio::task::block_in_place(|| {
        alone.server.run();
        alone.server.ready();
    });
    for n in 0..10 {
        let found = get(alone.store.as_ref(), &n.to_string()).await.expect("it is back");
        assert_eq!(text(&found), Some("there"));
    }
    let news = alone.store.tail(&[(somewhere(), position)], 100, Duration::ZERO).await;
    let [(_, Tail::Entries { entries, .. })] = &news.expect("it is back")[..] else { panic!("entries") };
    assert_eq!(entries.len(), 10);
}

/// The disk itself lost the last commits, acknowledged ones: a server alone cannot give them back, but no revision
/// repeats, and who has read on is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shortened_file_repeats_no_revision() {
    let Some(mut alone) = Alone::start("a_shortened_file_repeats_no_revision", &[]).await else { return };
    put(alone.store.as_ref(), "a", "kept").await.expect("the store answers");
    let early = alone.store.position(somewhere()).await.expect("the store answers");
    let size = std::fs::metadata(appended(&alone.server)).expect("the file is there").len();
    let lost = put(alone.store.as_ref(), "a", "lost").await.expect("the store answers");
    let late = alone.store.position(somewhere()).await.expect("the store answers");
    alone.server.kill();
    let file = OpenOptions::new().write(true).open(appended(&alone.server)).expect("the file is there");
    // In the middle of the next command.
    file.set_len(size + 20).expect("the disk takes it");
    drop(file);
    tokio::task::block_in_place(|| {
        alone.server.run();
        alone.server.ready();
    });
    let found = get(alone.store.as_ref(), "a").await.expect("it is back");
    assert_eq!(text(&found), Some("kept"), "the disk did lose it");
    let tail = async |cursor| {
        alone.store.tail(&[(somewhere(), cursor)], 10, Duration::ZERO).await.expect("it is back")
    };
    assert_eq!(tail(late).await, [(somewhere(), Tail::Lost)]);
    assert_eq!(tail(early).await, [], "a place from before is good");
    let again = put(alone.store.as_ref(), "a", "again").await.expect("it is back");
    assert!(again > lost, "{again} after {lost}");
    assert_eq!(tail(late).await, [(somewhere(), Tail::Lost)], "still");
}
