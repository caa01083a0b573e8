//! Where one command or reply of the Redis protocol ends and the next begins.
//!
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>: just enough of it to count.

/// The longest command or reply that is looked at; a longer one makes the stream a mere stream of octets.
const LONGEST: usize = 64 * 1024 * 1024;

/// The octets are no Redis protocol, or beyond what is looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotResp;

/// How many octets the first value in `octets` has; `None` while it is not all there.
pub(crate) fn length(octets: &[u8]) -> Result<Option<usize>, NotResp> {
    let mut at = 0;
    let mut pending: usize = 1;
    while pending > 0 {
        let Some(end) = line(&octets[at..])? else { return Ok(None) };
        let head = &octets[at..at + end - 2];
        at += end;
        pending -= 1;
        match head[0] {
            b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(' => {}
            b'$' | b'=' | b'!' => {
                if let Some(size) = count(&head[1..])? {
                    at += size + 2;
                }
            }
            b'*' | b'~' | b'>' => pending += count(&head[1..])?.unwrap_or(0),
            b'%' => pending += 2 * count(&head[1..])?.unwrap_or(0),
            // Attributes stand in front of the value that they are about.
            b'|' => pending += 2 * count(&head[1..])?.unwrap_or(0) + 1,
            _ => return Err(NotResp),
        }
        if at > LONGEST || pending > LONGEST {
            return Err(NotResp);
        }
        if at > octets.len() {
            return Ok(None);
        }
    }
    Ok(Some(at))
}

/// Whether a value of the server is the reply to a command, not a message pushed in between.
pub(crate) fn is_reply(value: &[u8]) -> bool {
    value.first() != Some(&b'>')
}

/// Whether what follows this command is no longer commands and replies: a replica asks for the stream of changes.
pub(crate) fn leaves_protocol(command: &[u8]) -> bool {
    let name = command.split(|octet| *octet == b'\n').nth(2).unwrap_or_default().trim_ascii();
    ["PSYNC", "SYNC", "MONITOR"].iter().any(|other| name.eq_ignore_ascii_case(other.as_bytes()))
}

/// The length of the first line, its end included.
fn line(octets: &[u8]) -> Result<Option<usize>, NotResp> {
    match octets.windows(2).position(|pair| pair == b"\r\n") {
        Some(0) => Err(NotResp),
        Some(position) => Ok(Some(position + 2)),
        None if octets.len() > 64 * 1024 => Err(NotResp),
        None => Ok(None),
    }
}

/// A length; `None` for the null of the second protocol version (-1).
fn count(digits: &[u8]) -> Result<Option<usize>, NotResp> {
    if digits == b"-1" {
        return Ok(None);
    }
    let text = std::str::from_utf8(digits).map_err(|_| NotResp)?;
    let count: usize = text.parse().map_err(|_| NotResp)?;
    if count > LONGEST { Err(NotResp) } else { Ok(Some(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_end_of_every_kind_of_value() {
        for value in [
            "+OK\r\n",
            "-ERR no\r\n",
            ":12\r\n",
            "$3\r\na\r\n\r\n",
            "$0\r\n\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "*0\r\n",
            "*2\r\n$4\r\nPING\r\n$2\r\nhi\r\n",
            "*2\r\n*1\r\n:1\r\n+a\r\n",
            "%1\r\n+a\r\n*1\r\n:1\r\n",
            "|1\r\n+a\r\n:1\r\n:2\r\n",
            ">2\r\n+a\r\n+b\r\n",
            "_\r\n",
            "#t\r\n",
        ] {
            let whole = value.as_bytes();
            for end in 0..whole.len() {
                assert_eq!(length(&whole[..end]), Ok(None), "{value:?} up to {end}");
            }
            let followed = [whole, b"+next\r\n"].concat();
            assert_eq!(length(&followed), Ok(Some(whole.len())), "{value:?}");
        }
    }

    #[test]
    fn gives_up_on_what_it_does_not_know() {
        for octets in ["PING\r\n", "\r\n", "$x\r\n", "*99999999999\r\n", "$18446744073709551615\r\n"] {
            assert_eq!(length(octets.as_bytes()), Err(NotResp), "{octets:?}");
        }
    }

    #[test]
    fn a_replica_leaves_the_protocol() {
        assert!(leaves_protocol(b"*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n"));
        assert!(!leaves_protocol(b"*1\r\n$4\r\nPING\r\n") && !leaves_protocol(b"+x\r\n"));
    }

    #[test]
    fn a_push_is_no_reply() {
        assert!(is_reply(b"+OK\r\n") && !is_reply(b">1\r\n+a\r\n"));
    }
}
