//! `csc.identity.v1` over gRPC: the keys that resource servers verify tokens with, accounts as they change, and
//! administration.
//!
//! Requests become domain values here, or an error that names the field.

mod accounts;

use csc_proto::identity::v1::accounts_server::AccountsServer;
use csc_proto::identity::v1::directory_server::{Directory as DirectoryService, DirectoryServer};
use csc_proto::identity::v1::keys_server::{Keys, KeysServer};
use csc_proto::identity::v1::{
    DeleteResponse, DeleteUserRequest, GetKeysRequest, GetKeysResponse, PutClientRequest,
    PutOrganisationRequest, PutResponse, PutUserRequest, delete_response, put_response,
};
use csc_types::McpttId;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use crate::crypto::sign::MIN_SECRET;
use crate::domain::accounts::Accounts;
use crate::domain::client::IdTokenAlgorithm;
use crate::domain::directory::{Deletion, Directory, DirectoryError, Mode, NewClient, NewUser, Outcome};
use crate::domain::fault::Fault;
use crate::domain::organisation::Organisation;
use crate::domain::password::Proof;
use crate::domain::scope::Scopes;
use crate::domain::user::Profile;

/// Most items of one list.
const MAX_ITEMS: usize = 64;
/// Longest text that has no form of its own, in octets.
const MAX_TEXT: usize = 512;

/// The services, to be served on the bus.
pub(crate) fn routes(directory: Directory, accounts: Accounts, jwks: String) -> Routes {
    Routes::new(KeysServer::new(PublicKeys { jwks }))
        .add_service(AccountsServer::new(accounts))
        .add_service(DirectoryServer::new(Administration(directory)))
}

struct PublicKeys {
    jwks: String,
}

#[tonic::async_trait]
impl Keys for PublicKeys {
    async fn get_keys(&self, _: Request<GetKeysRequest>) -> Result<Response<GetKeysResponse>, Status> {
        Ok(Response::new(GetKeysResponse { jwks: self.jwks.clone() }))
    }
}

struct Administration(Directory);

#[tonic::async_trait]
impl DirectoryService for Administration {
    async fn put_organisation(
        &self,
        request: Request<PutOrganisationRequest>,
    ) -> Result<Response<PutResponse>, Status> {
        let PutOrganisationRequest { id, display_name, dry_run } = request.into_inner();
        let organisation = Organisation {
            id: parse("id", &id)?,
            display_name: text("display_name", display_name)?.unwrap_or_default(),
        };
        let outcome = self.0.put_organisation(organisation, mode(dry_run)).await;
        Ok(put(outcome.map_err(|fault| fault_status(&fault))?))
    }

    async fn put_user(&self, request: Request<PutUserRequest>) -> Result<Response<PutResponse>, Status> {
        let mut request = request.into_inner();
        let proof = proof(request.password.take(), request.password_hash.take())?;
        let mode = mode(request.dry_run);
        let user = NewUser { id: parse("mcptt_id", &request.mcptt_id)?, profile: profile(&request)?, proof };
        let outcome = self.0.put_user(user, mode).await;
        Ok(put(outcome.map_err(status)?))
    }

    async fn delete_user(
        &self,
        request: Request<DeleteUserRequest>,
    ) -> Result<Response<DeleteResponse>, Status> {
        let DeleteUserRequest { mcptt_id, dry_run } = request.into_inner();
        let deletion = self.0.delete_user(&parse("mcptt_id", &mcptt_id)?, mode(dry_run)).await;
        let outcome = match deletion.map_err(status)? {
            Deletion::Deleted => delete_response::Outcome::Deleted,
            Deletion::Absent => delete_response::Outcome::Absent,
        };
        Ok(Response::new(DeleteResponse { outcome: outcome.into() }))
    }

    async fn put_client(&self, request: Request<PutClientRequest>) -> Result<Response<PutResponse>, Status> {
        let mut request = request.into_inner();
        let secret = request.secret.take().map(|secret| Zeroizing::new(secret.into_bytes()));
        if secret.as_ref().is_some_and(|secret| !(MIN_SECRET..=MAX_TEXT).contains(&secret.len())) {
            return Err(invalid("secret", "has 32 to 512 octets"));
        }
        let client = NewClient {
            id: parse("client_id", &request.client_id)?,
            organisation: parse("organisation", &request.organisation)?,
            redirect_uris: list("redirect_uris", &request.redirect_uris)?,
            scopes: scopes(&request.scopes)?.ok_or_else(|| invalid("scopes", "must not be empty"))?,
            secret,
            id_token: match request.id_token_algorithm.as_str() {
                "" => None,
                "HS256" => Some(IdTokenAlgorithm::Hs256),
                "RS256" => Some(IdTokenAlgorithm::Rs256),
                _ => return Err(invalid("id_token_algorithm", "is HS256, RS256 or empty")),
            },
            audience: text("audience", request.audience)?,
        };
        if client.redirect_uris.is_empty() {
            return Err(invalid("redirect_uris", "must not be empty"));
        }
        let outcome = self.0.put_client(client, mode(request.dry_run)).await;
        Ok(put(outcome.map_err(status)?))
    }
}

/// What proves the password, which is given in clear or as its hash.
fn proof(password: Option<String>, hash: Option<String>) -> Result<Option<Proof>, Status> {
    match (password.map(Zeroizing::new), hash.map(Zeroizing::new)) {
        (Some(_), Some(_)) => Err(invalid("password", "and password_hash exclude each other")),
        (Some(password), None) if !(1..=MAX_TEXT).contains(&password.len()) => {
            Err(invalid("password", "has 1 to 512 octets"))
        }
        (Some(password), None) => Ok(Some(Proof::of(&password))),
        (None, Some(hash)) => match Proof::from_parameter(&hash) {
            Some(proof) => Ok(Some(proof)),
            None => Err(invalid("password_hash", "is base64url of a SHA-256 digest, without padding")),
        },
        (None, None) => Ok(None),
    }
}

fn profile(request: &PutUserRequest) -> Result<Profile, Status> {
    let mut user_uris: Vec<McpttId> = list("user_uris", &request.user_uris)?;
    user_uris.sort_unstable();
    user_uris.dedup();
    Ok(Profile {
        organisation: parse("organisation", &request.organisation)?,
        roles: list("roles", &request.roles)?.into_iter().collect(),
        ue_ids: list("ue_ids", &request.ue_ids)?,
        user_uris,
        kms_uri: text("kms_uri", request.kms_uri.clone())?,
        enabled: !request.disabled,
        scopes: scopes(&request.scopes)?,
    })
}

fn scopes(names: &[String]) -> Result<Option<Scopes>, Status> {
    let scopes =
        Scopes::from_names(names.iter().map(String::as_str)).map_err(|error| invalid("scopes", error))?;
    Ok((!scopes.is_empty()).then_some(scopes))
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(field: &str, value: &str) -> Result<T, Status> {
    value.parse().map_err(|error| invalid(field, error))
}

fn list<T: std::str::FromStr<Err: std::fmt::Display>>(
    field: &str,
    values: &[String],
) -> Result<Vec<T>, Status> {
    if values.len() > MAX_ITEMS {
        return Err(invalid(field, "has too many items; 64 are allowed"));
    }
    values.iter().map(|value| parse(field, value)).collect()
}

/// A text without form; `None` if it is empty.
fn text(field: &str, value: String) -> Result<Option<String>, Status> {
    if value.len() > MAX_TEXT || value.chars().any(char::is_control) {
        return Err(invalid(field, "is longer than 512 octets or holds a control character"));
    }
    Ok((!value.is_empty()).then_some(value))
}

fn mode(dry_run: bool) -> Mode {
    if dry_run { Mode::DryRun } else { Mode::Apply }
}

fn put(outcome: Outcome) -> Response<PutResponse> {
    let outcome = match outcome {
        Outcome::Created => put_response::Outcome::Created,
        Outcome::Changed => put_response::Outcome::Changed,
        Outcome::Unchanged => put_response::Outcome::Unchanged,
    };
    Response::new(PutResponse { outcome: outcome.into() })
}

fn invalid(field: &str, why: impl std::fmt::Display) -> Status {
    Status::invalid_argument(format!("{field}: {why}"))
}

fn status(error: DirectoryError) -> Status {
    match &error {
        DirectoryError::NoSuchOrganisation(_) => Status::failed_precondition(error.to_string()),
        DirectoryError::Leaving(..) => Status::unavailable(error.to_string()),
        DirectoryError::NameTaken(_) => Status::already_exists(error.to_string()),
        DirectoryError::PasswordMissing | DirectoryError::SecretMissing => {
            Status::invalid_argument(error.to_string())
        }
        DirectoryError::Fault(fault) => fault_status(fault),
    }
}

fn fault_status(fault: &Fault) -> Status {
    let error = fault as &dyn std::error::Error;
    if fault.is_temporary() {
        tracing::warn!(error, "administration cannot be served now");
        Status::unavailable("try again later")
    } else {
        tracing::error!(error, "administration failed");
        Status::internal("fault inside the identity service; see its log")
    }
}
