//! What commands print for whoever started them.

use std::fmt;
use std::io::Write;

/// Prints a line to standard output. A reader that has gone, such as `head`, is no error: the command goes on.
macro_rules! say {
    ($($line:tt)*) => { $crate::say::line(format_args!($($line)*)) };
}

pub(crate) fn line(line: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}
