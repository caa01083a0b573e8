//! One connection through the proxy: two directions, each read, perhaps kept back, and written.

use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::rules::{Cut, Direction, Rule, Rules, Weather};
use super::{Shared, resp};

/// How many pieces a direction holds between reading and writing.
const PIECES: usize = 256;

/// How a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Both sides are told in the ordinary way.
    Closed,
    /// Both sides get a reset.
    Reset,
}

/// Carries octets between `client` and `upstream` until one side ends or the proxy is told to.
pub(super) async fn serve(mut client: TcpStream, peer: IpAddr, upstream: SocketAddr, shared: Arc<Shared>) {
    let mut sight = Sight { peer, rules: shared.rules.subscribe(), cuts: 0 };
    sight.cuts = sight.rule().cut.map_or(0, |(number, _)| number);
    let refused = sight.rule().weather == Weather::Refuse;
    let server = if refused { None } else { TcpStream::connect(upstream).await.ok() };
    let Some(mut server) = server else {
        reset(&client);
        return;
    };
    // Small messages wait for nobody; without the option they are merely slower.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    if carry(&mut client, &mut server, sight, &shared).await == End::Reset {
        reset(&client);
        reset(&server);
    }
}

/// The connection ends by a reset when it is dropped.
fn reset(stream: &TcpStream) {
    // A socket that refuses the option is closed in the ordinary way.
    let _ = stream.set_zero_linger();
}

async fn carry(client: &mut TcpStream, server: &mut TcpStream, sight: Sight, shared: &Shared) -> End {
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let talk = Talk { shared, peer: sight.peer, holed: AtomicBool::new(false), count: Mutex::default() };
    let (up, up_out) = mpsc::channel(PIECES);
    let (down, down_out) = mpsc::channel(PIECES);
    let up = async {
        tokio::join!(
            read(from_client, Direction::Up, &talk, &sight, up),
            write(up_out, to_server, sight.clone())
        );
        // The client has nothing more to say; the server may still have.
        pending::<()>().await;
    };
    let down = async {
        tokio::join!(
            read(from_server, Direction::Down, &talk, &sight, down),
            write(down_out, to_client, sight.clone())
        );
    };
    tokio::select! {
        // First: an order to end outruns what was held back until then.
        biased;
        end = sight.clone().over(&talk.holed) => end,
        () = down => End::Closed,
        () = up => End::Closed,
    }
}

/// The rules as they are for one connection.
#[derive(Clone)]
struct Sight {
    peer: IpAddr,
    rules: watch::Receiver<Rules>,
    /// The orders to cut that were given before the connection began.
    cuts: u64,
}

impl Sight {
    fn rule(&self) -> Rule {
        self.rules.borrow().of(self.peer)
    }

    /// Returns when the rules end the connection.
    async fn over(mut self, holed: &AtomicBool) -> End {
        loop {
            let Rule { weather, cut } = self.rules.borrow_and_update().of(self.peer);
            match cut {
                Some((number, Cut::Reset)) if number > self.cuts => return End::Reset,
                Some((number, Cut::Finish)) if number > self.cuts => return End::Closed,
                _ => {}
            }
            let swallows = matches!(weather, Weather::Swallow(_));
            if weather == Weather::Refuse || (holed.load(Ordering::SeqCst) && !swallows) {
                return End::Reset;
            }
            if self.rules.changed().await.is_err() {
                return End::Reset;
            }
        }
    }

    /// Returns when something may pass.
    async fn passable(&mut self) {
        let peer = self.peer;
        // The proxy is gone: `over` ends the connection.
        let _ = self.rules.wait_for(|rules| rules.of(peer).weather != Weather::Held).await;
    }
}

/// Which command is answered next, and whose reply is to be lost. Not counted any more once the connection speaks
/// another protocol, as replicas do.
#[derive(Default)]
struct Count {
    asked: u64,
    answered: u64,
    lost: Option<u64>,
    other_protocol: bool,
}

/// What both directions of a connection share.
struct Talk<'a> {
    shared: &'a Shared,
    peer: IpAddr,
    /// Octets of it vanished.
    holed: AtomicBool,
    count: Mutex<Count>,
}

/// What to do with what was read so far.
struct Verdict {
    /// So much of it may go on.
    pass: usize,
    /// Then the connection ends: the reply that follows is the one to lose.
    end: bool,
}

impl Talk<'_> {
    /// Looks at whole commands or replies only, so that the one to be lost is lost from its first octet.
    fn judge(&self, direction: Direction, octets: &[u8]) -> Verdict {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pass = 0;
        while pass < octets.len() && !count.other_protocol {
            let size = match resp::length(&octets[pass..]) {
                Ok(Some(size)) => size,
                Ok(None) => return Verdict { pass, end: false },
                Err(resp::NotResp) => {
                    count.other_protocol = true;
                    break;
                }
            };
            let value = &octets[pass..pass + size];
            match direction {
                Direction::Up => {
                    count.asked += 1;
                    count.other_protocol = resp::leaves_protocol(value);
                    if count.lost.is_none() && self.shared.spring(self.peer, value) {
                        count.lost = Some(count.asked);
                    }
                }
                Direction::Down if resp::is_reply(value) => {
                    count.answered += 1;
                    if count.lost == Some(count.answered) {
                        return Verdict { pass, end: true };
                    }
                }
                Direction::Down => {}
            }
            pass += size;
        }
        Verdict { pass: octets.len(), end: false }
    }
}

/// A piece to write, and from when on.
type Piece = (Instant, Bytes);

async fn read(
    mut from: ReadHalf<'_>,
    direction: Direction,
    talk: &Talk<'_>,
    sight: &Sight,
    out: mpsc::Sender<Piece>,
) {
    let mut octets = BytesMut::new();
    // An error ends a direction as the end of the stream does.
    while let Ok(1..) = from.read_buf(&mut octets).await {
        let verdict = talk.judge(direction, &octets);
        let piece = octets.split_to(verdict.pass).freeze();
        let due = match sight.rule().weather {
            Weather::Swallow(lost) if lost == direction => {
                talk.holed.store(true, Ordering::SeqCst);
                continue;
            }
            Weather::Delay(late) => Instant::now() + late,
            _ => Instant::now(),
        };
        let gone = !piece.is_empty() && out.send((due, piece)).await.is_err();
        if verdict.end || gone {
            return;
        }
    }
}

async fn write(mut pieces: mpsc::Receiver<Piece>, mut to: WriteHalf<'_>, mut sight: Sight) {
    while let Some((due, piece)) = pieces.recv().await {
        sleep_until(due).await;
        sight.passable().await;
        if to.write_all(&piece).await.is_err() {
            return;
        }
    }
    sight.passable().await;
    // The other side may be gone already.
    let _ = to.shutdown().await;
}
