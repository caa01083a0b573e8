//! For how long a master may be believed.
//!
//! A master that was cut off, or stood still for a while, does not know that another one has taken its place. It would
//! answer "absent" for what was written there since, and a replica that has not heard of the change either would confirm
//! what it writes. So what a master answers counts only while it has been seen, within the last three seconds, as a master
//! that hears as many replicas as a commit needs, and that most Sentinels take for the master while none is replacing it.
//! Three seconds must be shorter than what it takes to be replaced (Sentinel's `down-after-milliseconds`, Cluster's
//! `cluster-node-timeout`). Without most of the Sentinels, those that the settings do not name
//! counted in, nothing is believed: nobody could tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join;
use redis::cmd;

use super::Access;
use super::connection::{Connection, octets};
use super::failure::Failure;
use super::sentinel::{Sentinels, Verdict};

/// How long what was seen holds.
const SPAN: Duration = Duration::from_secs(3);

/// How often the master is looked at.
const BEAT: Duration = Duration::from_millis(250);

/// How long it may take to answer.
const RESPONSE: Duration = Duration::from_millis(1000);

/// One master's.
#[derive(Default)]
pub(super) struct Lease {
    /// Microseconds of the engine's monotonic clock.
    until: AtomicU64,
}

impl Lease {
    /// Fails unless the master may be believed at `now`, by the monotonic clock.
    pub(super) fn check(&self, now: Duration) -> Result<(), Failure> {
        if micros(now) < self.until.load(Ordering::SeqCst) {
            return Ok(());
        }
        Err(Failure::Busy(
            "the master was not seen for 3 s with enough replicas and most Sentinels on its side".to_owned(),
        ))
    }

    /// At `at` the master was seen, and its replicas had been heard not longer than `silent` ago.
    fn seen(&self, at: Duration, silent: Duration) {
        self.until.fetch_max(micros((at + SPAN).saturating_sub(silent)), Ordering::SeqCst);
    }

    /// It is no master.
    fn lose(&self) {
        self.until.store(0, Ordering::SeqCst);
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// Looks at the server at `address` for ever.
pub(super) async fn keep(access: Arc<Access>, address: Arc<str>, lease: Arc<Lease>) {
    let mut connection = None;
    let mut sentinels = Sentinels::new(&access);
    loop {
        match join(look(&access, &address, &mut connection), sentinels.judge(&access, &address)).await {
            (_, Verdict::Against) => lease.lose(),
            (Ok((at, Some(silent))), Verdict::Agreed) => lease.seen(at, silent),
            (Ok(_), _) => {}
            (Err(failure), _) => {
                connection = None;
                if matches!(failure, Failure::Elsewhere(_)) {
                    lease.lose();
                }
            }
        }
        tokio::time::sleep(BEAT).await;
    }
}

/// When it was asked, and for how long the replicas that count have been silent; `None` if there are too few.
async fn look(
    access: &Access,
    address: &str,
    connection: &mut Option<Connection>,
) -> Result<(Duration, Option<Duration>), Failure> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(Connection::to_master(access, address, RESPONSE).await?),
    };
    let at = access.clock.monotonic();
    let mut info = cmd("INFO");
    info.arg("replication");
    let answer = connection.ask(info).await?;
    let text = octets(&answer).map(String::from_utf8_lossy).unwrap_or_default();
    if !text.lines().any(|line| line.trim_end() == "role:master") {
        return Err(Failure::Elsewhere(format!("{address} is not a master")));
    }
    Ok((at, silent(&text, access.options.min_replicas)))
}

/// For how long the `need`-th of the replicas has been silent at most, by the whole seconds that `INFO` tells.
fn silent(info: &str, need: u32) -> Option<Duration> {
    let Some(last) = need.checked_sub(1) else { return Some(Duration::ZERO) };
    let mut lags: Vec<u64> = info.lines().filter_map(lag).collect();
    lags.sort_unstable();
    let lag = lags.get(usize::try_from(last).ok()?)?;
    Some(Duration::from_secs(lag + 1))
}

/// `slave0:ip=127.0.0.1,port=7001,state=online,offset=42,lag=1`
fn lag(line: &str) -> Option<u64> {
    let (name, fields) = line.trim_end().split_once(':')?;
    if !name.starts_with("slave") || !fields.split(',').any(|field| field == "state=online") {
        return None;
    }
    fields.split(',').find_map(|field| field.strip_prefix("lag="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# Replication\r\nrole:master\r\nconnected_slaves:3\r\n\
        slave0:ip=127.0.0.1,port=1,state=online,offset=9,lag=7\r\n\
        slave1:ip=127.0.0.1,port=2,state=wait_bgsave,offset=0,lag=0\r\n\
        slave2:ip=127.0.0.1,port=3,state=online,offset=9,lag=1\r\nmaster_repl_offset:9\r\n";

    #[test]
    fn as_many_replicas_count_as_a_commit_needs() {
        let seconds = |need| silent(INFO, need).map(|silent| silent.as_secs());
        assert_eq!([seconds(0), seconds(1), seconds(2), seconds(3)], [Some(0), Some(2), Some(8), None]);
    }

    #[test]
    fn a_lease_ends_three_seconds_after_the_replicas_were_heard() {
        let lease = Lease::default();
        let at = Duration::from_secs;
        assert!(lease.check(at(0)).is_err());
        lease.seen(at(10), at(1));
        assert!(lease.check(at(11)).is_ok());
        assert!(lease.check(at(12)).is_err());
        lease.seen(at(9), at(0));
        assert!(lease.check(at(12)).is_err(), "an older look does not add to it");
        lease.seen(at(20), at(0));
        lease.lose();
        assert!(lease.check(at(20)).is_err());
    }
}
