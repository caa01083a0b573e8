//! POST, where a usage knows a question.

use http::Method;

use crate::world::{DOCUMENT, TYPE, World, outcome};

const GLOBAL: &str = "/test-app/global/fire/index";
const QUESTION: &str = "application/question+xml";

#[tokio::test]
async fn a_question_is_answered() {
    let world = World::new().await;
    let stored = world.as_user(3).put(GLOBAL, TYPE, "<r><a/><b/></r>").await;
    assert_eq!(stored.status, 201, "{stored:?}");
    let ask = async |who: u32, target: &str, media_type: &str, body: &str| {
        world.as_user(who).send(Method::POST, target, &[("content-type", media_type)], body.to_owned()).await
    };
    let answer = ask(2, GLOBAL, QUESTION, "<count/>").await;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "3"), "{answer:?}");
    assert_eq!(answer.etag(), stored.etag());
    assert!(answer.header("content-type").starts_with(TYPE));
    for (who, target, media_type, body, status) in [
        (2, GLOBAL, QUESTION, "<other/>", 501),
        (2, GLOBAL, QUESTION, "<count>", 409),
        (2, GLOBAL, TYPE, "<count/>", 415),
        (4, GLOBAL, QUESTION, "<count/>", 403),
        (2, "/test-app/global/fire/missing", QUESTION, "<count/>", 404),
        (1, DOCUMENT, QUESTION, "<count/>", 405),
        (2, "/test-app/global/fire/index/~~/r", QUESTION, "<count/>", 405),
    ] {
        let answer = ask(who, target, media_type, body).await;
        assert_eq!(answer.status, status, "{target} {body} {:?}", outcome(&answer));
    }
    let long = format!("<count>{}</count>", " ".repeat(20_000));
    assert_eq!(ask(2, GLOBAL, QUESTION, &long).await.status, 413);
    let etag = stored.etag();
    for (name, value, status) in [
        ("if-match", etag.as_str(), 200),
        ("if-match", "*", 200),
        ("if-match", "\"x\"", 412),
        ("if-none-match", &etag, 412),
        ("if-none-match", "*", 412),
        ("if-none-match", "\"x\"", 200),
        ("content-encoding", "gzip", 415),
        ("content-encoding", "identity", 200),
    ] {
        let headers = [("content-type", QUESTION), (name, value)];
        let answer = world.as_user(2).send(Method::POST, GLOBAL, &headers, "<count/>").await;
        assert_eq!(answer.status, status, "{name}: {value}");
    }
    // It is named where it is answered.
    let answer = world.as_user(2).send(Method::PATCH, GLOBAL, &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD, POST"));
    assert_eq!(world.as_user(2).get(GLOBAL).await.etag(), stored.etag());
}
