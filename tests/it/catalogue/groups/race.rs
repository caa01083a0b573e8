//! Several dispatchers replace what they all have seen in the same version.

use csc_tests::{ENGINE_7, SAM};
use tokio::task::JoinSet;

use super::{Console, GROUP_TYPE, document, path, tag};

use crate::Server;

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_with_the_same_tag_one_wins() {
    let Some(server) = Server::start().await else { return };
    let target = path(ENGINE_7);
    let console = Console::at(&server).await;
    let before = tag(&console.send("GET", &target, &[], "").await);
    for round in 0..4 {
        let current = tag(&console.send("GET", &target, &[], "").await);
        let mut dispatchers = JoinSet::new();
        for number in 0..16 {
            let console = Console { token: console.token.clone(), ca: console.ca.clone(), ..console };
            let (target, tag) = (target.clone(), format!("\"{current}\""));
            dispatchers.spawn(async move {
                let body = document(ENGINE_7, &format!("round {round}, by {number}"), &[SAM.0.to_owned()]);
                let fields = [("Content-Type", GROUP_TYPE), ("If-Match", tag.as_str())];
                (console.send("PUT", &target, &fields, &body).await, body)
            });
        }
        let answers = dispatchers.join_all().await;
        let won: Vec<_> = answers.iter().filter(|(answer, _)| answer.status == 200).collect();
        let lost = answers.iter().filter(|(answer, _)| answer.status == 412).count();
        assert_eq!((won.len(), lost), (1, 15), "{answers:?}");

        let (answer, body) = won[0];
        let now = console.send("GET", &target, &[], "").await;
        assert_eq!((tag(&now), now.text()), (tag(answer), body.as_str()));
        assert!(![&before, &current].contains(&&tag(&now)), "a tag came twice");
    }
    server.stop().await;
}
