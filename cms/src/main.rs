//! `csc-cms`: see `csc-cms --reference`.

use std::process::ExitCode;

fn main() -> ExitCode {
    csc_process::main::<csc_cms::Process>()
}
