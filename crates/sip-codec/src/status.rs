//! Status codes and their usual phrases (RFC 3261 section 21, RFC 6665 section 8.3).

use std::fmt;

/// A SIP status code, 100 to 699.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u16);

impl Status {
    /// 200.
    pub const OK: Status = Status(200);
    /// 202, the answer of an older notifier to SUBSCRIBE (RFC 3265).
    pub const ACCEPTED: Status = Status(202);
    /// 400.
    pub const BAD_REQUEST: Status = Status(400);
    /// 403.
    pub const FORBIDDEN: Status = Status(403);
    /// 404.
    pub const NOT_FOUND: Status = Status(404);
    /// 405.
    pub const METHOD_NOT_ALLOWED: Status = Status(405);
    /// 406.
    pub const NOT_ACCEPTABLE: Status = Status(406);
    /// 408.
    pub const REQUEST_TIMEOUT: Status = Status(408);
    /// 413.
    pub const REQUEST_ENTITY_TOO_LARGE: Status = Status(413);
    /// 415.
    pub const UNSUPPORTED_MEDIA_TYPE: Status = Status(415);
    /// 416.
    pub const UNSUPPORTED_URI_SCHEME: Status = Status(416);
    /// 420.
    pub const BAD_EXTENSION: Status = Status(420);
    /// 423.
    pub const INTERVAL_TOO_BRIEF: Status = Status(423);
    /// 481.
    pub const NO_SUCH_TRANSACTION: Status = Status(481);
    /// 482.
    pub const LOOP_DETECTED: Status = Status(482);
    /// 489.
    pub const BAD_EVENT: Status = Status(489);
    /// 500.
    pub const SERVER_INTERNAL_ERROR: Status = Status(500);
    /// 501.
    pub const NOT_IMPLEMENTED: Status = Status(501);
    /// 503.
    pub const SERVICE_UNAVAILABLE: Status = Status(503);
    /// 505.
    pub const VERSION_NOT_SUPPORTED: Status = Status(505);
    /// 513.
    pub const MESSAGE_TOO_LARGE: Status = Status(513);

    /// The status of a number, if it lies in 100 to 699.
    pub fn new(code: u16) -> Option<Status> {
        (100..=699).contains(&code).then_some(Status(code))
    }

    /// The number.
    pub fn code(self) -> u16 {
        self.0
    }

    /// Whether this ends a transaction: 200 and above.
    pub fn is_final(self) -> bool {
        self.0 >= 200
    }

    /// Whether this is 200 to 299.
    pub fn is_success(self) -> bool {
        (200..300).contains(&self.0)
    }

    /// The phrase of the standard, or that of the code's class.
    pub fn phrase(self) -> &'static str {
        match self.0 {
            100 => "Trying",
            200 => "OK",
            202 => "Accepted",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            406 => "Not Acceptable",
            408 => "Request Timeout",
            413 => "Request Entity Too Large",
            415 => "Unsupported Media Type",
            416 => "Unsupported URI Scheme",
            420 => "Bad Extension",
            423 => "Interval Too Brief",
            481 => "Call/Transaction Does Not Exist",
            482 => "Loop Detected",
            489 => "Bad Event",
            500 => "Server Internal Error",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            505 => "Version Not Supported",
            513 => "Message Too Large",
            code => match code / 100 {
                1 => "Progress",
                2 => "Success",
                3 => "Redirection",
                4 => "Request Failure",
                5 => "Server Failure",
                _ => "Global Failure",
            },
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, self.phrase())
    }
}
