//! `csc-kms`: see `csc-kms --reference`.

use std::process::ExitCode;

fn main() -> ExitCode {
    csc_process::main::<csc_kms::Process>()
}
