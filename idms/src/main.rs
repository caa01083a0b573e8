//! `csc-idms`: see `csc-idms --reference`.

use std::process::ExitCode;

fn main() -> ExitCode {
    csc_process::main::<csc_idms::Process>()
}
