//! What Sentinels tell of the master.

use std::sync::Arc;

use futures::future::join_all;
use redis::{Cmd, Value, cmd};
use tokio::time::timeout;

use super::Access;
use super::connection::{Connection, Login, octets};
use super::failure::Failure;
use super::options::Topology;
use super::routes::{PATIENCE, address};

/// One Sentinel's view.
struct Told {
    /// The number of the election that made this the master.
    epoch: u64,
    address: String,
    /// It does not hear the master.
    down: bool,
    /// The Sentinels agree about that, or are making another server the master.
    replacing: bool,
    /// How many other Sentinels it knows.
    others: usize,
}

/// The address of the master: of all Sentinels, the one that knows the latest election is right.
pub(super) async fn find(access: &Access) -> Result<String, String> {
    let mut sentinels = Sentinels::new(access);
    let mut best: Option<Told> = None;
    let mut why = String::new();
    for told in sentinels.ask(access).await {
        match told {
            Ok(told) if best.as_ref().is_none_or(|best| best.epoch < told.epoch) => best = Some(told),
            Ok(_) => {}
            Err(failure) => why = failure.to_string(),
        }
    }
    best.map(|best| best.address).ok_or_else(|| format!("no Sentinel knows the master: {why}"))
}

/// What the Sentinels think of one master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Most of them take it for the master and hear it, and none is replacing it.
    Agreed,
    /// Too few of them answer.
    Unknown,
    /// It is being replaced, was replaced, or is not heard by most.
    Against,
}

/// The Sentinels with a connection to each; none without Sentinels.
pub(super) struct Sentinels(Vec<(String, Option<Connection>)>);

impl Sentinels {
    pub(super) fn new(access: &Access) -> Self {
        match access.options.topology {
            Topology::Sentinel { .. } => {
                Self(access.options.addresses.iter().map(|address| (address.clone(), None)).collect())
            }
            Topology::Standalone | Topology::Cluster => Self(Vec::new()),
        }
    }

    /// What they think of the server at `master`.
    pub(super) async fn judge(&mut self, access: &Access, master: &Arc<str>) -> Verdict {
        verdict(self.ask(access).await.into_iter().map(Result::ok).collect(), master)
    }

    async fn ask(&mut self, access: &Access) -> Vec<Result<Told, Failure>> {
        let Topology::Sentinel { name, username, password } = &access.options.topology else {
            return Vec::new();
        };
        let mut question = cmd("SENTINEL");
        question.arg("MASTER").arg(name);
        let login = || Login { username: username.as_deref(), password: password.as_ref() };
        let asked = self.0.iter_mut().map(async |(address, connection)| {
            let told = timeout(PATIENCE, ask(access, address, login(), connection, question.clone())).await;
            let told = told.unwrap_or_else(|_| Err(Failure::Gone(format!("{address} does not answer"))));
            if told.is_err() {
                *connection = None;
            }
            told
        });
        join_all(asked).await
    }
}

async fn ask(
    access: &Access,
    address: &str,
    login: Login<'_>,
    connection: &mut Option<Connection>,
    question: Cmd,
) -> Result<Told, Failure> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(Connection::open(access, address, login, PATIENCE).await?),
    };
    let told = connection.ask(question).await?;
    told_of(&told).ok_or_else(|| Failure::Gone(format!("{address} tells of its master what makes no sense")))
}

fn verdict(told: Vec<Option<Told>>, master: &str) -> Verdict {
    // Those whom the settings leave out decide, too: who agrees must be among any majority that replaces the master. Those
    // that Sentinels remember and that are no more count, until SENTINEL RESET.
    let known = told.iter().flatten().map(|told| told.others + 1).max().unwrap_or_default();
    let majority = (told.len() / 2 + 1).max(known.div_ceil(2));
    let told: Vec<Told> =
        if told.is_empty() { return Verdict::Agreed } else { told.into_iter().flatten().collect() };
    let agree = told.iter().filter(|told| told.address == master && !told.down).count();
    let replacing = told.iter().any(|told| told.replacing);
    let latest = told.iter().max_by_key(|told| told.epoch);
    if replacing || latest.is_some_and(|latest| latest.address != master) {
        Verdict::Against
    } else if agree >= majority {
        Verdict::Agreed
    } else if told.len() >= majority {
        Verdict::Against
    } else {
        Verdict::Unknown
    }
}

/// The fields of `SENTINEL MASTER`: names and values in turn.
fn told_of(told: &Value) -> Option<Told> {
    let Value::Array(fields) = told else { return None };
    let field = |name: &str| {
        let value = fields.chunks_exact(2).find(|pair| octets(&pair[0]) == Some(name.as_bytes()))?.get(1)?;
        std::str::from_utf8(octets(value)?).ok()
    };
    let flags: Vec<&str> = field("flags")?.split(',').collect();
    Some(Told {
        epoch: field("config-epoch")?.parse().ok()?,
        address: address(field("ip")?, field("port")?),
        down: flags.contains(&"s_down"),
        others: field("num-other-sentinels")?.parse().ok()?,
        replacing: flags.contains(&"o_down") || flags.contains(&"failover_in_progress"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(epoch: u64, address: &str, flags: &str) -> Option<Told> {
        told_with(epoch, address, flags, 2)
    }

    fn told_with(epoch: u64, address: &str, flags: &str, others: u64) -> Option<Told> {
        let (epoch, others) = (epoch.to_string(), others.to_string());
        let fields = [("ip", "10.0.0.1"), ("port", address), ("flags", flags), ("config-epoch", &epoch)];
        let fields = fields.into_iter().chain([("num-other-sentinels", others.as_str())]);
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        told_of(&Value::Array(fields.flat_map(|(name, value)| [text(name), text(value)]).collect()))
    }

    #[test]
    fn most_must_agree_and_none_be_replacing_it() {
        let good = || told(1, "1", "master");
        let cases = [
            (vec![], Verdict::Agreed),
            (vec![good(), good(), good()], Verdict::Agreed),
            (vec![good(), good(), None], Verdict::Agreed),
            (vec![good(), None, None], Verdict::Unknown),
            (vec![None, None, None], Verdict::Unknown),
            (vec![good(), good(), told(1, "1", "master,s_down")], Verdict::Agreed),
            (vec![good(), told(1, "1", "master,s_down"), told(1, "1", "master,s_down")], Verdict::Against),
            (vec![good(), good(), told(1, "1", "master,o_down,failover_in_progress")], Verdict::Against),
            (vec![good(), good(), told(2, "2", "master")], Verdict::Against),
            (vec![good(), good(), told(0, "2", "master")], Verdict::Agreed),
            // One of three is in the settings: it cannot speak for the others.
            (vec![good()], Verdict::Unknown),
            (vec![good(), good()], Verdict::Agreed),
            (vec![told_with(1, "1", "master", 0)], Verdict::Agreed),
            // Three that remember three others, which are no more: four would have to replace the master.
            ((0..3).map(|_| told_with(1, "1", "master", 5)).collect(), Verdict::Agreed),
            (vec![told_with(1, "1", "master", 5), told_with(1, "1", "master", 5), None], Verdict::Unknown),
        ];
        for (n, (told, expected)) in cases.into_iter().enumerate() {
            assert_eq!(verdict(told, "10.0.0.1:1"), expected, "case {n}");
        }
    }
}
