//! The UDP socket.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use sip_codec::Encoded;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

/// The largest datagram.
const DATAGRAM: usize = 65_535;
/// Messages that wait while the system's send buffer is full; what is beyond is lost like any datagram.
const OUTBOX: usize = 4_096;
/// Datagrams taken before anything else gets a turn.
const AT_ONCE: usize = 64;

/// A socket with an outbox.
#[derive(Debug)]
pub(crate) struct SipSocket {
    socket: UdpSocket,
    local: SocketAddr,
    outbox: VecDeque<(Encoded, SocketAddr)>,
    /// Messages that found no place in it.
    dropped: u64,
    buffer: Vec<u8>,
}

impl SipSocket {
    /// Binds `listen` and asks for a receive buffer of `receive_buffer` octets.
    pub(crate) fn bind(listen: SocketAddr, receive_buffer: usize) -> io::Result<SipSocket> {
        let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(receive_buffer)?;
        // Linux keeps half of what it reports for its own bookkeeping.
        let granted = socket.recv_buffer_size()? / 2;
        if granted < receive_buffer {
            tracing::info!(asked = receive_buffer, granted, "smaller receive buffer; see net.core.rmem_max");
        }
        socket.bind(&listen.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let local = socket.local_addr()?;
        Ok(SipSocket { socket, local, outbox: VecDeque::new(), dropped: 0, buffer: vec![0; DATAGRAM] })
    }

    /// Where it listens.
    pub(crate) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends, or keeps for later.
    pub(super) fn send(&mut self, message: Encoded, to: SocketAddr) {
        if self.outbox.is_empty() && self.try_send(&message, to) {
            return;
        }
        if self.outbox.len() < OUTBOX {
            self.outbox.push_back((message, to));
        } else {
            self.dropped += 1;
        }
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_flushed(&self) -> bool {
        self.outbox.is_empty()
    }

    /// How many messages were dropped since this was last asked.
    pub(super) fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// False if it is to be tried again. A destination that cannot be reached is silence, and timers deal with that.
    fn try_send(&self, message: &Encoded, to: SocketAddr) -> bool {
        match self.socket.try_send_to(message.as_bytes(), to) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(error) => {
                tracing::debug!(%error, %to, "datagram not sent");
                true
            }
            Ok(_) => true,
        }
    }

    /// Waits until something can be received, or what was kept can be sent, and sends that.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        if self.outbox.is_empty() {
            return self.socket.readable().await;
        }
        tokio::select! {
            readable = self.socket.readable() => readable?,
            writable = self.socket.writable() => writable?,
        }
        while let Some((message, to)) = self.outbox.pop_front() {
            if !self.try_send(&message, to) {
                self.outbox.push_front((message, to));
                break;
            }
        }
        Ok(())
    }

    /// Takes what has arrived.
    pub(super) fn receive(&mut self) -> Vec<(Bytes, SocketAddr)> {
        let mut arrived = Vec::new();
        while arrived.len() < AT_ONCE {
            match self.socket.try_recv_from(&mut self.buffer) {
                Ok((length, from)) => arrived.push((Bytes::copy_from_slice(&self.buffer[..length]), from)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    tracing::debug!(%error, "datagram not received");
                    break;
                }
            }
        }
        arrived
    }
}
