//! Settings of the identity service: section `[idms]`.

use csc_service::config::{SecretBytes, Section};

use crate::domain::grants::Lifetimes;
use crate::domain::password::Cost;
use crate::domain::throttle;
use crate::hashing;

/// Settings of the identity service. What each is for and its default stand in [`Config::read`], which also prints the
/// reference file.
#[derive(Debug)]
pub struct Config {
    /// The `iss` of tokens.
    pub issuer: String,
    /// The `aud` of access tokens whose client has none of its own.
    pub audience: String,
    /// The key that signs tokens: the content of a PEM file.
    pub signing_key: SecretBytes,
    /// The server secret: the content of its file.
    pub server_secret: SecretBytes,
    /// How long codes and tokens are good.
    pub lifetimes: Lifetimes,
    /// What a password hash costs.
    pub password_cost: Cost,
    /// How much is hashed at once.
    pub hashing: hashing::Limits,
    /// How many failed logins are allowed.
    pub throttle: throttle::Limits,
}

impl Config {
    /// Reads section `[idms]`.
    pub fn read(section: &mut Section<'_>) -> Self {
        let issuer: Issuer = section.required(
            "issuer",
            "https://idms.example.org",
            "The name of this server in the tokens it makes (`iss`): an https URL without query. Resource servers
compare it octet for octet.",
        );
        let audience: Audience = section.value(
            "audience",
            "mcptt_client",
            "Whom access tokens are for (`aud`), unless the client has an audience of its own.",
        );
        Self {
            issuer: issuer.0,
            audience: audience.0,
            signing_key: section.secret_file(
                "signing_key",
                "keys/idms-signing.pem",
                "The RSA key that signs tokens, 2048 to 4096 bits, PEM. Never made by the service itself.",
            ),
            server_secret: section.secret_file(
                "server_secret",
                "keys/idms-secret",
                "The secret that seals client secrets and derives refresh tokens: 64 hexadecimal digits, the same for
all replicas. Whoever loses it loses the client secrets and every session.",
            ),
            lifetimes: Self::lifetimes(section),
            password_cost: Self::password_cost(section),
            hashing: Self::hashing(section),
            throttle: Self::throttle(section),
        }
    }

    fn lifetimes(section: &mut Section<'_>) -> Lifetimes {
        Lifetimes {
            code: section.duration(
                "code_lifetime",
                "60s",
                ("1s", "10m"),
                "How long an authorization code may be exchanged.",
            ),
            access_token: section.duration(
                "access_token_lifetime",
                "7201s",
                ("60s", "24h"),
                "How long an access token is good. A stolen one is good for as long.",
            ),
            id_token: section.duration(
                "id_token_lifetime",
                "3600s",
                ("60s", "24h"),
                "How long an id_token is good.",
            ),
            refresh_token: section.duration(
                "refresh_token_lifetime",
                "30d",
                ("1h", "365d"),
                "How long a refresh token may stay unused. After that the user has to log in again.",
            ),
            refresh_grace: section.duration(
                "refresh_grace",
                "30s",
                ("0s", "5m"),
                "How long the same refresh request is given the same answer again, for a terminal that lost the first.
Later, or after the answer was used, it counts as theft and ends the session.",
            ),
        }
    }

    fn password_cost(section: &mut Section<'_>) -> Cost {
        let cost = Cost {
            memory: section.number(
                "password_memory",
                Cost::DEFAULT.memory,
                8..=1024 * 1024,
                "Memory of one password hash (Argon2id), in KiB. The three costs hold for passwords set from then on;
an older hash is renewed when its user logs in. Until then the time of a failed login may tell that its name exists.",
            ),
            passes: section.number("password_passes", Cost::DEFAULT.passes, 1..=64, "Passes over that memory."),
            lanes: section.number("password_lanes", Cost::DEFAULT.lanes, 1..=16, "Lanes of one password hash."),
        };
        if !cost.is_valid() {
            section.mistake("password_memory", "must be at least 8 times password_lanes");
        }
        cost
    }

    fn hashing(section: &mut Section<'_>) -> hashing::Limits {
        let workers = section.number(
            "password_workers",
            0,
            0..=1024,
            "Passwords that are hashed at once. Each takes a processor core and password_memory for some milliseconds.
0: as many as there are cores.",
        );
        hashing::Limits {
            workers: match workers {
                0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
                workers => workers,
            },
            waiting: section.number(
                "password_queue",
                64,
                0..=65_536,
                "Logins that wait for that. The next is answered 503 with Retry-After.",
            ),
        }
    }

    fn throttle(section: &mut Section<'_>) -> throttle::Limits {
        throttle::Limits {
            per_user: section.number(
                "failed_logins_per_user",
                10,
                0..=1_000_000,
                "Failed logins of one user from one address within failed_logins_window; one more is answered 429 with
Retry-After. A login counts until it is answered. Other addresses of that user are not affected, so nobody can lock a user out. 0: no limit.",
            ),
            per_address: section.number(
                "failed_logins_per_address",
                200,
                0..=1_000_000,
                "The same for one address (IPv6: one /64) over all users. Terminals behind one address translator share
it; successful logins do not count. 0: no limit.",
            ),
            window: section.duration(
                "failed_logins_window",
                "5m",
                ("1s", "24h"),
                "The time after which failed logins are forgotten. The memory for them is fixed, 768 KiB.",
            ),
        }
    }
}

/// An issuer (RFC 8414 2): https, no query, no fragment.
struct Issuer(String);

impl std::str::FromStr for Issuer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host =
            text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'?' | b'#' | b'"' | b'\\'));
        if host && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be an https URL without query or fragment")
        }
    }
}

/// A non-empty audience.
struct Audience(String);

impl std::str::FromStr for Audience {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Err("must not be empty") } else { Ok(Self(text.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use csc_service::config::Settings;

    use super::*;

    fn mistakes(settings: &[(&str, &str)]) -> String {
        let environment =
            settings.iter().map(|(key, value)| (format!("CSC_IDMS_{key}"), (*value).to_owned()));
        let mut settings = Settings::load(None, environment);
        Config::read(&mut settings.section("idms", "Test."));
        settings.finish().map_or_else(|mistakes| mistakes.to_string(), |()| String::new())
    }

    #[test]
    fn the_reference_names_every_setting_with_its_default() {
        let mut settings = Settings::defaults();
        let config = Config::read(&mut settings.section("idms", "Test."));
        assert_eq!(config.password_cost, Cost::DEFAULT);
        assert!(config.hashing.workers > 0);
        let reference = settings.reference();
        for line in [
            "code_lifetime = \"60s\"",
            "access_token_lifetime = \"7201s\"",
            "refresh_token_lifetime = \"30d\"",
        ] {
            assert!(reference.contains(line), "{line} in {reference}");
        }
    }

    #[test]
    fn all_mistakes_at_once() {
        let report = mistakes(&[
            ("ISSUER", "http://idms.example.org"),
            ("AUDIENCE", ""),
            ("SERVER_SECRET", "/nowhere"),
            ("CODE_LIFETIME", "1h"),
            ("PASSWORD_LANES", "0"),
            ("FAILED_LOGINS_WINDOW", "5"),
            ("TYPO", "1"),
        ]);
        for setting in [
            "issuer",
            "audience",
            "signing_key",
            "server_secret",
            "code_lifetime",
            "password_lanes",
            "failed_logins_window",
            "TYPO",
        ] {
            assert!(report.to_lowercase().contains(&setting.to_lowercase()), "{setting} in {report}");
        }
        assert!(
            mistakes(&[("PASSWORD_MEMORY", "8"), ("PASSWORD_LANES", "2")]).contains("8 times password_lanes")
        );
    }
}
