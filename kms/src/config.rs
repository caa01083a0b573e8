//! The settings of the service: section `[kms]`.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use csc_sakke::KeyPeriods;
use csc_service::config::Section;

use crate::root::Kek;

/// The settings of the key management server.
#[derive(Debug)]
pub struct Config {
    /// The sealed root.
    pub root: PathBuf,
    /// What it is sealed with; `None` only if that is a mistake.
    pub kek: Option<Arc<Kek>>,
    /// KmsId of answers.
    pub kms_id: Option<String>,
    /// Issuer of certificates and key sets.
    pub issuer: Option<String>,
    /// Domains a user may write behind its MCPTT ID.
    pub user_domains: Vec<String>,
    /// How time is cut into key periods.
    pub periods: KeyPeriods,
    /// Whether keys of the previous period are given out.
    pub previous_period: bool,
    /// How UserID is written.
    pub user_id: UserIdEncoding,
    /// Which dialect answers are in.
    pub dialect: DialectSetting,
    /// Requests for keys that one user may make per minute.
    pub requests_per_minute: u32,
    /// Key sets computed at once.
    pub workers: usize,
    /// Requests that may wait for a worker.
    pub queue: usize,
    /// Largest request body, in octets.
    pub body_limit: usize,
}

/// How the 32 octets of a UserID are written: implementations disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIdEncoding {
    /// 64 hexadecimal digits.
    Hex,
    /// Base64 with padding.
    Base64,
}

/// Which dialect answers are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialectSetting {
    /// The one of the request.
    Auto,
    /// Always the field dialect.
    Field,
    /// Always the standard one.
    Standard,
}

impl Config {
    /// Reads the section; mistakes are noted there.
    pub fn read(section: &mut Section<'_>) -> Self {
        let root = section.path("root", "keys/kms.root", "The sealed root, made by `csc kms root create`.");
        let kek = read_kek(section);
        let length = section.number(
            "user_key_period",
            2_419_200u64,
            60..=u64::from(u32::MAX),
            "Length of a key period in seconds. Like the offset it is part of every user's identifier: never change it \
             under a root that is in use.",
        );
        let offset = section.number(
            "user_key_offset",
            0u64,
            0..=u64::from(u32::MAX),
            "Where the first key period begins, in seconds from 1900-01-01.",
        );
        Self {
            root,
            kek,
            kms_id: section.optional("kms_id", "kmsprovider12345", "KmsId of answers."),
            issuer: section.optional("issuer", "www.example.org", "Issuer of certificates and key sets."),
            user_domains: section.list(
                "user_domains",
                &[],
                "Domains that users may write behind their MCPTT ID (tel:+82…@<domain>): still the same user and key.",
            ),
            periods: KeyPeriods::new(length, offset).expect("a period is at least a minute long"),
            previous_period: section.flag(
                "previous_period",
                false,
                "Whether keys of the previous period are given out as well as those of the current and the next.",
            ),
            user_id: section.value("user_id", "hex", "How UserID is written: hex or base64."),
            dialect: section.value(
                "dialect",
                "auto",
                "Which dialect answers are in: auto (that of the request), field or standard.",
            ),
            requests_per_minute: section.number(
                "requests_per_minute",
                60,
                1..=1_000_000,
                "Requests for keys that one user may make per minute.",
            ),
            workers: section.number("workers", 2, 1..=256, "Requests for keys that are computed at once."),
            queue: section.number(
                "queue",
                256,
                0..=65_536,
                "Requests for keys that may wait for a worker; more are answered 503.",
            ),
            body_limit: section.size("body_limit", "64KiB", ("1KiB", "1MiB"), "Largest request body."),
        }
    }
}

fn read_kek(section: &mut Section<'_>) -> Option<Arc<Kek>> {
    let key = section.optional_secret_file(
        "kek_file",
        "keys/kek",
        "The key that seals the root: 64 hexadecimal digits. Either this or passphrase_file.",
    );
    let passphrase = section.optional_secret_file(
        "passphrase_file",
        "keys/passphrase",
        "A passphrase that seals the root, for development.",
    );
    let (setting, kek) = match (key, passphrase) {
        (Some(key), None) => ("kek_file", Kek::from_key_file(key.expose())),
        (None, Some(passphrase)) => ("passphrase_file", Kek::from_passphrase(passphrase.expose())),
        _ => {
            section.mistake("kek_file", "exactly one of kek_file and passphrase_file is needed");
            return None;
        }
    };
    kek.map(Arc::new).map_err(|error| section.mistake(setting, error.to_string())).ok()
}

/// The text is not one of the words a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct UnknownWord(&'static str);

impl FromStr for UserIdEncoding {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "hex" => Ok(Self::Hex),
            "base64" => Ok(Self::Base64),
            _ => Err(UnknownWord("hex, base64")),
        }
    }
}

impl FromStr for DialectSetting {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        match text {
            "auto" => Ok(Self::Auto),
            "field" => Ok(Self::Field),
            "standard" => Ok(Self::Standard),
            _ => Err(UnknownWord("auto, field, standard")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use csc_service::config::Settings;

    use super::*;

    fn read(environment: &[(&str, &str)]) -> (Config, Result<(), String>) {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut settings = Settings::load(None, environment);
        let config = Config::read(&mut settings.section("kms", "Keys."));
        (config, settings.finish().map_err(|mistakes| mistakes.to_string()))
    }

    #[test]
    fn a_key_file_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("kek");
        std::fs::write(&key, "00".repeat(32)).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let path = key.to_str().unwrap();
        let (config, finished) = read(&[("CSC_KMS_KEK_FILE", path)]);
        assert_eq!(finished, Ok(()));
        assert!(config.kek.is_some());
        assert_eq!((config.periods.length(), config.periods.offset()), (2_419_200, 0));
        assert_eq!((config.user_id, config.dialect), (UserIdEncoding::Hex, DialectSetting::Auto));
        assert!(!format!("{config:?}").contains("0, 0, 0"));

        std::fs::write(&key, "short").unwrap();
        let (config, finished) = read(&[("CSC_KMS_KEK_FILE", path)]);
        assert!(config.kek.is_none());
        assert!(finished.unwrap_err().contains("64 hexadecimal digits"));
    }

    #[test]
    fn mistakes_are_reported_together() {
        let (_, finished) = read(&[
            ("CSC_KMS_DIALECT", "old"),
            ("CSC_KMS_USER_ID", "binary"),
            ("CSC_KMS_USER_KEY_PERIOD", "0"),
            ("CSC_KMS_ROOTS", "x"),
        ]);
        let mistakes = finished.unwrap_err();
        for part in [
            "5 mistakes",
            "auto, field, standard",
            "hex, base64",
            "user_key_period",
            "exactly one",
            "CSC_KMS_ROOTS",
        ] {
            assert!(mistakes.contains(part), "{part}: {mistakes}");
        }
    }
}
