//! The request samples of the field interface specification get the answers it documents. Host, identity, token, code
//! and Content-Length are ours; all else stays as printed there: misspelling, double encoding, blanks, the
//! seven-character verifier, no client_id on refresh.

use csc_proto::identity::v1::PutUserRequest;
use csc_tests::raw::{self, Answer};
use csc_tests::{ALEX, ENGINE_7};
use serde_json::Value;

use crate::Server;

/// The scopes and settings that the specification's terminals assume.
const FIELD: [(&str, &str); 2] =
    [("CSC_SCOPES_FIELD_COMPAT", "true"), ("CSC_KMS_USER_DOMAINS", "ps-lte.com")];

/// The headers that the samples of the identity server carry.
const CLIENT: &str = "Host: csc.example.org\r\nConnection: keep-alive\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n\
                      User-Agent: python-requests/2.12.1\r\n";

/// A token that the specification prints: signed long ago by a key nobody here knows.
const FOREIGN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJtY3B0dF9pZCI6InRlbDorODI1MDEwMjAxMjMiLCJhdWQiOiJtY3B0dF9jbGllbnQiLCJleHAiOjE0OTM5NjU4MjksInNjb3BlIjpbIm9wZW5pZCIsIjNncHA6bWNwdHQ6cHR0X3NlcnZlciJdfQ.fj52cilAMBjlB1zg-zZ7_zcXOlJKJGqt1caz0FlpbNM2q-txWhT0LAMuCia0fNmmjVfTUqjek9zeIqHpdya9i1fTBPeF0VcztyDPSukIAex4oAfT8x6vMuP8W5kmgu2oPxu_C3g-lK81ART7_U96Hefanl3tvzxtMEtdSENjVCsLiWWSyxllIyfhRokz89k7nyJjZ7hRajU6qvn0NGYjUG6JvkCzHa3_UEhmQQQvE6l4HMaqLhlyUpstSQvBkJ7SGQz9maKOEiI5bPai0eT7Qw_Lf8n4FsQktFbjNFOi1cHzWkmNzYfreeKe_36Zu4uaS88I0EvCteQnBNM7fbmoRw";

async fn send(server: &Server, request: &str) -> Answer {
    raw::exchange(server.https(), &server.site().ca(), request.as_bytes()).await
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {answer:?}"))
}

/// The authentication request as printed, up to its challenge.
async fn authenticate(server: &Server) -> Answer {
    // base64url of the hex digest of SHA-256("1234567").
    let challenge = "OGJiMGNmNmViOWIxN2QwZjdkMjJiNDU2ZjEyMTI1N2RjMTI1NGUxZjAxNjY1MzcwNDc2MzgzZWE3NzZkZjQxNA";
    let request = format!(
        "GET /idms/authreq?acr_values=3gpp%3Aacr%3Apassword&state=abcdef&redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb\
         &response_type=code&client_id=MCPTT_UE&user_name=tel%3A%2B82571009990&scope=openid%25203gpp%3Amcptt%3Aptt_server\
         &user_password=FN2_tPfNzuemOaMjnL5UxizwNdx_aDE-faQ_xTNzhhk&code_challenge_method=S256\
         &code_challange={challenge} HTTP/1.1\r\n{CLIENT}Content-Type: application/json; charset=utf-8\r\n\r\n"
    );
    send(server, &request).await
}

async fn tokens(server: &Server) -> Value {
    let answer = authenticate(server).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let code = json(&answer)["code"].as_str().expect("a code").to_owned();
    let request = format!(
        "POST /idms/tokenreq?code={code}&code_verifier=1234567&grant_type=authorization_code&client_id=MCPTT_UE\
         &redirect_uri=http%3A%2F%2Fmcptt_client%2Fcb HTTP/1.1\r\n{CLIENT}Content-Type: application/x-www-form-urlencoded\r\n\
         Cookie: JSESSIONID=10C05AFA6C74885443BDC704EE4B1B86\r\nContent-Length: 0\r\n\r\n"
    );
    let answer = send(server, &request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json;charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    json(&answer)
}

/// `None` where such a server cannot be started.
async fn field_server() -> Option<Server> {
    let server = Server::start_with(&FIELD).await?;
    // The printed hash of a password that nobody here knows.
    let hash = "FN2_tPfNzuemOaMjnL5UxizwNdx_aDE-faQ_xTNzhhk".to_owned();
    let user = PutUserRequest {
        mcptt_id: ALEX.0.to_owned(),
        organisation: "city-fire".to_owned(),
        password_hash: Some(hash),
        ..PutUserRequest::default()
    };
    server.put_user(user).await;
    Some(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn csc1_login_and_refresh() {
    let Some(server) = field_server().await else { return };
    let answer = authenticate(&server).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("application/json;charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = json(&answer);
    assert_eq!(body["Location"], "http://mcptt_client/cb");
    assert_eq!(body["state"], "abcdef");

    let first = tokens(&server).await;
    assert_eq!(first["token_type"], "Bearer");
    assert_eq!(first["expires_in"], 7201);
    let refresh = first["refresh_token"].as_str().expect("a refresh token");
    assert!(first["id_token"].is_string() && first["access_token"].is_string(), "{first}");

    let form =
        format!("grant_type=refresh_token&refresh_token= {refresh} &scope=openid 3gpp:mcptt:ptt_server");
    let request = format!(
        "POST /idms/tokenrefresh  HTTP/1.1\r\nHost: csc.example.org\r\nCache-Control: no-cache\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    let answer = send(&server, &request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let second = json(&answer);
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(second["expires_in"], 7201);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csc2_and_csc4_documents() {
    let Some(server) = field_server().await else { return };
    let tokens = tokens(&server).await;
    let token = tokens["access_token"].as_str().expect("an access token");
    let user = ALEX.0;
    let get = |target: String, header: &'static str, token: String| {
        format!(
            "GET {target} HTTP/1.1\r\nHost: csc.example.org\r\naccess_token: {token}\r\n{header}: {user}\r\n\r\n"
        )
    };
    const ASSERTED: &str = "X-3GPP-Asserted-Identity";
    const INTENDED: &str = "X-3GPP-Intended-Identity";
    let group = format!("/org.openmobilealliance.groups/users/{user}/{ENGINE_7}");
    let profile = format!("/org.3gpp.mcptt.user-profile/users/{user}/user-profile");
    let service = format!("/org.3gpp.mcptt.service-config/users/{user}/service-config");
    let directory = format!("/org.openmobilealliance.xcap-directory/users/{user}/directory.xml");
    let name = format!("{group}/~~/group/list-service%5b@uri=%22{ENGINE_7}%22%5d/display-name");

    for (target, header, status, media_type) in [
        (group.clone(), ASSERTED, 200, "application/vnd.oma.poc.groups+xml"),
        (group.clone(), INTENDED, 200, "application/vnd.oma.poc.groups+xml"),
        (profile.clone(), ASSERTED, 200, "application/vnd.3gpp.mcptt-user-profile+xml"),
        // The sample has two blanks in front of the version.
        (format!("{service} "), ASSERTED, 200, "application/vnd.3gpp.mcptt-service-config+xml"),
        (directory, INTENDED, 200, "application/vnd.oma.xcap-directory+xml"),
        (name, INTENDED, 200, "application/xcap-el+xml"),
        // The two printed selectors name elements that no valid document has there.
        (format!("{profile}/~~/user-profile/Common/MCPTTUserID"), ASSERTED, 404, ""),
        (format!("{service}/~~/service-configuration/common/broadcast-group"), ASSERTED, 404, ""),
    ] {
        let answer = send(&server, &get(target.clone(), header, token.to_owned())).await;
        assert_eq!(answer.status, status, "{target}: {answer:?}");
        if status == 200 {
            let found = answer.header("content-type").unwrap_or_default();
            assert!(found.starts_with(media_type), "{target}: {found}");
            // The directory is made when asked for; every other answer carries the document's tag.
            assert!(
                answer.header("etag").is_some() || target.contains("xcap-directory"),
                "{target}: {answer:?}"
            );
        }
        let answer = send(&server, &get(target.clone(), header, FOREIGN.to_owned())).await;
        assert_eq!(answer.status, 401, "{target} with a printed token: {answer:?}");
        assert!(
            answer.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer realm=\"csc\""))
        );
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn csc8_certificate_and_keys() {
    let Some(server) = field_server().await else { return };
    let tokens = tokens(&server).await;
    let token = tokens["access_token"].as_str().expect("an access token");
    let form = "MCPTTID=tel:%2b82571009990&UserUri=tel:%2b82571009990@ps-lte.com";
    for (what, element) in [("init", "KmsCertificate"), ("keyprov", "KmsKeySet")] {
        for (token, status) in [(token, 200), (FOREIGN, 401)] {
            let request = format!(
                "POST /keymanagement/identity/v1/{what} HTTP/1.1\r\n{CLIENT}access_token: {token}\r\n\
                 X-3GPP-Asserted-Identity: tel:+82571009990\r\nContent-Type: application/x-www-form-urlencoded\r\n\
                 Cookie: session_id=sorryidontcare\r\nContent-Length: {}\r\n\r\n{form}",
                form.len()
            );
            let answer = send(&server, &request).await;
            assert_eq!(answer.status, status, "{what}: {answer:?}");
            assert_eq!(answer.header("content-type"), Some("application/xml"), "{what}");
            if status == 200 {
                let text = answer.text();
                assert!(text.contains("http://org.csc.kms"), "{text}");
                assert!(text.contains(&format!("<{element} ")), "{text}");
                assert!(text.contains("<UserUri>tel:+82571009990@ps-lte.com</UserUri>"), "{text}");
            }
        }
    }
    server.stop().await;
}
