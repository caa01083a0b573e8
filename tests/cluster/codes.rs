//! An authorization code is good once, wherever it is used and whatever happens to Redis meanwhile.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use csc_tests::raw::{self, Answer};
use csc_tests::{ALEX, Client};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;

use crate::Server;

const USES: usize = 100;
const VERIFIER: &str = "0123456789012345678901234567890123456789abc";

/// A code for Alex.
async fn code(client: &Client) -> String {
    let hash = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(text));
    let scope = "openid%203gpp%3Amcptt%3Aptt_server";
    let target = format!(
        "/idms/authreq?response_type=code&client_id=MCPTT_UE&scope={scope}&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb\
         &state=s&acr_values=3gpp%3Aacr%3Apassword&code_challenge={}&code_challenge_method=S256&user_name={}\
         &user_password={}",
        hash(VERIFIER),
        ALEX.0.replace(':', "%3A").replace('+', "%2B"),
        hash(ALEX.1)
    );
    let answer =
        raw::exchange(client.https(), &client.site().ca(), &raw::request("GET", &target, &[], b"")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body: Value = serde_json::from_slice(&answer.body).expect("JSON");
    body["code"].as_str().expect("a code").to_owned()
}

async fn spend(client: &Client, code: &str) -> Answer {
    let target = format!(
        "/idms/tokenreq?grant_type=authorization_code&code={code}&client_id=MCPTT_UE\
         &redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb&code_verifier={VERIFIER}"
    );
    let request = raw::request("POST", &target, &[("Content-Length", "0")], b"");
    raw::exchange(client.https(), &client.site().ca(), &request).await
}

/// Uses one code many times at once.
fn uses(client: &Client, code: &str) -> JoinSet<u16> {
    let mut uses = JoinSet::new();
    for _ in 0..USES {
        let (client, code) = (client.clone(), code.to_owned());
        uses.spawn(async move { spend(&client, &code).await.status });
    }
    uses
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_over_two_processes() {
    let Some(server) = Server::start().await else { return };
    let code = code(&server).await;
    let statuses = uses(&server, &code).join_all().await;
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(200), count(400)), (1, USES - 1), "{statuses:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_across_a_failover() {
    let Some(mut server) = Server::watched(&[]).await else { return };
    let client = Client::clone(&server);
    let code = code(&client).await;
    let mut uses = uses(&client, &code);
    // The first answer shows that the others are under way.
    let first = uses.join_next().await.expect("a hundred uses").expect("no panic");
    server.kill_master();
    let mut statuses = uses.join_all().await;
    statuses.push(first);
    // Whoever was not answered tries again, as terminals do, until the store is back.
    while spend(&client, &code).await.status >= 500 {}
    let late = spend(&client, &code).await;
    assert_eq!(late.status, 400, "{late:?}");
    let good = statuses.iter().filter(|status| **status == 200).count();
    assert!(good <= 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 400 | 502 | 503 | 504)), "{statuses:?}");
    assert!(good == 1 || statuses.iter().any(|status| *status >= 500), "{statuses:?}");
}
