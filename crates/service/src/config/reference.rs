//! The commented reference file, made of the questions that were asked.

use std::fmt;

/// The name of the variable that sets `section.key`.
pub(super) fn variable(section: &str, key: &str) -> String {
    format!("CSC_{}_{}", section.to_ascii_uppercase(), key.to_ascii_uppercase())
}

#[derive(Debug, Default)]
pub(super) struct Reference(Vec<SectionDoc>);

#[derive(Debug)]
struct SectionDoc {
    name: &'static str,
    doc: String,
    keys: Vec<KeyDoc>,
}

/// One setting.
#[derive(Debug)]
pub(super) struct KeyDoc {
    pub(super) name: &'static str,
    pub(super) doc: String,
    /// The default, or an example, as TOML.
    pub(super) shown: String,
    pub(super) presence: Presence,
}

/// What happens when a setting is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Presence {
    Default,
    Required,
    Optional,
}

impl Reference {
    /// Begins a section, or goes on with it when it is read in two places.
    pub(super) fn section(&mut self, name: &'static str, doc: &str) {
        if !self.0.iter().any(|section| section.name == name) {
            self.0.push(SectionDoc { name, doc: doc.to_owned(), keys: Vec::new() });
        }
    }

    pub(super) fn key(&mut self, section: &'static str, key: KeyDoc) {
        let section = self.0.iter_mut().find(|known| known.name == section);
        if let Some(section) =
            section.filter(|section| section.keys.iter().all(|known| known.name != key.name))
        {
            section.keys.push(key);
        }
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|section| section.name)
    }

    /// The keys of `section`; `None` if nobody read it.
    pub(super) fn keys(&self, section: &str) -> Option<Vec<&str>> {
        let section = self.0.iter().find(|known| known.name == section)?;
        Some(section.keys.iter().map(|key| key.name).collect())
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = String> {
        self.0.iter().flat_map(|section| section.keys.iter().map(|key| variable(section.name, key.name)))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, section) in self.0.iter().enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            comment(f, &section.doc)?;
            writeln!(f, "[{}]", section.name)?;
            for key in &section.keys {
                writeln!(f)?;
                comment(f, &key.doc)?;
                writeln!(f, "# Environment: {}", variable(section.name, key.name))?;
                match key.presence {
                    Presence::Default => {}
                    Presence::Required => f.write_str("# Required, for example:\n# ")?,
                    Presence::Optional => f.write_str("# Not set unless given, for example:\n# ")?,
                }
                writeln!(f, "{} = {}", key.name, key.shown)?;
            }
        }
        Ok(())
    }
}

fn comment(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(f, "# {line}"))
}

/// `text` as a TOML string.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
