//! What is answered while something this service needs is away: 503 with Retry-After, never that a document is not there
//! or a token not good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use csc_auth::{KeySource, KeySourceError, TokenVerifier};
use csc_test_support::{ManualClock, SeededEntropy};
use csc_xcap_server::testing::{Answer, Bench, Client, NOW};
use http::{Method, StatusCode};

use crate::world::{DIRECTORY, PROFILE, PROFILE_TYPE, SERVICE_CONFIG, World, profile};

const VIEW: &str = "/org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
const ABSENT: &str = "/org.3gpp.mcptt.user-profile/users/tel:+8210/mcptt-user-profile-7.xml";

/// Every method on every kind of document.
async fn ask(client: &Client) -> Vec<Answer> {
    let mut answers = Vec::new();
    for target in [PROFILE, ABSENT, DIRECTORY, SERVICE_CONFIG, VIEW, &format!("/Org/F{PROFILE}")] {
        for method in [Method::GET, Method::HEAD, Method::DELETE, Method::POST] {
            answers.push(client.send(method, target, &[], "").await);
        }
        answers.push(client.put(target, PROFILE_TYPE, profile("")).await);
    }
    answers
}

#[track_caller]
fn later(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert!((1..=5).contains(&answer.header("retry-after").parse().unwrap()), "{answer:?}");
    assert_eq!(answer.header("www-authenticate"), "");
}

#[tokio::test]
async fn without_the_store_everything_is_to_be_tried_again() {
    let (world, store) = World::tricky().await;
    assert_eq!(world.store_profile(&profile("")).await.status, StatusCode::CREATED);
    store.silent.store(true, Ordering::SeqCst);
    for client in [world.owner(), world.administrator(), world.as_user("tel:+8277")] {
        ask(&client).await.iter().for_each(later);
    }
    store.silent.store(false, Ordering::SeqCst);
    assert_eq!(world.owner().get(PROFILE).await.status, StatusCode::OK, "nothing was deleted");
    assert_eq!(world.owner().get(ABSENT).await.status, StatusCode::NOT_FOUND);
}

/// Keys that can be had or not.
struct Keys {
    there: Arc<AtomicBool>,
    jwks: String,
}

#[async_trait]
impl KeySource for Keys {
    async fn jwks(&self) -> Result<String, KeySourceError> {
        let there = self.there.load(Ordering::SeqCst);
        if there { Ok(self.jwks.clone()) } else { Err(KeySourceError("down for a test".to_owned())) }
    }
}

#[tokio::test]
async fn without_the_identity_server_what_was_known_goes_on_and_what_never_was_is_to_be_tried_again() {
    let clock = Arc::new(ManualClock::at(NOW));
    let mut bench = Bench::new(clock.clone(), Arc::new(SeededEntropy::new(1)));
    let there = Arc::new(AtomicBool::new(false));
    let keys = Keys { there: Arc::clone(&there), jwks: bench.jwks.clone() };
    bench.verifier = Arc::new(TokenVerifier::new(Arc::new(keys), Bench::rules(), clock.clone()));
    let world = World::on(bench, &[], std::sync::Arc::new(csc_cms::Local)).await;
    ask(&world.owner()).await.iter().for_each(later);

    there.store(true, Ordering::SeqCst);
    clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(world.store_profile(&profile("")).await.status, StatusCode::CREATED);
    there.store(false, Ordering::SeqCst);
    clock.advance(std::time::Duration::from_secs(600));
    // A key nobody has heard of makes it ask, in vain; those at hand are kept until they are replaced.
    let token = world.bench.token("tel:+8210");
    let behind_header = token.find('.').unwrap();
    let mut other = world.owner();
    // {"alg":"ES256","kid":"k2"}
    other.token = Some(format!("eyJhbGciOiJFUzI1NiIsImtpZCI6ImsyIn0{}", &token[behind_header..]));
    later(&other.get(PROFILE).await);
    assert_eq!(world.owner().get(PROFILE).await.status, StatusCode::OK);
}
