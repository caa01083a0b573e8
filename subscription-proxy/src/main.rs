//! `csc-subscription-proxy`: see `csc-subscription-proxy --reference`.

use std::process::ExitCode;

fn main() -> ExitCode {
    csc_process::main::<csc_subscription_proxy::Process>()
}
