//! `csc ue`: a terminal for people. It prints what a terminal would keep.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Subcommand;
use csc_types::Entropy;

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

#[allow(clippy::print_stdout, reason = "a command for people")]
pub(crate) async fn run(profile: Profile, action: Action, entropy: Arc<dyn Entropy>) -> anyhow::Result<()> {
    let mut ue = Ue::new(profile)?;
    if let Action::Subscribe { entries, expires, count } = action {
        return subscribe(ue.profile(), entries, expires, count, entropy).await;
    }
    let expires = ue.login(&*entropy).await?.expires_in;
    match action {
        Action::Boot => {
            println!("logged in as {}, tokens for {expires} s", ue.user());
            boot(&mut ue).await
        }
        Action::Get { path } => {
            let document = ue.get(&path).await?;
            println!("{}", String::from_utf8_lossy(&document.body));
            Ok(())
        }
        Action::Keys => keys(&mut ue).await,
        Action::Subscribe { .. } => Ok(()),
    }
}

#[allow(clippy::print_stdout, reason = "a command for people")]
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
        println!("{path}: {} octets, ETag {}", document.body.len(), document.etag);
    }
    keys(ue).await
}

#[allow(clippy::print_stdout, reason = "a command for people")]
async fn keys(ue: &mut Ue) -> anyhow::Result<()> {
    let certificate = ue.certificate().await?;
    let keys = ue.keys(&certificate).await?;
    println!(
        "KMS {}: keys of {} for period {}, RSK and SSK verified",
        certificate.kms_uri, keys.user_uri, keys.period
    );
    println!("UID {}", hex::encode(keys.uid.as_bytes()));
    Ok(())
}

/// Subscribes, prints, refreshes at half of the time granted, and unsubscribes at the end.
#[allow(clippy::print_stdout, reason = "a command for people")]
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
    let proxy: SocketAddr = profile.proxy.parse().context("the proxy's address")?;
    let mut sip = SipUe::bind(proxy, user.clone(), entropy).await?;
    let mut subscription = sip.subscribe(&profile.psi, &entries, expires).await?;
    println!("subscribed for {} s", subscription.expires);

    let mut left = count.unwrap_or(u32::MAX);
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    while left > 0 {
        let half = Duration::from_secs(u64::from(subscription.expires / 2).max(1));
        tokio::select! {
            _ = &mut stop => break,
            notify = sip.notify(half) => match notify? {
                Some(notify) => {
                    print(&notify);
                    if notify.state.starts_with("terminated") {
                        return Ok(());
                    }
                    left -= 1;
                }
                None => sip.refresh(&mut subscription, expires).await?,
            },
        }
    }
    sip.refresh(&mut subscription, 0).await?;
    if let Some(notify) = sip.notify(Duration::from_secs(5)).await? {
        print(&notify);
    }
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a command for people")]
fn print(notify: &Notify) {
    println!("NOTIFY {} {}", notify.cseq, notify.state);
    for change in &notify.changes {
        let word = match (&change.previous, &change.new) {
            (None, _) => "is there",
            (Some(_), Some(_)) => "changed",
            (Some(_), None) => "is gone",
        };
        println!(
            "  {} {word}{}",
            change.sel,
            change.new.as_ref().map_or_else(String::new, |etag| format!(", ETag {etag}"))
        );
    }
}
