//! As whom does this executable run? Contenders and measurer are the same binary, so that compiler and linker treat them alike.
//!
//! | file | question |
//! |---|---|
//! | `floor` | what does HTTP alone cost? |
//! | `signing` | what does a signature alone cost? |

pub(crate) mod floor;
pub(crate) mod signing;

use std::process::ExitCode;

/// Runs the role that `args` begin with; none if they name no role.
pub(crate) fn run(args: &[String]) -> Option<anyhow::Result<ExitCode>> {
    let (role, rest) = args.split_first()?;
    let succeeded = |done: anyhow::Result<()>| done.map(|()| ExitCode::SUCCESS);
    match role.as_str() {
        "tokenhouse" => Some(Ok(tokenhouse::cli::run_from(args))),
        "floor" => Some(succeeded(floor::serve(rest, floor::Middleware::OfTheProduct))),
        "bare" => Some(succeeded(floor::serve(rest, floor::Middleware::None))),
        "sign" => Some(succeeded(signing::repeat(rest, signing::Work::Sign))),
        "verify" => Some(succeeded(signing::repeat(rest, signing::Work::Verify))),
        _ => None,
    }
}
