//! The stream of accounts, from an IdMS that says what a test wants.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use csc_proto::identity::v1::accounts_event::Event;
use csc_proto::identity::v1::accounts_server::{Accounts as AccountsService, AccountsServer};
use csc_proto::identity::v1::{
    AccountState, AccountsEvent, Beat, GetAccountRequest, GetAccountResponse, Opened, WatchAccountsRequest,
};
use csc_proto::record::v1::Account;
use csc_proto::record::v1::account::Status as AccountStatus;
use csc_types::McpttId;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use hyper_util::rt::TokioIo;
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Request, Response, Status};

use super::*;
use crate::{Accounts, Reason, SILENCE};

type Said = Result<AccountsEvent, Status>;

/// Hands each stream that is opened to the test.
struct Idms {
    streams: mpsc::UnboundedSender<mpsc::UnboundedSender<Said>>,
}

#[async_trait]
impl AccountsService for Idms {
    type WatchStream = BoxStream<'static, Said>;

    async fn get(&self, _: Request<GetAccountRequest>) -> Result<Response<GetAccountResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn watch(&self, _: Request<WatchAccountsRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.streams.send(sender).map_err(|_| Status::unavailable("gone"))?;
        let said = futures::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|said| (said, receiver))
        });
        Ok(Response::new(said.boxed()))
    }
}

struct World {
    clock: Arc<ManualClock>,
    accounts: Arc<Accounts>,
    streams: mpsc::UnboundedReceiver<mpsc::UnboundedSender<Said>>,
}

/// A channel whose connections are pipes, or fail. No socket: the time of a test stands still.
fn channel(connect: impl Fn() -> io::Result<DuplexStream> + Send + 'static) -> Channel {
    let connector = tower::service_fn(move |_| std::future::ready(connect().map(TokioIo::new)));
    Endpoint::from_static("http://idms").connect_with_connector_lazy(connector)
}

/// A channel to an IdMS.
fn served(service: AccountsServer<Idms>) -> Channel {
    channel(move || {
        let (client, server) = tokio::io::duplex(64 * 1024);
        let incoming = futures::stream::iter([Ok::<_, Infallible>(server)]);
        tokio::spawn(Server::builder().add_service(service.clone()).serve_with_incoming(incoming));
        Ok(client)
    })
}

impl World {
    fn new() -> Self {
        let (sender, streams) = mpsc::unbounded_channel();
        let clock = Arc::new(ManualClock::at(NOW));
        let nobody = channel(|| Err(io::ErrorKind::ConnectionRefused.into()));
        let channels = vec![nobody, served(AccountsServer::new(Idms { streams: sender }))];
        let accounts = Arc::new(Accounts::new(channels, clock.clone()));
        let following = Arc::clone(&accounts);
        tokio::spawn(async move { following.follow().await });
        Self { clock, accounts, streams }
    }

    /// The next stream the client opens.
    async fn stream(&mut self) -> Stream {
        Stream(tokio::time::timeout(Duration::from_secs(30), self.streams.recv()).await.unwrap().unwrap())
    }

    /// Waits until tokens of `id` are answered so.
    async fn until(&self, id: &str, expected: Result<(), Reason>) {
        let id = user(id);
        let reached = async {
            while self.accounts.admit(&id) != expected {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap();
    }
}

struct Stream(mpsc::UnboundedSender<Said>);

impl Stream {
    fn say(&self, event: Event) {
        self.0.send(Ok(AccountsEvent { event: Some(event) })).unwrap();
    }

    fn account(&self, id: &str, status: Option<AccountStatus>) {
        let account = status.map(|status| Account { status: status.into(), ..Account::default() });
        self.say(Event::Account(AccountState { mcptt_id: id.to_owned(), account }));
    }

    fn open(&self) {
        self.say(Event::Opened(Opened {}));
    }

    fn beat(&self) {
        self.say(Event::Beat(Beat {}));
    }
}

fn user(id: &str) -> McpttId {
    id.parse().unwrap()
}

const OTHER: &str = "tel:+82571009991";
const THIRD: &str = "tel:+82571009992";
const REFUSED: Result<(), Reason> = Err(Reason::Invalid);
const UNKNOWN: Result<(), Reason> = Err(Reason::Unavailable);

#[tokio::test(start_paused = true)]
async fn accounts_are_refused_and_admitted_as_they_change() {
    let mut world = World::new();
    assert_eq!(world.accounts.admit(&user(USER)), UNKNOWN);
    let stream = world.stream().await;
    stream.account(USER, Some(AccountStatus::Disabled));
    stream.account(OTHER, None);
    stream.account(THIRD, Some(AccountStatus::Enabled));
    stream.beat();
    assert!(!world.accounts.has_opened());
    stream.open();
    world.until(THIRD, Ok(())).await;
    assert!(world.accounts.has_opened());
    for id in [USER, OTHER] {
        assert_eq!(world.accounts.admit(&user(id)), REFUSED);
    }
    stream.account(USER, Some(AccountStatus::Enabled));
    stream.account(THIRD, Some(AccountStatus::Disabled));
    world.until(USER, Ok(())).await;
    world.until(THIRD, REFUSED).await;
    // An account whose status this release does not know gives no right.
    stream.account(USER, Some(AccountStatus::Unspecified));
    world.until(USER, REFUSED).await;
}

#[tokio::test(start_paused = true)]
async fn five_seconds_of_silence_admit_nobody_until_something_is_heard() {
    let mut world = World::new();
    let stream = world.stream().await;
    stream.open();
    world.until(USER, Ok(())).await;
    world.clock.advance(SILENCE - Duration::from_micros(1));
    assert_eq!(world.accounts.admit(&user(USER)), Ok(()));
    world.clock.advance(Duration::from_micros(1));
    assert_eq!(world.accounts.admit(&user(USER)), UNKNOWN);
    assert_eq!(world.accounts.silent_for(), SILENCE);
    // A step of the calendar is no time.
    world.clock.step_to(NOW - 1);
    assert_eq!(world.accounts.silent_for(), SILENCE);
    stream.beat();
    world.until(USER, Ok(())).await;
    world.clock.advance(SILENCE);
    stream.account(OTHER, Some(AccountStatus::Enabled));
    world.until(USER, Ok(())).await;
}

#[tokio::test(start_paused = true)]
async fn another_stream_counts_from_its_opening_on_and_what_it_does_not_repeat_is_forgotten() {
    let mut world = World::new();
    let stream = world.stream().await;
    stream.account(USER, Some(AccountStatus::Disabled));
    stream.account(OTHER, Some(AccountStatus::Disabled));
    stream.open();
    world.until(USER, REFUSED).await;
    drop(stream);

    let stream = world.stream().await;
    world.clock.advance(SILENCE);
    assert_eq!(world.accounts.admit(&user(THIRD)), UNKNOWN);
    stream.account(OTHER, Some(AccountStatus::Disabled));
    stream.beat();
    stream.account(THIRD, Some(AccountStatus::Enabled));
    assert_eq!(world.accounts.admit(&user(THIRD)), UNKNOWN, "it has not opened yet");
    stream.open();
    world.until(THIRD, Ok(())).await;
    assert_eq!(world.accounts.admit(&user(USER)), Ok(()));
    assert_eq!(world.accounts.admit(&user(OTHER)), REFUSED);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_in_any_way_is_opened_again() {
    let mut world = World::new();
    for n in 0..4 {
        let stream = world.stream().await;
        if n % 2 == 0 {
            stream.open();
            world.until(USER, Ok(())).await;
        }
        if n > 1 {
            stream.0.send(Err(Status::aborted("too slow"))).unwrap();
        }
    }
    world.stream().await.account("nobody", None);
}

#[tokio::test(start_paused = true)]
async fn an_idms_that_hangs_is_left_for_the_next() {
    let mut world = World::new();
    let hanging = world.stream().await;
    hanging.open();
    world.until(USER, Ok(())).await;
    // The other end stays open; the client notices by itself.
    let next = world.stream().await;
    next.account(USER, None);
    next.open();
    world.until(USER, REFUSED).await;
    drop(hanging);
}
