use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::*;

/// How long what must come may take; only a failure takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that answers every command of one word with `+ok`.
async fn upstream() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut octets = vec![0; 4096];
                while let Ok(size @ 1..) = stream.read(&mut octets).await {
                    let answers = octets[..size].iter().filter(|octet| **octet == b'*').count();
                    if stream.write_all(&b"+ok\r\n".repeat(answers)).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// A command of one word.
fn command(word: &str) -> String {
    format!("*1\r\n${}\r\n{word}\r\n", word.len())
}

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// What comes until there are `count` octets or the stream ends.
async fn hear(stream: &mut TcpStream, count: usize) -> std::io::Result<String> {
    let mut octets = vec![0; count];
    let mut filled = 0;
    while filled < count {
        match timeout(PATIENCE, stream.read(&mut octets[filled..])).await.unwrap()? {
            0 => break,
            size => filled += size,
        }
    }
    Ok(String::from_utf8_lossy(&octets[..filled]).into_owned())
}

/// Whether nothing comes for a while, neither octets nor an end.
async fn silent(stream: &mut TcpStream) -> bool {
    timeout(Duration::from_millis(50), stream.read(&mut [0])).await.is_err()
}

async fn from(address: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((address, 0))).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test]
async fn clear_weather_passes_everything() {
    let proxy = Proxy::start(upstream().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut stream, &command("a").repeat(100)).await;
    assert_eq!(hear(&mut stream, 500).await.unwrap(), "+ok\r\n".repeat(100));
    stream.shutdown().await.unwrap();
    assert_eq!(hear(&mut stream, 1).await.unwrap(), "", "the end passes too");
}

#[tokio::test]
async fn what_is_held_arrives_when_it_clears() {
    let proxy = Proxy::start(upstream().await).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    proxy.set(Who::All, Weather::Held);
    say(&mut stream, &command("a")).await;
    assert!(silent(&mut stream).await, "nothing passes");
    proxy.set(Who::All, Weather::Delay(Duration::from_millis(1)));
    assert_eq!(hear(&mut stream, 5).await.unwrap(), "+ok\r\n");
}

#[tokio::test]
async fn only_those_meant_are_concerned() {
    let proxy = Proxy::start(upstream().await).await.unwrap();
    let mut ours = from([127, 0, 0, 1], proxy.address()).await;
    let mut theirs = from([127, 0, 0, 9], proxy.address()).await;
    proxy.set(Who::loopback(9), Weather::Held);
    say(&mut ours, &command("a")).await;
    say(&mut theirs, &command("a")).await;
    assert_eq!(hear(&mut ours, 5).await.unwrap(), "+ok\r\n");
    assert!(silent(&mut theirs).await);
    proxy.set(Who::All, Weather::Clear);
    assert_eq!(hear(&mut theirs, 5).await.unwrap(), "+ok\r\n");
}

#[tokio::test]
async fn a_stream_with_a_hole_never_goes_on() {
    for lost in [Direction::Up, Direction::Down] {
        let proxy = Proxy::start(upstream().await).await.unwrap();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        say(&mut stream, &command("a")).await;
        hear(&mut stream, 5).await.unwrap();
        proxy.set(Who::All, Weather::Swallow(lost));
        say(&mut stream, &command("a")).await;
        assert!(silent(&mut stream).await);
        proxy.set(Who::All, Weather::Clear);
        assert!(hear(&mut stream, 1).await.is_err(), "a reset, not what came later");
    }
}

#[tokio::test]
async fn cuts_and_refusals() {
    let proxy = Proxy::start(upstream().await).await.unwrap();
    let mut finished = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut finished, &command("a")).await;
    hear(&mut finished, 5).await.unwrap();
    proxy.cut(Who::All, Cut::Finish);
    assert_eq!(hear(&mut finished, 1).await.unwrap(), "");

    let mut present = TcpStream::connect(proxy.address()).await.unwrap();
    say(&mut present, &command("a")).await;
    assert_eq!(
        hear(&mut present, 5).await.unwrap(),
        "+ok\r\n",
        "an old order does not concern new connections"
    );
    proxy.set(Who::All, Weather::Refuse);
    assert!(hear(&mut present, 1).await.is_err());
    if let Ok(mut new) = TcpStream::connect(proxy.address()).await {
        assert!(hear(&mut new, 1).await.is_err());
    }
}

#[tokio::test]
async fn the_reply_of_exactly_one_command_is_lost() {
    let proxy = Proxy::start(upstream().await).await.unwrap();
    let mut other = TcpStream::connect(proxy.address()).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let seen = proxy.lose_reply(Who::All, "needle");
    let words = ["a", "b", "a needle here", "c", "the needle again"];
    say(&mut stream, &words.map(command).concat()).await;
    assert_eq!(
        hear(&mut stream, 100).await.unwrap_or_default(),
        "+ok\r\n+ok\r\n",
        "those before it are answered"
    );
    seen.await.expect("the command was seen");
    say(&mut other, &command("needle")).await;
    assert_eq!(hear(&mut other, 5).await.unwrap(), "+ok\r\n", "once");
}

#[tokio::test]
async fn a_server_that_is_away_resets() {
    let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(gone).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(hear(&mut stream, 1).await.is_err());
}
