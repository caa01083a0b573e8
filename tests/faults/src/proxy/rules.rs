//! What is in force, for whom.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::Who;

/// Which way octets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// How a link treats what is sent over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    #[default]
    Clear,
    /// Everything passes, so much later. Order is kept.
    Delay(Duration),
    /// A partition: nothing passes, in neither direction, and nobody is told. When it clears, what was sent arrives,
    /// as TCP would deliver it. New connections are accepted and hear nothing.
    Held,
    /// Octets in this direction vanish. A connection that lost some is reset when the weather changes: a stream with
    /// a hole must not go on.
    Swallow(Direction),
    /// The server is not there: connections are reset, the present ones and new ones.
    Refuse,
}

/// How connections end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// By a reset, as when a machine dies and comes back.
    Reset,
    /// By an orderly end of both directions.
    Finish,
}

/// What is in force for one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) weather: Weather,
    /// The last order to cut, and how many there have been.
    pub(crate) cut: Option<(u64, Cut)>,
}

/// What is in force for everybody.
#[derive(Default)]
pub(crate) struct Rules {
    all: Rule,
    from: HashMap<IpAddr, Rule>,
    cuts: u64,
}

impl Rules {
    pub(crate) fn of(&self, peer: IpAddr) -> Rule {
        self.from.get(&peer).copied().unwrap_or(self.all)
    }

    pub(crate) fn set(&mut self, who: Who, weather: Weather) {
        self.change(who, |rule| rule.weather = weather);
    }

    pub(crate) fn cut(&mut self, who: Who, how: Cut) {
        self.cuts += 1;
        let cut = Some((self.cuts, how));
        self.change(who, |rule| rule.cut = cut);
    }

    fn change(&mut self, who: Who, change: impl Fn(&mut Rule)) {
        match who {
            Who::All => {
                change(&mut self.all);
                self.from.values_mut().for_each(change);
            }
            Who::From(address) => change(self.from.entry(address).or_insert(self.all)),
        }
    }
}
