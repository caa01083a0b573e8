//! `csc ue`: a terminal for people. It prints what a terminal would keep.

use std::sync::Arc;
use std::time::Duration;

use clap::Subcommand;
use csc_types::Entropy;
use tokio::time::Instant;

use crate::ue::{Notify, Profile, SipUe, Ue};

/// What the terminal shall do.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Log in, fetch configuration, groups and keys.
    Boot,
    /// Fetch a document, or a part of one by node selector.
    Get {
        /// Below the XCAP root: `org.3gpp.mcptt.user-profile/users/<id>/user-profile`.
        path: String,
    },
    /// Subscribe to documents or collections and print every notification.
    Subscribe {
        /// Documents or collections below the XCAP root; without any: everything of this user.
        entries: Vec<String>,
        /// Seconds to ask for.
        #[arg(long, default_value_t = 3600)]
        expires: u32,
        /// Unsubscribe after this many notifications instead of going on until Ctrl-C.
        #[arg(long)]
        count: Option<u32>,
    },
    /// Fetch the KMS certificate and the current key set, and check them.
    Keys,
}

pub(crate) async fn run(profile: Profile, action: Action, entropy: Arc<dyn Entropy>) -> anyhow::Result<()> {
    let mut ue = Ue::new(profile)?;
    if let Action::Subscribe { entries, expires, count } = action {
        return subscribe(ue.profile(), entries, expires, count, entropy).await;
    }
    let expires = ue.login(&*entropy).await?.expires_in;
    match action {
        Action::Boot => {
            say!("logged in as {}, tokens for {expires} s", ue.user());
            boot(&mut ue).await
        }
        Action::Get { path } => {
            let document = ue.get(&path).await?;
            say!("{}", String::from_utf8_lossy(&document.body));
            Ok(())
        }
        Action::Keys => keys(&mut ue).await,
        Action::Subscribe { .. } => Ok(()),
    }
}

async fn boot(ue: &mut Ue) -> anyhow::Result<()> {
    let user = ue.user().clone();
    let mut paths = vec![
        format!("org.3gpp.mcptt.ue-config/users/{user}/ue-config"),
        format!("org.3gpp.mcptt.user-profile/users/{user}/user-profile"),
        format!("org.3gpp.mcptt.service-config/users/{user}/service-config"),
    ];
    paths.extend(
        ue.groups().await?.iter().map(|group| format!("org.openmobilealliance.groups/users/{user}/{group}")),
    );
    for path in paths {
        let document = ue.get(&path).await?;
        say!("{path}: {} octets, ETag {}", document.body.len(), document.etag);
    }
    keys(ue).await
}

async fn keys(ue: &mut Ue) -> anyhow::Result<()> {
    let certificate = ue.certificate().await?;
    let keys = ue.keys(&certificate).await?;
    say!(
        "KMS {}: keys of {} for period {}, RSK and SSK verified",
        certificate.kms_uri,
        keys.user_uri,
        keys.period
    );
    say!("UID {}", hex::encode(keys.uid.as_bytes()));
    Ok(())
}

/// Subscribes, prints, refreshes at half of the time granted, and unsubscribes at the end.
async fn subscribe(
    profile: &Profile,
    mut entries: Vec<String>,
    expires: u32,
    count: Option<u32>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<()> {
    let user = &profile.user;
    if entries.is_empty() {
        entries = vec![
            format!("org.3gpp.mcptt.user-profile/users/{user}/user-profile"),
            format!("org.3gpp.mcptt.service-config/users/{user}/service-config"),
            format!("org.openmobilealliance.groups/users/{user}"),
        ];
    }
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let mut sip = SipUe::bind(&profile.proxies()?, user.clone(), entropy).await?;
    let mut subscription = sip.subscribe(&profile.psi, &entries, expires).await?;
    say!("subscribed for {} s", subscription.expires);

    let mut left = count.unwrap_or(u32::MAX);
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    let half = |granted: u32| Instant::now() + Duration::from_secs(u64::from(granted / 2).max(1));
    let mut due = half(subscription.expires);
    while left > 0 {
        // However many notifications there are: without a refresh there would be no more of them.
        let patience = due.saturating_duration_since(Instant::now());
        if patience.is_zero() {
            sip.refresh(&mut subscription, expires).await?;
            due = half(subscription.expires);
            continue;
        }
        tokio::select! {
            _ = &mut stop => break,
            notify = sip.notify(patience) => if let Some(notify) = notify? {
                print(&notify);
                if notify.state.starts_with("terminated") {
                    return Ok(());
                }
                left -= 1;
            },
        }
    }
    sip.refresh(&mut subscription, 0).await?;
    if let Some(notify) = sip.notify(Duration::from_secs(5)).await? {
        print(&notify);
    }
    Ok(())
}

fn print(notify: &Notify) {
    say!("NOTIFY {} {}", notify.cseq, notify.state);
    for change in &notify.changes {
        let word = match (&change.previous, &change.new) {
            (None, _) => "is there",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "is gone",
        };
        say!(
            "  {} {word}{}",
            change.sel,
            change.new.as_ref().map_or_else(String::new, |etag| format!(", ETag {etag}"))
        );
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use csc_service::OsEntropy;
    use sip_codec::{Limits, Message, Name, Request, RequestBuilder, ResponseBuilder, Status};
    use tokio::net::UdpSocket;
    use tokio::time::timeout;

    use super::*;

    /// Much more often than a refresh is due, and seldom enough to be read where the tests are.
    const BETWEEN: Duration = Duration::from_millis(20);

    /// Grants two seconds and sends one NOTIFY after the other, until the subscription is refreshed: how often it was
    /// asked then.
    async fn proxy(socket: UdpSocket) -> u32 {
        let (mut asked, mut told) = (0, 0);
        let mut subscriber: Option<Request> = None;
        let mut buffer = vec![0; 65_535];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let message =
                Message::parse(Bytes::copy_from_slice(&buffer[..length]), &Limits::default()).unwrap();
            if let Message::Request(request) = message {
                asked += 1;
                let answer = ResponseBuilder::new(request.headers(), Status::OK, "proxy", from)
                    .header(Name::Contact, &format!("<sip:proxy@{}>", socket.local_addr().unwrap()))
                    .header(Name::Expires, "2");
                socket.send_to(answer.finish().unwrap().as_bytes(), from).await.unwrap();
                subscriber.get_or_insert(request);
            }
            let core = subscriber.as_ref().unwrap().core().unwrap();
            told += 1;
            tokio::time::sleep(BETWEEN).await;
            let state = if asked > 1 { "terminated;reason=timeout" } else { "active;expires=2" };
            let notify = RequestBuilder::new("NOTIFY", "sip:ue@127.0.0.1")
                .header(Name::Via, &format!("SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK{told}"))
                .header(Name::MaxForwards, "70")
                .header(Name::From, "<sip:csc_psi@example.org>;tag=proxy")
                .header(Name::To, "<sip:ue@example.org>;tag=ue")
                .header(Name::CallId, core.call_id)
                .header(Name::CSeq, &format!("{told} NOTIFY"))
                .header(Name::SubscriptionState, state);
            socket.send_to(notify.finish().unwrap().as_bytes(), from).await.unwrap();
            if asked > 1 {
                return asked;
            }
        }
    }

    #[tokio::test]
    async fn a_subscription_that_is_told_much_is_refreshed_too() {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let profile = Profile {
            server: String::new(),
            ca: "ca.pem".into(),
            user: "tel:+82571009990".parse().unwrap(),
            password: String::new(),
            client_id: "MCPTT_UE".parse().unwrap(),
            redirect_uri: String::new(),
            scope: String::new(),
            proxy: socket.local_addr().unwrap().to_string(),
            psi: "sip:csc_psi@example.org".to_owned(),
        };
        let both = async {
            let proxy = tokio::spawn(proxy(socket));
            subscribe(&profile, Vec::new(), 2, None, Arc::new(OsEntropy)).await.unwrap();
            proxy.await.unwrap()
        };
        assert_eq!(timeout(Duration::from_secs(30), both).await.expect("a refresh"), 2);
    }
}
