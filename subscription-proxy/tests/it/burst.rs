//! One change, many watchers.

use std::collections::HashSet;

use crate::ue::Ue;
use crate::world::{ALEX, SERVICE_CONFIG, World};

/// Watchers behind one CSCF, with a window far smaller than they are.
const WATCHERS: usize = 500;

#[tokio::test]
async fn a_burst_reaches_everybody_once_and_loses_nothing() {
    let world = World::with(&[("MAX_PER_USER", "1000"), ("WINDOW", "32")]).await;
    let old = world.put(SERVICE_CONFIG).await;
    let proxy = world.start().await;
    let mut ue = Ue::new(&proxy).await;
    let sel = "org.3gpp.mcptt.service-config/users/tel:+8210/service-config";
    for _ in 0..WATCHERS {
        ue.subscribe(ALEX, &[sel]).await;
    }
    let new = world.put(SERVICE_CONFIG).await;
    let mut told = HashSet::new();
    for _ in 0..WATCHERS {
        let notify = ue.notify().await;
        notify.says(sel, old.as_str(), new.as_str());
        assert!(told.insert(notify.request.core().unwrap().call_id.to_owned()), "told twice");
    }
    assert!(ue.is_quiet().await);
    assert_eq!(drops(proxy.address.port()), Some(0));
}

/// Datagrams that the system dropped because the receive buffer of the socket at `port` was full.
fn drops(port: u16) -> Option<u64> {
    let table = std::fs::read_to_string("/proc/net/udp").ok()?;
    let local = format!("0100007F:{port:04X}");
    let line = table.lines().find(|line| line.split_whitespace().nth(1) == Some(local.as_str()))?;
    line.split_whitespace().last()?.parse().ok()
}
