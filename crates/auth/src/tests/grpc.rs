//! Keys over a real channel.

use std::net::SocketAddr;

use csc_proto::identity::v1::keys_server::{Keys, KeysServer};
use csc_proto::identity::v1::{GetKeysRequest, GetKeysResponse};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Request, Response, Status};

use super::*;
use crate::{GrpcKeys, Reason};

struct Idms;

#[async_trait]
impl Keys for Idms {
    async fn get_keys(&self, _: Request<GetKeysRequest>) -> Result<Response<GetKeysResponse>, Status> {
        Ok(Response::new(GetKeysResponse { jwks: json!({ "keys": [OURS.jwk()] }).to_string() }))
    }
}

#[tokio::test]
async fn keys_come_over_the_bus() {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = incoming.local_addr().unwrap();
    let _idms =
        tokio::spawn(Server::builder().add_service(KeysServer::new(Idms)).serve_with_incoming(incoming));
    assert!(verifier(address).verify_token(&OURS.token(&good())).await.is_ok());
}

#[tokio::test]
async fn an_idms_that_is_away_is_no_reason_to_call_a_token_invalid() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(verifier(gone).verify_token(&OURS.token(&good())).await, Err(Reason::Unavailable));
}

/// A verifier with the keys of the IdMS at `address`.
fn verifier(address: SocketAddr) -> TokenVerifier {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    TokenVerifier::new(Arc::new(GrpcKeys::new(channel)), config(), Arc::new(ManualClock::at(NOW)))
}
