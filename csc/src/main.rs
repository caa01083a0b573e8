//! `csc`: see `csc --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    csc::main()
}
