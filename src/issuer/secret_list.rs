//! Which secrets does a client have, and which of them can be retired without anybody noticing?

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::secrets::SecretSummary;
use super::usage::report::date;
use crate::clock::UnixMillis;
use crate::secret::StoredSecret;

/// A secret as people look at it before they retire one.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ListedSecret {
    /// What it is.
    #[serde(flatten)]
    pub summary: SecretSummary,
    /// Would nobody notice?
    pub safe_to_retire: bool,
    /// Why, in words.
    pub safe_to_retire_reason: String,
}

/// The secrets of a client at `now`, in their order. One is safe to retire when it has not been used for `quiet_days`
/// and another one, which still works, has been used since: the client has the other, and nothing that runs seldom
/// hangs on this one.
pub fn list_secrets(secrets: &[StoredSecret], quiet_days: u32, now: UnixMillis) -> Vec<ListedSecret> {
    let listed = secrets.iter().map(|secret| {
        let verdict = judge(secret, secrets, quiet_days, now);
        ListedSecret {
            summary: SecretSummary::from(secret),
            safe_to_retire: verdict.is_ok(),
            safe_to_retire_reason: verdict.unwrap_or_else(|reason| reason),
        }
    });
    listed.collect()
}

/// Why `secret` can be retired, or why not.
fn judge(secret: &StoredSecret, all: &[StoredSecret], quiet_days: u32, now: UnixMillis) -> Result<String, String> {
    if let Some(expired_at) = secret.expires_at.filter(|_| !secret.is_live(now)) {
        return Ok(format!("it works no more: it expired {}", day(expired_at, now)));
    }
    let others = || all.iter().filter(|other| other.id != secret.id && other.is_live(now));
    if others().next().is_none() {
        return Err("the only secret that works: add another one first".to_owned());
    }
    let (since, history) = match secret.last_used_at {
        Some(used_at) => (used_at, format!("last used {}", day(used_at, now))),
        None => (secret.created_at, format!("not used since it was added {}", day(secret.created_at, now))),
    };
    let other_used_at = others().filter_map(|other| other.last_used_at).max().filter(|used_at| *used_at > since);
    let Some(other_used_at) = other_used_at else {
        return Err(format!("{history}; no other secret that works has been used since"));
    };
    let other = format!("another secret was used {}", day(other_used_at, now));
    if since.plus_seconds(i64::from(quiet_days) * 86_400) > now {
        return Err(format!("{history}; {other}; wait until this one has not been used for {quiet_days} days"));
    }
    Ok(match secret.last_used_at {
        Some(used_at) => format!("not used since {}; {other}", plain_day(used_at)),
        None => format!("{history}; {other}"),
    })
}

/// The day (UTC) of `at`, as seen on the day of `now`.
fn day(at: UnixMillis, now: UnixMillis) -> String {
    match (date(at), date(now)) {
        (Some(at), Some(today)) if at == today => "today".to_owned(),
        _ => format!("on {}", plain_day(at)),
    }
}

fn plain_day(at: UnixMillis) -> String {
    date(at).as_ref().map_or_else(|| "a day out of range".to_owned(), Date::to_string)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::entropy::SystemEntropy;
    use crate::secret::{GeneratedSecret, hash_generated};

    /// 2026-12-01, at noon.
    const NOW: UnixMillis = UnixMillis(1_796_126_400_000);

    fn days_ago(days: i64) -> UnixMillis {
        NOW.plus_seconds(-days * 86_400)
    }

    /// A secret that was added 100 days ago.
    fn secret(number: u128, used_days_ago: Option<i64>) -> StoredSecret {
        StoredSecret {
            id: Uuid::from_u128(number),
            hash: hash_generated(&GeneratedSecret::generate(&SystemEntropy), &SystemEntropy),
            imported_hash: None,
            label: None,
            created_at: days_ago(100),
            expires_at: None,
            last_used_at: used_days_ago.map(days_ago),
        }
    }

    fn verdict(secrets: &[StoredSecret]) -> (bool, String) {
        let listed = list_secrets(secrets, 30, NOW).remove(0);
        (listed.safe_to_retire, listed.safe_to_retire_reason)
    }

    #[test]
    fn one_that_was_left_for_another_long_ago_is_safe() {
        let expected = "not used since 2026-11-01; another secret was used today";
        assert_eq!(verdict(&[secret(1, Some(30)), secret(2, Some(0))]), (true, expected.to_owned()));
    }

    #[test]
    fn one_that_was_used_a_short_while_ago_is_not() {
        let expected = "last used on 2026-11-02; another secret was used today; wait until this one has not been used for 30 \
                        days";
        assert_eq!(verdict(&[secret(1, Some(29)), secret(2, Some(0))]), (false, expected.to_owned()));
    }

    #[test]
    fn one_is_not_safe_while_its_client_uses_no_other() {
        let (safe, reason) = verdict(&[secret(1, Some(60)), secret(2, None)]);
        assert!(!safe && reason.contains("no other secret"), "{reason}");
        let (safe, _) = verdict(&[secret(1, Some(60)), secret(2, Some(61))]);
        assert!(!safe, "the other one was used before");
    }

    #[test]
    fn the_last_that_works_is_never_safe() {
        let expired = StoredSecret { expires_at: Some(days_ago(1)), ..secret(2, Some(2)) };
        let (safe, reason) = verdict(&[secret(1, Some(90)), expired]);
        assert!(!safe && reason.starts_with("the only secret"), "{reason}");
        assert!(!verdict(&[secret(1, Some(90))]).0);
    }

    #[test]
    fn a_fresh_one_waits_for_its_client_and_a_forgotten_one_does_not() {
        let fresh = StoredSecret { created_at: days_ago(2), ..secret(1, None) };
        assert!(!verdict(&[fresh, secret(2, Some(0))]).0);
        let forgotten = "not used since it was added on 2026-08-23; another secret was used today";
        assert_eq!(verdict(&[secret(1, None), secret(2, Some(0))]), (true, forgotten.to_owned()));
    }

    #[test]
    fn one_that_has_expired_is_safe() {
        let expired = StoredSecret { expires_at: Some(days_ago(0)), ..secret(1, Some(0)) };
        assert_eq!(verdict(&[expired]), (true, "it works no more: it expired today".to_owned()));
    }
}
