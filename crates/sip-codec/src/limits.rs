//! What one message may cost before it is refused.

/// Bounds on one message, checked while it is read, so that memory stays bounded whatever arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a whole message: start line, header and body.
    pub message: usize,
    /// Header field lines of a message, continuation lines not counted.
    pub fields: usize,
    /// Octets of one header field with its continuation lines, and of the start line.
    pub line: usize,
}

impl Default for Limits {
    /// One UDP datagram of the largest size, 128 fields, 8 KiB per field.
    fn default() -> Self {
        Limits { message: 65_535, fields: 128, line: 8_192 }
    }
}
