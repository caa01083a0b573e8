//! A connection: TCP or TLS, login, the master's role, the scripts.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, Value, cmd};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio_rustls::TlsConnector;
use zeroize::Zeroizing;

use super::Access;
use super::failure::{Failure, answered};
use super::options::{Password, split};
use super::scripts::Scripts;

/// How long connecting and logging in may take together.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest answer to a login that is read; real ones are a tenth of it.
const LINE: usize = 1024;

/// Who logs in.
pub(super) struct Login<'a> {
    pub(super) username: Option<&'a str>,
    pub(super) password: Option<&'a Password>,
}

/// An open connection. Dropped, it is closed, whatever is under way.
pub(super) struct Connection {
    inner: MultiplexedConnection,
    driver: AbortHandle,
}

impl Connection {
    /// Connects to `address` and logs in. An answer that takes longer than `response` ends the connection.
    pub(super) async fn open(
        access: &Access,
        address: &str,
        login: Login<'_>,
        response: Duration,
    ) -> Result<Self, Failure> {
        let opened = tokio::time::timeout(PATIENCE, connect(access, address, login, response)).await;
        opened.unwrap_or_else(|_| Err(Failure::Gone(format!("{address} does not answer"))))
    }

    /// A connection to a server of the data that is master now.
    pub(super) async fn to_master(
        access: &Access,
        address: &str,
        response: Duration,
    ) -> Result<Self, Failure> {
        let options = &access.options;
        let login = Login { username: options.username.as_deref(), password: options.password.as_ref() };
        let mut connection = Self::open(access, address, login, response).await?;
        match connection.ask(cmd("ROLE")).await? {
            Value::Array(parts) if parts.first().and_then(octets) == Some(b"master") => Ok(connection),
            _ => Err(Failure::Elsewhere(format!("{address} is not a master"))),
        }
    }

    /// Loads the scripts into the server.
    pub(super) async fn load(&mut self, scripts: &Scripts) -> Result<(), Failure> {
        let loads: Vec<Cmd> = scripts.loads().collect();
        for answer in self.send(&loads).await? {
            answered(answer).map_err(|(failure, _)| failure)?;
        }
        Ok(())
    }

    /// Sends one command and returns its answer, which is no error.
    pub(super) async fn ask(&mut self, command: Cmd) -> Result<Value, Failure> {
        let answer = self.send(&[command]).await?.pop();
        let answer = answer.ok_or_else(|| Failure::Gone("no answer to a command".to_owned()))?;
        answered(answer).map_err(|(failure, _)| failure)
    }

    /// Sends `commands` at once and returns an answer for each, errors of the server among them.
    pub(super) async fn send(&mut self, commands: &[Cmd]) -> Result<Vec<Value>, Failure> {
        let mut pipeline = Pipeline::with_capacity(commands.len());
        for command in commands {
            pipeline.add_command(command.clone());
        }
        self.send_pipeline(&pipeline, commands.len()).await
    }

    pub(super) async fn send_pipeline(
        &mut self,
        pipeline: &Pipeline,
        count: usize,
    ) -> Result<Vec<Value>, Failure> {
        let answers = self.inner.send_packed_commands(pipeline, 0, count).await?;
        if answers.len() != count {
            return Err(Failure::Gone(format!("{} answers to {count} commands", answers.len())));
        }
        Ok(answers)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

async fn connect(
    access: &Access,
    address: &str,
    login: Login<'_>,
    response: Duration,
) -> Result<Connection, Failure> {
    let gone = |why: std::io::Error| Failure::Gone(format!("{address}: {why}"));
    let (host, port) = split(address).ok_or_else(|| Failure::Gone(format!("{address:?} is no address")))?;
    let stream = TcpStream::connect((host, port)).await.map_err(gone)?;
    stream.set_nodelay(true).map_err(gone)?;
    match &access.options.tls {
        None => start(stream, address, login, response).await,
        Some(config) => {
            let name = ServerName::try_from(host.to_owned()).map_err(|_| {
                Failure::Refused(format!("{host:?} is no name that a certificate could have"))
            })?;
            let connector = TlsConnector::from(std::sync::Arc::clone(config));
            let stream = connector.connect(name, stream).await.map_err(gone)?;
            start(stream, address, login, response).await
        }
    }
}

async fn start<S>(
    mut stream: S,
    address: &str,
    login: Login<'_>,
    response: Duration,
) -> Result<Connection, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    if let Some(password) = login.password {
        log_in(&mut stream, login.username, password).await.map_err(|why| match why {
            LoginError::Io(why) => Failure::Gone(format!("{address}: {why}")),
            LoginError::Refused(said) => {
                let (code, detail) = said.split_once(' ').unwrap_or((&said, ""));
                Failure::of_server(code, detail)
            }
        })?;
    }
    // The login is done, so there is nothing to set up and the library never sees the password.
    let info = RedisConnectionInfo::default().set_skip_set_lib_name();
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(response));
    let (inner, driver) = MultiplexedConnection::new_with_config(&info, stream, config).await?;
    Ok(Connection { inner, driver: tokio::spawn(driver).abort_handle() })
}

enum LoginError {
    Io(std::io::Error),
    Refused(String),
}

impl From<std::io::Error> for LoginError {
    fn from(why: std::io::Error) -> Self {
        Self::Io(why)
    }
}

/// `AUTH`, from a buffer that is wiped.
async fn log_in<S>(stream: &mut S, username: Option<&str>, password: &Password) -> Result<(), LoginError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let parts: Vec<&[u8]> = [Some(&b"AUTH"[..]), username.map(str::as_bytes), Some(password.octets())]
        .into_iter()
        .flatten()
        .collect();
    // Large enough from the start: growing would leave a copy behind.
    let mut request =
        Zeroizing::new(Vec::with_capacity(64 + parts.iter().map(|part| part.len() + 32).sum::<usize>()));
    request.extend_from_slice(format!("*{}\r\n", parts.len()).as_bytes());
    for part in parts {
        request.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
        request.extend_from_slice(part);
        request.extend_from_slice(b"\r\n");
    }
    stream.write_all(&request).await?;
    stream.flush().await?;
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") && line.len() < LINE {
        line.push(stream.read_u8().await?);
    }
    match line.split_first() {
        Some((b'+', _)) => Ok(()),
        Some((_, said)) => Err(LoginError::Refused(String::from_utf8_lossy(said).trim_end().to_owned())),
        None => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into()),
    }
}

/// The octets of a text or string.
pub(super) fn octets(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(octets) => Some(octets),
        Value::SimpleString(text) => Some(text.as_bytes()),
        _ => None,
    }
}
