//! Who gets no keys any more, as the identity server tells it; and nobody does when it tells nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use csc_auth::{Accounts, SILENCE};
use csc_proto::identity::v1::accounts_event::Event;
use csc_proto::identity::v1::accounts_server::{Accounts as AccountsService, AccountsServer};
use csc_proto::identity::v1::{
    AccountState, AccountsEvent, Beat, GetAccountRequest, GetAccountResponse, Opened, WatchAccountsRequest,
};
use csc_proto::record::v1::Account;
use csc_proto::record::v1::account::Status as AccountStatus;
use csc_service::bus;
use csc_types::Clock;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use tokio::sync::broadcast;
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::server::{ALEX, Server};

/// An identity server that tells what a test wants.
pub(crate) struct Idms {
    pub(crate) accounts: Arc<Accounts>,
    said: broadcast::Sender<Event>,
    muted: Arc<AtomicBool>,
}

struct Service {
    said: broadcast::Sender<Event>,
    muted: Arc<AtomicBool>,
}

#[async_trait]
impl AccountsService for Service {
    type WatchStream = BoxStream<'static, Result<AccountsEvent, Status>>;

    async fn get(&self, _: Request<GetAccountRequest>) -> Result<Response<GetAccountResponse>, Status> {
        Err(Status::unimplemented("not asked for here"))
    }

    async fn watch(&self, _: Request<WatchAccountsRequest>) -> Result<Response<Self::WatchStream>, Status> {
        if self.muted.load(Ordering::SeqCst) {
            return Err(Status::unavailable("muted for a test"));
        }
        let happening = stream::unfold(self.said.subscribe(), |mut said| async {
            said.recv().await.ok().map(|event| (event, said))
        });
        let told = stream::iter([Event::Opened(Opened {})]).chain(happening);
        Ok(Response::new(told.map(|event| Ok(AccountsEvent { event: Some(event) })).boxed()))
    }
}

impl Idms {
    /// One that has opened its streams and says nothing more. Nobody follows it yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let said = broadcast::channel(64).0;
        let muted = Arc::new(AtomicBool::new(false));
        let service = Service { said: said.clone(), muted: Arc::clone(&muted) };
        let routes = Routes::new(AccountsServer::new(service));
        let accounts = Arc::new(Accounts::new(vec![bus::in_process(routes)], clock));
        Self { accounts, said, muted }
    }

    /// Opens no stream any more: one that the client gives up, since nothing is said for five seconds, stays closed.
    fn mute(&self) {
        self.muted.store(true, Ordering::SeqCst);
    }

    /// Beats once, and waits until that, or the opening of another stream, is heard at the present time.
    pub(crate) async fn beat(&self) {
        self.muted.store(false, Ordering::SeqCst);
        if self.accounts.has_opened() {
            let _ = self.said.send(Event::Beat(Beat {}));
        }
        while !self.accounts.silent_for().is_zero() || !self.accounts.has_opened() {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    async fn account(&self, id: &str, status: AccountStatus) {
        let account = Account { status: status.into(), ..Account::default() };
        let state = AccountState { mcptt_id: id.to_owned(), account: Some(account) };
        let id = id.parse().unwrap();
        let expected = status == AccountStatus::Enabled;
        while self.accounts.admit(&id).is_ok() != expected {
            let _ = self.said.send(Event::Account(state.clone()));
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test]
async fn nobody_gets_keys_while_the_identity_server_is_silent() {
    let server = Server::start(&[]).await;
    server.field("keyprov", "").await.ok();
    server.idms.mute();
    server.clock.advance(SILENCE);
    for path in ["keyprov", "init"] {
        for answer in [server.field(path, "").await, server.standard(path, "").await] {
            answer.error(503);
            assert_eq!(answer.header("retry-after"), "2");
            assert_eq!(answer.header("www-authenticate"), "");
            assert!(!answer.body.contains("KmsKeySet"));
        }
    }
    // A token that is not good is still told from one that nobody can judge now.
    server.send(crate::server::post("init").body("".into()).unwrap()).await.error(401);
    server.gauge("csc_account_stream_silent", 1).await;
    server.idms.beat().await;
    server.field("keyprov", "").await.ok();
    server.gauge("csc_account_stream_silent", 0).await;
}

#[tokio::test]
async fn the_stream_is_followed_until_the_last_request_is_answered() {
    let server = Server::start(&[]).await;
    server.running.request();
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, server.advance(SILENCE)).await.expect("a process that drains still hears");
    server.field("keyprov", "").await.ok();
    let Server { service, tasks, .. } = server;
    drop(service);
    for task in tasks {
        tokio::time::timeout(patience, task).await.expect("it ends with the service").unwrap().unwrap();
    }
}

#[tokio::test]
async fn who_is_disabled_in_the_stream_or_in_the_record_gets_no_keys() {
    let server = Server::start(&[]).await;
    server.idms.account(ALEX, AccountStatus::Disabled).await;
    for path in ["keyprov", "init"] {
        let answer = server.field(path, "").await;
        answer.error(401);
        assert!(answer.header("www-authenticate").contains("invalid_access_token"));
    }
    server.idms.account(ALEX, AccountStatus::Enabled).await;
    server.field("keyprov", "").await.ok();
    // The record knows it first.
    server.account(ALEX, |account| account.status = AccountStatus::Disabled.into()).await;
    server.field("keyprov", "").await.error(401);
}
