//! `GET /idms/authreq`, row by row.

use csc_idms::domain::password::Cost;
use csc_idms::domain::user::User;
use csc_idms::records;
use csc_store::{Store as _, StoreError};
use csc_types::Partition;
use http::{Request, StatusCode};

use crate::world::{ALEX, PASSWORD, World, digest, encode, user};

#[tokio::test]
async fn the_sample_of_the_document() {
    let mut world = World::new().await;
    // The sample prints a password only as its hash.
    let hash = "FN2_tPfNzuemOaMjnL5UxizwNdx_aDE-faQ_xTNzhhk".to_owned();
    let mut alex = user(ALEX);
    (alex.password, alex.password_hash) = (None, Some(hash));
    world.directory.put_user(alex).await.unwrap();

    let target = "/idms/authreq?acr_values=3gpp%3Aacr%3Apassword&state=abcdef&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb&response_type=code&client_id=MCPTT_UE&user_name=tel%3A%2B82571009990&scope=openid%25203gpp%3Amcptt%3Aptt_server&user_password=FN2_tPfNzuemOaMjnL5UxizwNdx_aDE-faQ_xTNzhhk&code_challenge_method=S256&code_challange=OGJiMGNmNmViOWIxN2QwZjdkMjJiNDU2ZjEyMTI1N2RjMTI1NGUxZjAxNjY1MzcwNDc2MzgzZWE3NzZkZjQxNA";
    let request = Request::get(target).header("content-type", "application/json; charset=utf-8");
    let answer = world.send(request.body("".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.not_stored("application/json;charset=UTF-8");
    let code = answer.text("code");
    assert_eq!(
        answer.body,
        format!(r#"{{"Location":"http://mcptt_client/cb","code":"{code}","state":"abcdef"}}"#)
    );

    let target = format!(
        "/idms/tokenreq?code={code}&code_verifier=1234567&grant_type=authorization_code&client_id=MCPTT_UE&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb"
    );
    let request = Request::post(target).header("content-type", "application/x-www-form-urlencoded");
    let answer = world.send(request.body("".into()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
}

#[tokio::test]
async fn a_code_for_either_form_and_spelling_of_the_challenge() {
    let world = World::new().await;
    let hex_form = "OGJiMGNmNmViOWIxN2QwZjdkMjJiNDU2ZjEyMTI1N2RjMTI1NGUxZjAxNjY1MzcwNDc2MzgzZWE3NzZkZjQxNA";
    let rfc_form = "i7DPbrmxfQ99IrRW8SElfcElTh8BZlNwR2OD6ndt9BQ";
    for form in [hex_form, rfc_form] {
        for changes in [
            [("code_challenge", form), ("code_challange", "")],
            [("code_challenge", ""), ("code_challange", form)],
        ] {
            let code = world.authreq(&changes).await.text("code");
            assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_missing_parameter_is_invalid() {
    let world = World::new().await;
    for name in [
        "response_type",
        "scope",
        "acr_values",
        "code_challenge",
        "code_challenge_method",
        "user_name",
        "user_password",
    ] {
        world.authreq(&[(name, "")]).await.redirected("invalid_request", "invalid_parameter", "abcdef");
    }
    world.authreq(&[("state", "")]).await.redirected("invalid_request", "invalid_parameter", "");
    world.authreq(&[("user_name", ""), ("user_password", "")]).await.redirected(
        "invalid_request",
        "invalid_parameter",
        "abcdef",
    );
}

#[tokio::test]
async fn a_malformed_parameter_is_invalid() {
    let world = World::new().await;
    let long = "x".repeat(1025);
    for (name, value) in [
        ("response_type", "token"),
        ("response_type", "code token"),
        ("acr_values", "3gpp:acr:none"),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", "s256"),
        ("code_challenge", "1234567"),
        ("scope", "   "),
        ("scope", &long),
        ("user_name", &long),
        ("user_password", &long),
        ("nonce", &long),
        ("code_challange", "i7DPbrmxfQ99IrRW8SElfcElTh8BZlNwR2OD6ndt9BQ"),
    ] {
        let answer = world.authreq(&[(name, value)]).await;
        answer.redirected("invalid_request", "invalid_parameter", "abcdef");
    }
    let answer = world.authreq(&[("state", &long)]).await;
    answer.redirected("invalid_request", "invalid_parameter", "");
}

#[tokio::test]
async fn a_parameter_comes_once() {
    let world = World::new().await;
    for name in ["scope", "user_name", "x"] {
        let query = encode(&[(name, "openid"), (name, "openid")]);
        let good =
            "response_type=code&client_id=MCPTT_UE&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb&state=s";
        let answer = world.get(&format!("/idms/authreq?{good}&{query}")).await;
        answer.redirected("invalid_request", "invalid_parameter", "s");
    }
    // With two of these there is nobody to send the browser to.
    for name in ["client_id=MCPTT_UE", "redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb"] {
        let good = "client_id=MCPTT_UE&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb&state=s";
        let answer = world.get(&format!("/idms/authreq?{good}&{name}")).await;
        answer.refused("invalid_request", "invalid_parameter");
    }
}

#[tokio::test]
async fn nobody_is_sent_to_an_unregistered_place() {
    let world = World::new().await;
    for client in ["OTHER", "mcptt_ue", "MCPTT_UE ", "<script>", "\u{0}"] {
        let answer = world.authreq(&[("client_id", client)]).await;
        answer.refused("unauthorized_client", "uregistered_client_id");
    }
    world.authreq(&[("client_id", "")]).await.refused("invalid_request", "invalid_parameter");
    for uri in [
        "",
        "https://evil.example",
        "http://mcptt_client/cb/",
        "http://mcptt_client/CB",
        "http://mcptt_client/cb?x",
        "http://mcptt_client/cb#",
        "http://mcptt_client/cb\r\nX: y",
        "http://mcptt_client/c%62",
        "http://mcptt_client/cb/../evil",
    ] {
        let answer = world.authreq(&[("redirect_uri", uri)]).await;
        answer.refused("invalid_request", "invalid_parameter");
    }
}

#[tokio::test]
async fn a_redirect_uri_with_a_query_keeps_it() {
    let world = World::new().await;
    let uri = "https://app.example.org/cb?kind=field";
    let answer = world.authreq(&[("redirect_uri", uri), ("scope", "x")]).await;
    assert_eq!(
        answer.header("location"),
        format!("{uri}&code=&error=invalid_scope&error_description=uknown_scope&state=abcdef")
    );
    assert_eq!(world.authreq(&[("redirect_uri", uri)]).await.text("Location"), uri);
}

#[tokio::test]
async fn scopes() {
    let mut world = World::new().await;
    world.authreq(&[("scope", "openid email")]).await.redirected("invalid_scope", "uknown_scope", "abcdef");
    let foreign = "openid 3gpp:mcptt:key_management_server";
    world.authreq(&[("scope", foreign)]).await.redirected("invalid_scope", "not_permitted_scope", "abcdef");

    let mut alex = user(ALEX);
    alex.scopes = vec!["openid".to_owned()];
    world.directory.put_user(alex).await.unwrap();
    let answer = world.authreq(&[]).await;
    answer.redirected("invalid_scope", "not_permitted_scope", "abcdef");
    // Who does not know the password does not learn what the user may.
    let answer = world.authreq(&[("user_password", &digest("wrong"))]).await;
    answer.redirected("auth_fail", "pssword_is_not_matched", "abcdef");
    assert_eq!(world.authreq(&[("scope", "openid")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whatever_does_not_match_is_one_answer() {
    let mut world = World::new().await;
    let mut gone = user("tel:+82571000001");
    gone.disabled = true;
    world.directory.put_user(gone).await.unwrap();
    for (name, password) in [
        (ALEX, digest("wrong")),
        (ALEX, PASSWORD.to_owned()),
        (ALEX, digest(&digest(PASSWORD))),
        (ALEX, "\u{0}".to_owned()),
        ("tel:+82571000001", digest(PASSWORD)),
        ("tel:+82571000002", digest(PASSWORD)),
        ("nobody", digest(PASSWORD)),
        ("tel:+82 571", digest(PASSWORD)),
    ] {
        let answer = world.authreq(&[("user_name", name), ("user_password", &password)]).await;
        answer.redirected("auth_fail", "pssword_is_not_matched", "abcdef");
    }
    assert_eq!(world.counted(r#"csc_idms_logins_total{outcome="no_match"}"#), 8);
    // Two spellings of one name are one user.
    let answer = world.authreq(&[("user_name", "TEL:+82571009990")]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_state_comes_back_unchanged() {
    let world = World::new().await;
    let state = "a&b=c \"\\\r\nSet-Cookie: é%20";
    assert_eq!(world.authreq(&[("state", state)]).await.text("state"), state);
    let answer = world.authreq(&[("state", state), ("scope", "x")]).await;
    let query = answer.header("location").split_once('?').unwrap().1;
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    assert_eq!(fields.last().unwrap(), &("state".to_owned(), state.to_owned()));
    assert_eq!(fields.len(), 4);
}

#[tokio::test]
async fn a_fault_inside_is_server_error_and_a_store_that_is_away_is_503() {
    let world = World::new().await;
    world.store.fail(Some(("idms.user", StoreError::Damaged("test".to_owned()))));
    world.authreq(&[]).await.redirected("server_error", "Internal_server_error", "abcdef");
    for collection in ["idms.user", "idms.client"] {
        world.store.fail(Some((collection, StoreError::Unavailable("test".to_owned()))));
        let answer = world.authreq(&[]).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!((1..=5).contains(&answer.header("retry-after").parse().unwrap()));
        assert!(!answer.body.contains("test"));
    }
    world.store.fail(Some(("idms.client", StoreError::Damaged("test".to_owned()))));
    let answer = world.authreq(&[]).await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answer.text("error_description"), "Internal_server_error");
    world.store.fail(None);
    assert_eq!(world.authreq(&[]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn guessing_is_slowed_down_for_the_guesser_only() {
    let mut world = World::new().await;
    let wrong = digest("wrong");
    // Whether there is such a user makes no difference.
    for name in [ALEX, "tel:+82571000002"] {
        let guess = [("user_name", name), ("user_password", wrong.as_str())];
        for _ in 0..10 {
            world.authreq(&guess).await.redirected("auth_fail", "pssword_is_not_matched", "abcdef");
        }
        let answer = world.authreq(&guess).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (StatusCode::TOO_MANY_REQUESTS, "31"),
            "{name}"
        );
    }
    // Not even the right password: a guesser would learn that it is.
    assert_eq!(world.authreq(&[]).await.status, StatusCode::TOO_MANY_REQUESTS);
    world.move_to("198.51.100.1:1024");
    assert_eq!(world.authreq(&[]).await.status, StatusCode::OK);
    world.move_to("192.0.2.1:9");
    world.advance(31);
    assert_eq!(world.authreq(&[]).await.status, StatusCode::OK);
    // The address has its own limit, whatever the names.
    for n in 0..100 {
        world.authreq(&[("user_name", &format!("guess {n}")), ("user_password", &wrong)]).await;
    }
    assert_eq!(world.authreq(&[]).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_full_hashing_queue_is_503_for_known_and_unknown_users() {
    let world = World::with(|config| {
        config.hashing = csc_idms::hashing::Limits { workers: 1, waiting: 0 };
        config.password_cost = Cost { memory: 65_536, passes: 2, lanes: 1 };
    })
    .await;
    for name in [ALEX, "tel:+82571000002", "nobody"] {
        let changes = [("user_name", name)];
        let requests: Vec<_> = (0..8).map(|_| world.authreq(&changes)).collect();
        let answers = futures::future::join_all(requests).await;
        let full: Vec<_> =
            answers.iter().filter(|answer| answer.status == StatusCode::SERVICE_UNAVAILABLE).collect();
        assert!(!full.is_empty(), "{name}");
        assert!(full.iter().all(|answer| !answer.header("retry-after").is_empty()));
    }
}

#[tokio::test]
async fn guesses_at_once_are_as_many_as_guesses_in_turn() {
    let world = World::new().await;
    let wrong = digest("wrong");
    let guess = [("user_password", wrong.as_str())];
    let answers = futures::future::join_all((0..100).map(|_| world.authreq(&guess))).await;
    let tried = answers.iter().filter(|answer| answer.status == StatusCode::FOUND).count();
    assert_eq!(tried, 10);
    // Logins that succeed at once do not stand in each other's way, nor count afterwards.
    world.advance(300);
    for _ in 0..5 {
        let answers = futures::future::join_all((0..10).map(|_| world.authreq(&[]))).await;
        assert!(answers.iter().all(|answer| answer.status == StatusCode::OK));
    }
}

#[tokio::test]
async fn a_guess_counts_though_nobody_waits_for_the_answer() {
    let world = World::with(|config| {
        config.password_cost = Cost { memory: 8192, passes: 2, lanes: 1 };
    })
    .await;
    let wrong = digest("wrong");
    let guess = [("user_password", wrong.as_str())];
    for _ in 0..10 {
        let reads = world.store.user_reads();
        let mut given_up = Box::pin(world.authreq(&guess));
        // Once the user is read, the same step goes on to hash the password.
        while world.store.user_reads() == reads {
            assert!(futures::poll!(&mut given_up).is_pending());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(world.authreq(&guess).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn what_is_no_text_is_malformed() {
    let world = World::new().await;
    let good = "client_id=MCPTT_UE&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb&response_type=code&acr_values=3gpp%3Aacr%3Apassword&scope=openid&code_challenge_method=S256";
    let login = encode(&[
        ("user_name", ALEX.to_owned()),
        ("user_password", digest(PASSWORD)),
        ("code_challenge", digest("1234567")),
    ]);
    let answer = world.get(&format!("/idms/authreq?{good}&{login}&state=a%EF%BF%BD")).await;
    assert_eq!(answer.text("state"), "a\u{fffd}");
    // It could not come back unchanged.
    let answer = world.get(&format!("/idms/authreq?{good}&{login}&state=a%FF")).await;
    answer.redirected("invalid_request", "invalid_parameter", "");
    let answer = world.get(&format!("/idms/authreq?{good}&{login}&state=a&x%FF=1")).await;
    answer.redirected("invalid_request", "invalid_parameter", "a");
}

#[tokio::test]
async fn a_login_renews_a_hash_of_another_cost_and_no_more() {
    let costly = Cost { memory: 16, passes: 2, lanes: 1 };
    let world = World::new().await;
    let before = stored_user(&world).await;
    assert_ne!(before.password.cost, costly);
    let code = world.code().await;
    let world = world.restart_with(|config| config.password_cost = costly).await;
    world.authreq(&[("user_password", &digest("wrong"))]).await;
    assert!(stored_user(&world).await == before);
    assert_eq!(world.authreq(&[]).await.status, StatusCode::OK);
    let after = stored_user(&world).await;
    assert_eq!(after.password.cost, costly);
    assert!(User { password: before.password.clone(), ..after.clone() } == before);
    // What was granted before is still good, and so is the password.
    assert_eq!(world.tokenreq(&code, &[]).await.status, StatusCode::OK);
    assert_eq!(world.authreq(&[]).await.status, StatusCode::OK);
    assert!(stored_user(&world).await == after, "renewed once");
}

async fn stored_user(world: &World) -> User {
    let key = records::user_key(&ALEX.parse().unwrap());
    let found = world.store.get(Partition::of(ALEX), std::slice::from_ref(&key)).await.unwrap();
    records::read(&key, &found[0]).unwrap().unwrap()
}
