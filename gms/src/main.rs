//! `csc-gms`: see `csc-gms --reference`.

use std::process::ExitCode;

fn main() -> ExitCode {
    csc_process::main::<csc_gms::Process>()
}
