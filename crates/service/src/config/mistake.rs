//! What is wrong with a configuration.

use std::fmt;

/// One thing that is wrong. It names the setting and where it stands, never its value: that may be a secret in the
/// wrong place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Where: `csc.toml:12`, `CSC_HTTP_LISTEN`, or the file alone.
    pub place: String,
    /// Which setting: `http.listen`; empty when it is the file itself.
    pub setting: String,
    /// What is wrong and, where that is not evident, what to do.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.place, &self.setting, &self.problem];
        for (n, part) in parts.into_iter().filter(|part| !part.is_empty()).enumerate() {
            if n > 0 {
                f.write_str(": ")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// All that is wrong, at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, plural) = (self.0.len(), if self.0.len() == 1 { "" } else { "s" });
        write!(f, "{count} mistake{plural} in the configuration")?;
        self.0.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for Mistakes {}
