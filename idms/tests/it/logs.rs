//! What the service writes into its log, at the most talkative level.

use std::io::Write;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use tracing_subscriber::fmt::MakeWriter;

use crate::world::{ALEX, PASSWORD, SECRET, VERIFIER, World, digest};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, octets: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(octets);
        Ok(octets.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_token_password_or_code() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());

    let world = World::new().await;
    let code = world.code().await;
    let answer = world.tokenreq(&code, &[]).await;
    let [access, refresh, id] = ["access_token", "refresh_token", "id_token"].map(|name| answer.text(name));
    let child = world.refresh(&refresh, &[]).await.text("refresh_token");
    world.refresh(&child, &[]).await;
    world.authreq(&[("user_password", &digest("wrong"))]).await;
    // Theft, twice: that is worth a line.
    assert_eq!(world.refresh(&refresh, &[]).await.status, StatusCode::BAD_REQUEST);
    let code_again = world.code().await;
    world.tokenreq(&code_again, &[]).await;
    world.tokenreq(&code_again, &[]).await;
    world.store.fail(Some(("idms.user", csc_store::StoreError::Damaged("test".to_owned()))));
    world.authreq(&[]).await;

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for line in ["refresh token used again", "authorization code used again", "request failed", ALEX] {
        assert!(log.contains(line), "no {line:?} in {log}");
    }
    let hashes = [digest(PASSWORD), digest("wrong"), digest(VERIFIER)];
    let secrets = [&code, &code_again, &access, &refresh, &id, &child].map(String::as_str);
    for secret in secrets.into_iter().chain(hashes.iter().map(String::as_str)).chain([PASSWORD, SECRET]) {
        assert!(!log.contains(secret), "{secret}");
        assert!(!log.contains(&secret[..16.min(secret.len())]), "a part of {secret}");
    }
}
