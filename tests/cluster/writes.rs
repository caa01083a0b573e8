//! Writers at two gms processes: nothing that was acknowledged is lost.

use bytes::Bytes;
use csc_tests::{DANA, INCIDENT};
use http::Request;
use tokio::task::JoinSet;

use crate::{GROUP_TYPE, Server, group, path};

/// Each writer adds itself to what it read and stores that under the tag it read, again and again until it succeeds.
#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_writers_of_one_document() {
    const WRITERS: usize = 64;
    let Some(server) = Server::start().await else { return };
    let mut console = server.ue(DANA).await;
    console.put(&path(INCIDENT), GROUP_TYPE, group(INCIDENT, "Incident", &[]), None).await.expect("a group");

    let member = |number: usize| format!("tel:+8299{number:04}");
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let mut console = server.ue(DANA).await;
        writers.spawn(async move {
            loop {
                let found = console.get(&path(INCIDENT)).await.expect("the group");
                let text = String::from_utf8(found.body.to_vec()).expect("UTF-8");
                let entry = format!("<entry uri=\"{}\"/></list>", member(number));
                let request = Request::put(format!("/{}", path(INCIDENT).replace('+', "%2B")))
                    .header("content-type", GROUP_TYPE)
                    .header("if-match", format!("\"{}\"", found.etag))
                    .body(Bytes::from(text.replace("</list>", &entry)));
                let answer = console.send(request.expect("a request")).await.expect("an answer");
                match answer.status().as_u16() {
                    200 => return,
                    412 | 503 => {}
                    other => panic!("{other}"),
                }
            }
        });
    }
    writers.join_all().await;
    let found = console.get(&path(INCIDENT)).await.expect("the group");
    let text = String::from_utf8(found.body.to_vec()).expect("UTF-8");
    for number in 0..WRITERS {
        assert_eq!(text.matches(&format!("\"{}\"", member(number))).count(), 1, "{}", member(number));
    }
    server.stop().await;
}
