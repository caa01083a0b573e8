//! Keys that come, change and stay away.

use std::time::Duration;

use super::*;
use crate::Reason;

struct Setup {
    source: Arc<Source>,
    clock: Arc<ManualClock>,
    verifier: Arc<TokenVerifier>,
}

fn setup(keys: &[Value]) -> Setup {
    let (source, clock) = (Source::of(keys), Arc::new(ManualClock::at(NOW)));
    let verifier = Arc::new(TokenVerifier::new(Arc::clone(&source) as _, config(), Arc::clone(&clock) as _));
    Setup { source, clock, verifier }
}

static NEXT: LazyLock<Signer> = LazyLock::new(|| Signer::new("next"));

#[tokio::test]
async fn keys_are_fetched_once() {
    let Setup { source, verifier, .. } = setup(&[OURS.jwk()]);
    assert!(!verifier.has_keys());
    for _ in 0..10 {
        assert!(verifier.verify_token(&OURS.token(&good())).await.is_ok());
    }
    assert!(verifier.has_keys());
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn many_at_once_cause_one_fetch() {
    let Setup { source, verifier, .. } = setup(&[OURS.jwk()]);
    let token: Arc<str> = OURS.token(&good()).into();
    let tasks = (0..50).map(|_| {
        let (verifier, token) = (Arc::clone(&verifier), Arc::clone(&token));
        tokio::spawn(async move { verifier.verify_token(&token).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert!(task.await.unwrap().is_ok());
    }
    assert_eq!(source.asked(), 1);
}

#[tokio::test]
async fn an_unknown_key_causes_one_refresh() {
    let Setup { source, clock, verifier } = setup(&[OURS.jwk()]);
    assert!(verifier.verify_token(&OURS.token(&good())).await.is_ok());
    source.set(&[OURS.jwk(), NEXT.jwk()]);
    clock.advance(Duration::from_secs(5));
    assert!(verifier.verify_token(&NEXT.token(&good())).await.is_ok());
    assert!(verifier.verify_token(&OURS.token(&good())).await.is_ok());
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn invented_keys_cause_few_refreshes() {
    let Setup { source, clock, verifier } = setup(&[OURS.jwk()]);
    let invented =
        |n: u32| OURS.raw(&json!({ "alg": "RS256", "kid": n.to_string() }).to_string(), &good().to_string());
    for n in 0..100 {
        assert_eq!(verifier.verify_token(&invented(n)).await, Err(Reason::Invalid));
    }
    assert_eq!(source.asked(), 1);
    clock.advance(Duration::from_secs(1));
    for n in 0..100 {
        assert_eq!(verifier.verify_token(&invented(n)).await, Err(Reason::Invalid));
    }
    assert_eq!(source.asked(), 2);
}

#[tokio::test]
async fn without_keys_ever_nothing_is_called_invalid() {
    let Setup { source, clock, verifier } = setup(&[]);
    for bad in [|source: &Source| source.fail(), |source: &Source| source.set(&[])] {
        bad(&source);
        clock.advance(Duration::from_secs(5));
        for token in [OURS.token(&good()), FOREIGN.token(&good())] {
            assert_eq!(verifier.verify_token(&token).await, Err(Reason::Unavailable));
        }
    }
    assert!(!verifier.has_keys());
    // What can be told without keys is told.
    assert_eq!(verifier.verify_token("x").await, Err(Reason::Malformed));
}

#[tokio::test]
async fn kept_keys_serve_while_the_source_is_down() {
    let Setup { source, clock, verifier } = setup(&[OURS.jwk()]);
    assert!(verifier.verify_token(&OURS.token(&good())).await.is_ok());
    source.fail();
    clock.advance(Duration::from_secs(60));
    assert!(verifier.verify_token(&OURS.token(&good())).await.is_ok());
    assert_eq!(verifier.verify_token(&FOREIGN.token(&good())).await, Err(Reason::Invalid));
    // A key nobody has heard of may be a new one: that cannot be found out now.
    assert_eq!(verifier.verify_token(&NEXT.token(&good())).await, Err(Reason::Unavailable));
    assert_eq!(verifier.verify_token(&NEXT.token(&good())).await, Err(Reason::Unavailable));
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_are_kept_fresh_and_withdrawn_ones_die() {
    let Setup { source, verifier, .. } = setup(&[OURS.jwk()]);
    source.fail();
    let fresh = tokio::spawn({
        let verifier = Arc::clone(&verifier);
        async move { verifier.keep_fresh().await }
    });
    while source.asked() < 3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!verifier.has_keys());
    source.set(&[OURS.jwk()]);
    while !verifier.has_keys() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(verifier.verify_token(&OURS.token(&good())).await.is_ok());
    source.set(&[NEXT.jwk()]);
    let asked = source.asked();
    while source.asked() == asked {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(verifier.verify_token(&OURS.token(&good())).await, Err(Reason::Invalid));
    fresh.abort();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_hangs_costs_two_seconds() {
    struct Hanging;
    #[async_trait]
    impl KeySource for Hanging {
        async fn jwks(&self) -> Result<String, KeySourceError> {
            std::future::pending().await
        }
    }
    let verifier = TokenVerifier::new(Arc::new(Hanging), config(), Arc::new(ManualClock::at(NOW)));
    let answer =
        tokio::time::timeout(Duration::from_secs(3), verifier.verify_token(&OURS.token(&good()))).await;
    assert_eq!(answer, Ok(Err(Reason::Unavailable)));
}
