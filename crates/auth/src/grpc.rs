//! Keys over the bus: `identity.v1.Keys`.

use async_trait::async_trait;
use csc_proto::identity::v1::GetKeysRequest;
use csc_proto::identity::v1::keys_client::KeysClient;
use tonic::transport::Channel;

use crate::cache::{KeySource, KeySourceError};

/// The keys of the IdMS at the other end of a channel.
#[derive(Clone, Debug)]
pub struct GrpcKeys(KeysClient<Channel>);

impl GrpcKeys {
    /// Asks over `channel`.
    pub fn new(channel: Channel) -> Self {
        Self(KeysClient::new(channel))
    }
}

#[async_trait]
impl KeySource for GrpcKeys {
    async fn jwks(&self) -> Result<String, KeySourceError> {
        let answer = self.0.clone().get_keys(GetKeysRequest {}).await;
        answer.map(|answer| answer.into_inner().jwks).map_err(|status| KeySourceError(status.to_string()))
    }
}
