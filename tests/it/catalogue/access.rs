//! Which of several mistakes is answered, and how soon an account that is switched off is off.

use std::time::Duration;

use csc_proto::identity::v1::PutUserRequest;
use csc_tests::raw::{self, Answer};
use csc_tests::sip::{Ask, Watchers};
use csc_tests::{ALEX, DANA, ENGINE_7, INCIDENT, ORGANISATION, SAM};

use crate::Server;

const ADMIN: (&str, &str) = ("tel:+82571009980", "control-room");
const PROFILE_TYPE: &str = "application/vnd.3gpp.mcptt-user-profile+xml";
const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";
const PATIENCE: Duration = Duration::from_secs(30);

/// A request with everything wrong that can be. It is put right mistake by mistake.
struct Attempt<'a> {
    server: &'a Server,
    method: &'a str,
    target: String,
    token: Option<String>,
    body: Vec<u8>,
    if_match: Option<String>,
    media_type: &'a str,
}

impl Attempt<'_> {
    async fn send(&self) -> Answer {
        let mut fields = vec![("Content-Type", self.media_type)];
        fields.extend(self.token.as_deref().map(|token| ("access_token", token)));
        fields.extend(self.if_match.as_deref().map(|tag| ("If-Match", tag)));
        let request = raw::request(self.method, &self.target, &fields, &self.body);
        raw::exchange(self.server.https(), &self.server.site().ca(), &request).await
    }

    /// Sends it and returns the answer, whose status is `want`.
    async fn expect(&self, want: u16, what: &str) -> Answer {
        let answer = self.send().await;
        assert_eq!(answer.status, want, "{what}: {answer:?}");
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_mistake_is_answered_by_cms() {
    let Some(server) = Server::start().await else { return };
    server.add_user(ADMIN, &["administrator"]).await;
    let token = async |user| Some(server.token(user).await);
    let profile = |user: &str| format!("/org.3gpp.mcptt.user-profile/users/{user}/user-profile");
    let good = server.ue(ALEX).await.get(&profile(ALEX.0)).await.expect("the profile");
    let large = [b"<mcptt-user-profile ".as_slice(), &[b' '; 2 << 20]].concat();
    let mut attempt = Attempt {
        server: &server,
        method: "PUT",
        target: "/org.3gpp.mcptt.user-profile/nowhere/%zz/user-profile".to_owned(),
        token: None,
        body: large,
        if_match: Some("\"another\"".to_owned()),
        media_type: "text/plain",
    };
    attempt.expect(400, "the request target").await;
    attempt.target = "/org.3gpp.mcptt.user-profile/nowhere/x/user-profile".to_owned();
    attempt.expect(401, "no token").await;
    attempt.token = Some("token".to_owned());
    attempt.expect(401, "no good token").await;
    attempt.token = token(ALEX).await;
    attempt.expect(404, "a tree that there is not").await;
    let token_of_alex = attempt.token.take();
    for (target, status) in [("/nothing/%zz", 400), ("/%00/x", 400), ("/nothing/users/x/y", 401)] {
        attempt.target = target.to_owned();
        attempt.expect(status, target).await;
    }
    attempt.token = token_of_alex;
    attempt.expect(404, "a usage that there is not").await;
    attempt.target = profile(SAM.0);
    attempt.expect(403, "another's document").await;
    attempt.target = profile(ALEX.0);
    let answer = attempt.expect(405, "an own document, which is written by others").await;
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    attempt.token = token(ADMIN).await;
    let answer = attempt.expect(413, "a large body").await;
    assert_eq!(answer.header("connection"), Some("close"));
    attempt.body = b"<mcptt-user-profile>".to_vec();
    attempt.expect(412, "another version").await;
    attempt.if_match = Some(format!("\"{}\"", good.etag));
    attempt.expect(415, "another media type").await;
    attempt.media_type = PROFILE_TYPE;
    let answer = attempt.expect(409, "not well-formed").await;
    assert!(answer.text().contains("<not-well-formed "), "{}", answer.text());
    // None of that left a trace: what was current still is.
    attempt.body = good.body.to_vec();
    let answer = attempt.expect(200, "nothing wrong").await;
    assert!(answer.body.is_empty());
    let now = answer.header("etag").expect("a tag").to_owned();
    assert_ne!(now, format!("\"{}\"", good.etag), "an equal document is a new version");
    attempt.method = "GET";
    attempt.body = Vec::new();
    attempt.if_match = None;
    let answer = attempt.expect(200, "it is there").await;
    assert_eq!((answer.header("etag"), &answer.body), (Some(now.as_str()), &good.body.to_vec()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_mistake_is_answered_by_gms() {
    let roots = "/other/ = other-fire, /fire/ = city-fire";
    let Some(server) =
        Server::start_with(&[("CSC_XCAP_ROOTS", roots), ("CSC_GMS_GROUP_SIZE", "64KiB")]).await
    else {
        return;
    };
    let token = async |user| Some(server.token(user).await);
    let good = server.ue(DANA).await.get(&group(INCIDENT)).await.expect("the group");
    let mut attempt = Attempt {
        server: &server,
        method: "PUT",
        target: format!("/other/{}", group("%00")),
        token: None,
        body: vec![b' '; 100 << 10],
        if_match: Some("\"another\"".to_owned()),
        media_type: "text/plain",
    };
    attempt.expect(400, "the request target").await;
    attempt.target = format!("/other/{}", group(INCIDENT));
    attempt.expect(401, "no token").await;
    attempt.token = token(ALEX).await;
    attempt.expect(404, "below the root of another organisation nothing exists").await;
    attempt.target = format!("/fire/{}", group(INCIDENT));
    attempt.expect(403, "a group of others").await;
    attempt.target = format!("/fire/org.openmobilealliance.groups/users/{}/{ENGINE_7}", ALEX.0);
    let answer = attempt.expect(405, "an own group, in the own tree").await;
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    attempt.token = token(DANA).await;
    attempt.expect(405, "a dispatcher, in another's tree").await;
    attempt.target = format!("/fire/org.openmobilealliance.groups/users/{}/{INCIDENT}", DANA.0);
    attempt.expect(413, "a dispatcher, in the own tree, with a large body").await;
    attempt.body = b"<group/>".to_vec();
    attempt.expect(412, "another version").await;
    attempt.if_match = Some(format!("\"{}\"", good.etag));
    attempt.expect(415, "another media type").await;
    attempt.media_type = GROUP_TYPE;
    attempt.expect(409, "another document").await;
    attempt.body = String::from_utf8_lossy(&good.body).replace(INCIDENT, ENGINE_7).into_bytes();
    let answer = attempt.expect(409, "another group's name").await;
    assert!(answer.text().contains("<constraint-failure "), "{}", answer.text());
    attempt.body = good.body.to_vec();
    let now = attempt.expect(200, "nothing wrong").await;
    let current = server.ue(SAM).await.get(&group(INCIDENT)).await.expect("a member reads");
    assert_eq!(now.header("etag"), Some(format!("\"{}\"", current.etag).as_str()));
    server.stop().await;
}

fn group(id: &str) -> String {
    format!("org.openmobilealliance.groups/global/byGroupID/{id}")
}

/// Switches Alex's account off, or on again.
async fn switch(server: &Server, disabled: bool) {
    let request = PutUserRequest {
        mcptt_id: ALEX.0.to_owned(),
        organisation: ORGANISATION.to_owned(),
        ue_ids: vec!["urn:uuid:6f1d2c4a-5b7e-4c39-9d10-0a2b4c6d8e01".to_owned()],
        disabled,
        ..PutUserRequest::default()
    };
    server.put_user(request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_off_at_once() {
    let Some(server) = Server::start().await else { return };
    let mut ue = server.ue(ALEX).await;
    let token = server.token(ALEX).await;
    let tree = format!("org.openmobilealliance.groups/users/{}", ALEX.0);
    let mut sip = server.sip_ue(ALEX).await;
    let mut subscription = sip.subscribe(&ue.profile().psi, &[&tree], 3600).await.expect("a subscription");
    sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");
    let mut others = Watchers::at(server.proxies()).await;
    others.add(&Ask::list(SAM.0, &[&format!("org.openmobilealliance.groups/users/{}", SAM.0)]));
    others.until("a first NOTIFY", |_, watcher| !watcher.told.is_empty()).await;

    let targets = [
        ("GET", format!("/org.3gpp.mcptt.user-profile/users/{}/user-profile", ALEX.0)),
        ("GET", format!("/org.openmobilealliance.xcap-directory/users/{}/directory.xml", ALEX.0)),
        ("GET", format!("/{tree}/{ENGINE_7}")),
        ("PUT", format!("/{tree}/{ENGINE_7}")),
        ("POST", "/keymanagement/identity/v1/init".to_owned()),
        ("POST", "/keymanagement/identity/v1/keyprov".to_owned()),
    ];
    let ask = async |method: &str, target: &str| {
        let request = raw::request(method, target, &[("access_token", &token), ("Content-Length", "0")], b"");
        raw::exchange(server.https(), &server.site().ca(), &request).await
    };
    for (method, target) in &targets {
        let want = if *method == "PUT" { 405 } else { 200 };
        assert_eq!(ask(method, target).await.status, want, "{target} before");
    }

    switch(&server, true).await;
    for (method, target) in &targets {
        let answer = ask(method, target).await;
        assert_eq!(answer.status, 401, "{method} {target}: {answer:?}");
        let challenge =
            "Bearer realm=\"csc\", error=\"invalid_token\", error_description=\"invalid_access_token\"";
        assert_eq!(answer.header("www-authenticate"), Some(challenge), "{method} {target}");
    }
    let last = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("the end of the subscription");
    assert_eq!(last.state, "terminated;reason=rejected");
    // 403 as long as the dialog is still known, 481 when it is forgotten.
    let error = sip.refresh(&mut subscription, 3600).await.expect_err("nothing to refresh").to_string();
    assert!(error.contains("403") || error.contains("481"), "{error}");
    let error = sip.subscribe(&ue.profile().psi, &[&tree], 3600).await.expect_err("no new one either");
    assert!(error.to_string().contains("403"), "{error}");
    let error = ue.refresh().await.err().expect("no new tokens").to_string();
    assert!(error.contains("invalid_refresh_token"), "{error}");
    let error = ue.login(&csc_service::OsEntropy).await.err().expect("no login").to_string();
    assert!(error.contains("pssword_is_not_matched"), "{error}");

    // Nobody else noticed, and what is switched on again works again.
    let mut sam = server.ue(SAM).await;
    assert_eq!(sam.groups().await.expect("a directory").len(), 2);
    switch(&server, false).await;
    ue.login(&csc_service::OsEntropy).await.expect("the password is what it was");
    assert_eq!(ue.groups().await.expect("a directory"), [ENGINE_7]);
    sip.subscribe(&ue.profile().psi, &[&tree], 3600).await.expect("a new subscription");
    let first = sip.notify(PATIENCE).await.expect("a good NOTIFY").expect("a first NOTIFY");
    assert_eq!(first.changes[0].sel, format!("{tree}/{ENGINE_7}"));
    assert_eq!(others.all().next().expect("Sam").told.len(), 1);
    server.stop().await;
}
