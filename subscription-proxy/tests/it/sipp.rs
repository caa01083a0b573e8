//! SIPp as the peer: another implementation's idea of SIP.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::world::{PROFILE, World, until};

#[tokio::test]
async fn sipp_subscribes_and_unsubscribes() {
    if Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        return csc_test_support::skip("sipp_subscribes_and_unsubscribes", "sipp (Debian: sip-tester)");
    }
    let world = World::with(&[("MAX_PER_USER", "1000")]).await;
    world.put(PROFILE).await;
    let proxy = world.start().await;
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join("subscribe.xml");
    std::fs::write(&scenario, include_str!("subscribe.sipp.xml")).unwrap();
    let mut command = Command::new("sipp");
    command
        .arg(proxy.address.to_string())
        .args(["-sf", scenario.to_str().unwrap(), "-i", "127.0.0.1", "-m", "50", "-r", "100"])
        .args(["-timeout", "30s", "-timeout_error", "-nostdin"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = tokio::time::timeout(Duration::from_secs(60), run).await.expect("SIPp ends").unwrap();
    assert!(output.status.success(), "{} {}", output.status, String::from_utf8_lossy(&output.stderr));
    until("the records are gone", async || world.records().await == (0, 0)).await;
}
