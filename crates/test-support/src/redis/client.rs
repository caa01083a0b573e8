//! Just enough of a Redis client to look at a server and to order it about, one connection per call.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// What a server answered (RESP2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A status, such as `OK`.
    Status(String),
    /// A refusal, its code in front: `READONLY You can't write …`.
    Error(String),
    /// A number.
    Integer(i64),
    /// A string of octets; `None` for null.
    Bulk(Option<Vec<u8>>),
    /// An array; empty for null.
    Array(Vec<Reply>),
}

impl Reply {
    /// Its text: of a status, an error or a string. Empty for anything else.
    pub fn text(&self) -> String {
        match self {
            Self::Status(text) | Self::Error(text) => text.clone(),
            Self::Bulk(Some(octets)) => String::from_utf8_lossy(octets).into_owned(),
            Self::Integer(_) | Self::Bulk(None) | Self::Array(_) => String::new(),
        }
    }
}

/// Sends one command to the server at `address`, after `AUTH` if there is a password.
///
/// # Errors
/// When it cannot be reached or does not answer within 15 s. An error of the server's is a [`Reply::Error`].
pub fn call<A: AsRef<[u8]>>(
    address: SocketAddr,
    password: Option<&str>,
    arguments: &[A],
) -> io::Result<Reply> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut replies = BufReader::new(stream.try_clone()?);
    if let Some(password) = password {
        stream.write_all(&encode(&["AUTH", password]))?;
        read(&mut replies)?;
    }
    stream.write_all(&encode(arguments))?;
    read(&mut replies)
}

fn encode<A: AsRef<[u8]>>(arguments: &[A]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", arguments.len()).into_bytes();
    for argument in arguments {
        let argument = argument.as_ref();
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn read(from: &mut impl BufRead) -> io::Result<Reply> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = line.trim_end();
    let odd = || io::Error::new(io::ErrorKind::InvalidData, line.to_owned());
    let rest = line.get(1..).ok_or_else(odd)?;
    let number = || rest.parse::<i64>().map_err(|_| odd());
    Ok(match line.as_bytes()[0] {
        b'+' => Reply::Status(rest.to_owned()),
        b'-' => Reply::Error(rest.to_owned()),
        b':' => Reply::Integer(number()?),
        b'$' => match usize::try_from(number()?) {
            Err(_) => Reply::Bulk(None),
            Ok(length) => {
                let mut octets = vec![0; length + 2];
                from.read_exact(&mut octets)?;
                octets.truncate(length);
                Reply::Bulk(Some(octets))
            }
        },
        b'*' => {
            let mut items = Vec::new();
            for _ in 0..number()?.max(0) {
                items.push(read(from)?);
            }
            Reply::Array(items)
        }
        _ => return Err(odd()),
    })
}
