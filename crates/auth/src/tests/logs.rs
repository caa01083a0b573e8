//! What is logged of a token, at the most talkative level: nothing.

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::*;
use crate::Resource;

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(octets)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_part_of_a_token() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let tokens = [
        OURS.token(&good()),
        OURS.token(&but("exp", json!(1))),
        OURS.token(&but("scope", json!("openid"))),
        FOREIGN.token(&good()),
        OURS.raw(r#"{"alg":"none","kid":"ours"}"#, "{}"),
        "not.a.token".to_owned(),
    ];
    let verifier = verifier();
    for token in &tokens {
        let _ = verifier.verify(&headers([("access_token", &**token)]), Resource::Cms).await;
    }
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("access token refused"), "{logged}");
    for part in tokens.iter().flat_map(|token| token.split('.')).filter(|part| part.len() > 8) {
        assert!(!logged.contains(part), "{logged}");
    }
    assert!(!logged.contains(USER) && !logged.contains("not.a.token"), "{logged}");
}
