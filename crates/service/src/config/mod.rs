//! Configuration: one TOML file plus `CSC_<SECTION>_<KEY>` from the environment, which wins.
//!
//! Whoever needs a setting asks a [`Section`] for it, with its default and its documentation, and gets a value at once.
//! What is wrong is only noted; [`Settings::finish`] reports all of it together: unknown keys, wrong types, bad values,
//! missing ones. The same questions, asked of [`Settings::defaults`], print the commented reference file, so that it
//! never differs from what is read.
//!
//! ```
//! # use std::net::SocketAddr;
//! # use csc_service::config::{Section, Settings};
//! struct Config {
//!     listen: SocketAddr,
//! }
//!
//! impl Config {
//!     fn read(section: &mut Section<'_>) -> Self {
//!         Self { listen: section.value("listen", "127.0.0.1:4420", "Address that is served.") }
//!     }
//! }
//!
//! let environment = [("CSC_HTTP_LISTEN".to_owned(), "127.0.0.1:0".to_owned())];
//! let mut settings = Settings::load(None, environment);
//! let config = Config::read(&mut settings.section("http", "The HTTPS listener."));
//! settings.finish()?; // before anything is made of `config`: on a mistake it holds defaults
//! assert_eq!(config.listen.port(), 0);
//! # Ok::<(), csc_service::config::Mistakes>(())
//! ```

mod mistake;
mod reference;
mod secret;
mod section;
mod source;
mod units;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

pub use mistake::{Mistake, Mistakes};
pub use secret::SecretBytes;
pub use section::Section;

use reference::Reference;
use source::Source;

/// Everything that was configured, and what has been asked about it so far.
#[derive(Debug)]
pub struct Settings {
    source: Source,
    reference: Reference,
    mistakes: Vec<Mistake>,
    /// Relative paths count from here: the folder of the configuration file.
    folder: PathBuf,
    /// Whether only the reference is wanted: then nothing is missing and no file is opened.
    describing: bool,
}

impl Settings {
    /// Takes the settings of the file at `path`, if there is one, and those of `environment` ([`environment`]), of which
    /// only names that begin with `CSC_` matter. A file that cannot be parsed is the first mistake, one that cannot be
    /// read the only one.
    pub fn load(path: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut mistakes = Vec::new();
        let source = Source::load(path, environment, &mut mistakes);
        let folder = path.and_then(Path::parent).map(Path::to_owned).unwrap_or_default();
        Self { source, reference: Reference::default(), mistakes, folder, describing: false }
    }

    /// Settings of which nothing is configured, for [`Settings::reference`].
    pub fn defaults() -> Self {
        Self { describing: true, ..Self::load(None, []) }
    }

    /// The section `name`, `[name]` in the file: lower-case letters and underscores. `doc` explains it in the
    /// reference file.
    pub fn section(&mut self, name: &'static str, doc: &str) -> Section<'_> {
        self.reference.section(name, doc);
        Section::new(self, name)
    }

    /// To be called when every section has been read: all mistakes, among them every setting nobody asked for.
    pub fn finish(mut self) -> Result<(), Mistakes> {
        if let Some(unreadable) = self.source.unreadable() {
            // What it would have said is unknown, so nothing else is a mistake yet.
            return Err(Mistakes(vec![unreadable.clone()]));
        }
        self.source.report_unknown(&self.reference, &mut self.mistakes);
        if self.mistakes.is_empty() { Ok(()) } else { Err(Mistakes(self.mistakes)) }
    }

    /// As [`Settings::finish`], for who reads only some sections of a file: others are of no concern.
    pub fn finish_read(self) -> Result<(), Mistakes> {
        if let Some(unreadable) = self.source.unreadable() {
            return Err(Mistakes(vec![unreadable.clone()]));
        }
        if self.mistakes.is_empty() { Ok(()) } else { Err(Mistakes(self.mistakes)) }
    }

    /// The commented reference file: every setting asked for so far with its default, its documentation and its
    /// environment variable.
    pub fn reference(&self) -> String {
        self.reference.to_string()
    }
}

/// The variables of this process, for [`Settings::load`].
///
/// Octets that are no UTF-8 become U+FFFD instead of the panic of `std::env::vars`: most variables are not ours, and
/// one of ours is then refused like any other wrong value.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    let text = |text: OsString| text.to_string_lossy().into_owned();
    std::env::vars_os().map(move |(name, value)| (text(name), text(value)))
}

#[cfg(test)]
mod tests;
