//! The product's main job, as one terminal sees it: boot, then a change that reaches it without asking.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::Bytes;
use csc_types::Entropy;

use super::steps::Steps;
use crate::ue::{Notify, Profile, SipUe, Ue};

/// How long a NOTIFY may take to arrive.
const PATIENCE: Duration = Duration::from_secs(20);

const GROUPS: &str = "org.openmobilealliance.groups";
const GROUP_TYPE: &str = "application/vnd.oma.poc.groups+xml";

/// Boots the terminal of `profile`, then lets `dispatcher` add its user to `group` and waits until the terminal has
/// heard of it and fetched it.
///
/// # Errors
/// At the first step that fails, with its name.
pub(crate) async fn run(
    steps: &mut Steps,
    profile: &Profile,
    dispatcher: &Profile,
    group: &str,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<()> {
    let mut ue = Ue::new(profile.clone())?;
    let user = ue.user().clone();
    let expires = |seconds: &u64| format!("{user}, tokens for {seconds} s");
    let login = async { Ok(ue.login(&*entropy).await?.expires_in) };
    steps.run("UE logs in (CSC-1)", login, expires).await?;

    for (name, path) in [
        ("UE configuration (CSC-4)", format!("org.3gpp.mcptt.ue-config/users/{user}/ue-config")),
        ("user profile (CSC-4)", format!("org.3gpp.mcptt.user-profile/users/{user}/user-profile")),
        (
            "service configuration (CSC-4)",
            format!("org.3gpp.mcptt.service-config/users/{user}/service-config"),
        ),
    ] {
        steps
            .run(name, ue.get(&path), |document| {
                format!("{} octets, ETag {}", document.body.len(), document.etag)
            })
            .await?;
    }

    let groups = steps.run("groups of the user (CSC-2)", ue.groups(), |groups| groups.join(" ")).await?;
    ensure!(!groups.contains(&group.to_owned()), "{user} is in group {group} already");
    for name in &groups {
        let path = format!("{GROUPS}/users/{user}/{name}");
        steps
            .run("group document (CSC-2)", ue.get(&path), |document| {
                format!("{name}, {} octets", document.body.len())
            })
            .await?;
    }

    let certificate = steps.run("KMS certificate (CSC-8)", ue.certificate(), |c| c.kms_uri.clone()).await?;
    let good = |keys: &crate::ue::Received| format!("period {}, RSK and SSK verified", keys.period);
    steps.run("user key set (CSC-8)", ue.keys(&certificate), good).await?;

    let mut sip = SipUe::bind(&profile.proxies()?, user.clone(), Arc::clone(&entropy)).await?;
    let entries = [
        format!("org.3gpp.mcptt.user-profile/users/{user}/user-profile"),
        format!("org.3gpp.mcptt.service-config/users/{user}/service-config"),
        format!("{GROUPS}/users/{user}"),
    ];
    let entries = [entries[0].as_str(), entries[1].as_str(), entries[2].as_str()];
    let subscribe = sip.subscribe(&profile.psi, &entries, 3600);
    let mut subscription = steps.run("SUBSCRIBE", subscribe, |s| format!("200, for {} s", s.expires)).await?;
    let first = next(&mut sip);
    steps
        .run("first NOTIFY", first, |notify| format!("{} documents, {}", notify.changes.len(), notify.state))
        .await?;

    let added = add_member(dispatcher, group, user.as_str(), &*entropy);
    steps.run("dispatcher adds the user to a group", added, |()| group.to_owned()).await?;

    let sel = format!("{GROUPS}/users/{user}/{group}");
    let heard = async {
        let notify = next(&mut sip).await?;
        let change = notify.changes.iter().find(|change| change.sel == sel);
        let change = change.with_context(|| format!("it speaks of {:?}, not of {sel}", notify.changes))?;
        change.new.clone().context("it says that the group is gone")
    };
    let etag = steps.run("NOTIFY of the change", heard, |etag| format!("{sel}, ETag {etag}")).await?;
    let fetched = async {
        let document = ue.get(&sel).await?;
        ensure!(document.etag == etag, "the document has ETag {}, the NOTIFY said {etag}", document.etag);
        Ok(document)
    };
    steps
        .run("new group fetched (CSC-2)", fetched, |document| format!("{} octets", document.body.len()))
        .await?;

    let ended = async {
        sip.refresh(&mut subscription, 0).await?;
        let notify = next(&mut sip).await?;
        ensure!(notify.state.starts_with("terminated"), "its state is {}", notify.state);
        Ok(notify)
    };
    steps.run("unsubscribe", ended, |notify| notify.state.clone()).await?;
    Ok(())
}

async fn next(sip: &mut SipUe) -> anyhow::Result<Notify> {
    sip.notify(PATIENCE).await?.with_context(|| format!("no NOTIFY within {} s", PATIENCE.as_secs()))
}

/// What a dispatcher's console does: fetch the group, put one more entry into its list, store it if nobody else changed
/// it meanwhile.
async fn add_member(
    dispatcher: &Profile,
    group: &str,
    member: &str,
    entropy: &dyn Entropy,
) -> anyhow::Result<()> {
    let mut console = Ue::new(dispatcher.clone())?;
    console.login(entropy).await?;
    let path = format!("{GROUPS}/global/byGroupID/{group}");
    let current = console.get(&path).await?;
    let text = std::str::from_utf8(&current.body)?;
    let Some((before, after)) = text.split_once("</list>") else { bail!("the group has no list") };
    let changed = format!("{before}  <entry uri=\"{member}\"/>\n    </list>{after}");
    console.put(&path, GROUP_TYPE, Bytes::from(changed), Some(&current.etag)).await
}
