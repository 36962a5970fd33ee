//! Does the API accept the valid token? Until it does, nothing can be judged.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::report::shown;
use super::run::{Run, now_seconds};
use crate::cli::exit::CliError;
use crate::specimen::{Forge, Outcome, Presentation};

/// How long to wait between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Sends the valid token until it is accepted, for `wait` at most.
///
/// # Errors
/// If it never is: with what came back and what to configure.
pub async fn until_accepted(run: &Run, wait: Duration) -> Result<(), CliError> {
    let started = Instant::now();
    let mut attempt = 0;
    loop {
        let outcome = valid_token(run, &format!("first-{attempt}")).await?;
        if outcome.status.is_some_and(|status| run.expectation.is_accepted(status)) {
            return Ok(());
        }
        if started.elapsed() >= wait {
            return Err(CliError::Refused(diagnosis(run, &outcome)?));
        }
        attempt += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether the API still accepts the valid token, in one of three attempts.
pub async fn is_alive(run: &Run) -> bool {
    for attempt in 0..3 {
        let outcome = valid_token(run, &format!("alive-{attempt}-{:?}", Instant::now())).await;
        if outcome.is_ok_and(|outcome| outcome.status.is_some_and(|status| run.expectation.is_accepted(status))) {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}

async fn valid_token(run: &Run, name: &str) -> Result<Outcome, CliError> {
    Ok(run.sender.send(&Presentation::bearer(token(run, name)?)).await)
}

fn token(run: &Run, name: &str) -> Result<String, CliError> {
    let jti = format!("{}-{name}", run.run_id);
    let forge = Forge::new(&run.subject, &run.keys, now_seconds(), &jti);
    forge.valid().map_err(|_| CliError::Failed(anyhow::anyhow!("the valid token could not be signed")))
}

/// Why nothing could be judged.
fn diagnosis(run: &Run, outcome: &Outcome) -> Result<String, CliError> {
    let mut text = String::from("the API does not accept the valid token, so that nothing can be judged\n");
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Into a string: nothing can fail.
        let _ = writeln!(text, "  {words}");
    };
    match (outcome.status, &outcome.problem) {
        (Some(status), _) => line(format_args!("it answers {status}")),
        (None, Some(problem)) => line(format_args!("{problem}")),
        (None, None) => line(format_args!("no answer")),
    }
    for challenge in &outcome.challenges {
        line(format_args!("WWW-Authenticate: {}", shown(challenge)));
    }
    if !outcome.body.trim().is_empty() {
        line(format_args!("{}", shown(outcome.body.trim())));
    }
    let advice = match (outcome.status, run.site.fetches()) {
        (None, _) => "Is it running, and is this its URL?",
        (Some(403), _) => "It lacks a scope or another claim: see --scope, --scope-claim, --claim.",
        (Some(400 | 404 | 405 | 415 | 422), _) => {
            "Is this its path and method? See --method, --body, --header, --expect."
        }
        (Some(_), Some((_, 0))) => {
            "It has never fetched the keys from here: configure it as above, and start it again if it fetches them only then."
        }
        (Some(_), Some(_)) => {
            "It has fetched the keys from here, so it is something else in the token: issuer, audience, typ (--typ, --profile), algorithm (--alg), a claim (--claim)."
        }
        (Some(_), None) => {
            "Is it configured with the issuer and the audience above? See also --typ, --profile, --alg, --claim."
        }
    };
    line(format_args!("{advice}"));
    // Worthless outside of this test, and what one wants to look at.
    line(format_args!("the token: {}", token(run, "shown")?));
    Ok(text.trim_end().to_owned())
}
