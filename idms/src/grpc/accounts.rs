//! `csc.identity.v1.Accounts`: one account, or accounts as they change.

use csc_proto::identity::v1::accounts_event::Event;
use csc_proto::identity::v1::accounts_server::Accounts as AccountsService;
use csc_proto::identity::v1::{
    AccountState, AccountsEvent, Beat, GetAccountRequest, GetAccountResponse, Opened, WatchAccountsRequest,
};
use futures::stream::{BoxStream, StreamExt};
use tonic::{Request, Response, Status};

use super::{fault_status, parse};
use crate::domain::accounts::{Accounts, Cut, Told};
use crate::domain::fault::Fault;

#[tonic::async_trait]
impl AccountsService for Accounts {
    type WatchStream = BoxStream<'static, Result<AccountsEvent, Status>>;

    async fn get(&self, request: Request<GetAccountRequest>) -> Result<Response<GetAccountResponse>, Status> {
        let id = parse("mcptt_id", &request.into_inner().mcptt_id)?;
        let account = Self::get(self, &id).await.map_err(|error| fault_status(&Fault::Store(error)))?;
        Ok(Response::new(GetAccountResponse { account }))
    }

    async fn watch(&self, _: Request<WatchAccountsRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let told = Self::watch(self).map_err(status)?;
        Ok(Response::new(told.map(|told| told.map(event).map_err(status)).boxed()))
    }
}

fn event(told: Told) -> AccountsEvent {
    AccountsEvent {
        event: Some(match told {
            Told::Account(id, account) => Event::Account(AccountState { mcptt_id: id.to_string(), account }),
            Told::Opened => Event::Opened(Opened {}),
            Told::Beat => Event::Beat(Beat {}),
        }),
    }
}

fn status(cut: Cut) -> Status {
    match cut {
        Cut::Unknown => Status::unavailable(cut.to_string()),
        Cut::TooSlow => Status::aborted(cut.to_string()),
        Cut::Store(error) => fault_status(&Fault::Store(error)),
    }
}
