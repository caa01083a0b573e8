//! The questions a service asks about its settings.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::mistake::Mistake;
use super::reference::{KeyDoc, Presence, quoted};
use super::secret::SecretBytes;
use super::source::{Given, Raw};
use super::{Settings, units};

/// One section of the configuration.
///
/// Every question takes the key (lower-case letters, digits and underscores), what holds when it is not given, and
/// documentation for the reference file. A wrong value is noted and the default returned, so that reading goes on.
#[derive(Debug)]
pub struct Section<'a> {
    settings: &'a mut Settings,
    name: &'static str,
}

impl<'a> Section<'a> {
    pub(super) fn new(settings: &'a mut Settings, name: &'static str) -> Self {
        Self { settings, name }
    }

    /// A text of type `T`; `default` is its text.
    ///
    /// # Panics
    /// When `default` is no `T`: it stands in the program, not in the configuration.
    pub fn value<T: FromStr<Err: Display>>(&mut self, key: &'static str, default: &str, doc: &str) -> T {
        self.ask(key, Presence::Default, quoted(default), doc, text).unwrap_or_else(|| built_in(key, default))
    }

    /// A text of type `T` that must be given. `example` stands in the reference file, and for the value when it is
    /// missing.
    ///
    /// # Panics
    /// When `example` is no `T`.
    pub fn required<T: FromStr<Err: Display>>(&mut self, key: &'static str, example: &str, doc: &str) -> T {
        self.ask(key, Presence::Required, quoted(example), doc, text)
            .unwrap_or_else(|| built_in(key, example))
    }

    /// A text of type `T` that may be left out.
    pub fn optional<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        example: &str,
        doc: &str,
    ) -> Option<T> {
        self.ask(key, Presence::Optional, quoted(example), doc, text)
    }

    /// A list of texts of type `T`; separated by commas in the environment, where an empty variable is an empty list.
    ///
    /// # Panics
    /// When an item of `default` is no `T`.
    pub fn list<T: FromStr<Err: Display>>(
        &mut self,
        key: &'static str,
        default: &[&str],
        doc: &str,
    ) -> Vec<T> {
        let shown = default.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", ");
        self.ask(key, Presence::Default, format!("[{shown}]"), doc, items)
            .unwrap_or_else(|| default.iter().map(|item| built_in(key, item)).collect())
    }

    /// A whole number within `bounds`.
    pub fn number<T>(&mut self, key: &'static str, default: T, bounds: RangeInclusive<T>, doc: &str) -> T
    where
        T: TryFrom<i128> + PartialOrd + Display + Copy,
    {
        let range = format!("{} to {}", bounds.start(), bounds.end());
        let parse = |raw: &Raw| {
            let number = match raw {
                Raw::Variable(text) => text.trim().parse().ok(),
                Raw::Number(number) => *number,
                _ => None,
            };
            let number =
                number.and_then(|number| T::try_from(number).ok()).filter(|number| bounds.contains(number));
            number.ok_or_else(|| format!("must be a whole number from {range}"))
        };
        let doc = format!("{doc}\nA whole number: {range}.");
        self.ask(key, Presence::Default, default.to_string(), &doc, parse).unwrap_or(default)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, default: bool, doc: &str) -> bool {
        let parse = |raw: &Raw| match raw {
            Raw::Flag(flag) => Ok(*flag),
            Raw::Variable(text) if text == "true" => Ok(true),
            Raw::Variable(text) if text == "false" => Ok(false),
            _ => Err("must be true or false".to_owned()),
        };
        self.ask(key, Presence::Default, default.to_string(), doc, parse).unwrap_or(default)
    }

    /// A span of time such as `500ms`, `30s`, `5m`, `12h` or `30d`, within `bounds` (least, most).
    ///
    /// # Panics
    /// When `default` or a bound is no span of time.
    pub fn duration(
        &mut self,
        key: &'static str,
        default: &str,
        bounds: (&str, &str),
        doc: &str,
    ) -> Duration {
        self.measure(key, default, bounds, doc, units::duration)
    }

    /// A size in octets such as `512B`, `64KiB` or `1MiB`, within `bounds` (least, most).
    ///
    /// # Panics
    /// When `default` or a bound is no size.
    pub fn size(&mut self, key: &'static str, default: &str, bounds: (&str, &str), doc: &str) -> usize {
        self.measure(key, default, bounds, doc, units::size)
    }

    fn measure<T: PartialOrd>(
        &mut self,
        key: &'static str,
        default: &str,
        (least, most): (&str, &str),
        doc: &str,
        unit: fn(&str) -> Result<T, String>,
    ) -> T {
        let own = |text: &str| unit(text).unwrap_or_else(|why| panic!("built-in value of {key}: {why}"));
        let bounds = own(least)..=own(most);
        let parse = |raw: &Raw| {
            let value = unit(plain(raw)?)?;
            if bounds.contains(&value) { Ok(value) } else { Err(format!("must be from {least} to {most}")) }
        };
        let doc = format!("{doc}\nFrom {least} to {most}.");
        self.ask(key, Presence::Default, quoted(default), &doc, parse).unwrap_or_else(|| own(default))
    }

    /// A path; a relative one counts from the folder of the configuration file.
    pub fn path(&mut self, key: &'static str, default: &str, doc: &str) -> PathBuf {
        let path = self.value::<FilePath>(key, default, doc);
        self.settings.folder.join(path.0)
    }

    /// A path that must be given; a relative one counts from the folder of the configuration file.
    pub fn required_path(&mut self, key: &'static str, example: &str, doc: &str) -> PathBuf {
        let path = self.required::<FilePath>(key, example, doc);
        self.settings.folder.join(path.0)
    }

    /// A path that must be given when `required`; a relative one counts from the folder of the configuration file. `None`
    /// when it is not given.
    pub fn path_required_if(
        &mut self,
        required: bool,
        key: &'static str,
        example: &str,
        doc: &str,
    ) -> Option<PathBuf> {
        let presence = if required { Presence::Required } else { Presence::Optional };
        let path = self.ask(key, presence, quoted(example), doc, text::<FilePath>)?;
        Some(self.settings.folder.join(path.0))
    }

    /// A path that may be left out; a relative one counts from the folder of the configuration file.
    pub fn optional_path(&mut self, key: &'static str, example: &str, doc: &str) -> Option<PathBuf> {
        let path = self.optional::<FilePath>(key, example, doc)?;
        Some(self.settings.folder.join(path.0))
    }

    /// The content of a secret file that must be given; the setting is its path. Empty when there is a mistake.
    pub fn secret_file(&mut self, key: &'static str, example: &str, doc: &str) -> SecretBytes {
        self.secret(key, Presence::Required, example, doc).unwrap_or_default()
    }

    /// The content of a secret file that may be left out; the setting is its path.
    pub fn optional_secret_file(
        &mut self,
        key: &'static str,
        example: &str,
        doc: &str,
    ) -> Option<SecretBytes> {
        self.secret(key, Presence::Optional, example, doc)
    }

    fn secret(
        &mut self,
        key: &'static str,
        presence: Presence,
        example: &str,
        doc: &str,
    ) -> Option<SecretBytes> {
        let folder = self.settings.folder.clone();
        let parse = |raw: &Raw| {
            let path = folder.join(text::<FilePath>(raw)?.0);
            SecretBytes::read(&path).map_err(|why| format!("secret file {}: {why}", path.display()))
        };
        let doc = format!("{doc}\nThe path of a file that not everybody may read.");
        self.ask(key, presence, quoted(example), &doc, parse)
    }

    /// Notes a mistake that only the asker can see, such as two settings that do not fit together.
    pub fn mistake(&mut self, key: &'static str, problem: impl Into<String>) {
        self.note(key, String::new(), problem.into());
    }

    /// The one way a setting is read: documents it, takes it, parses it, notes what is wrong.
    fn ask<T>(
        &mut self,
        key: &'static str,
        presence: Presence,
        shown: String,
        doc: &str,
        parse: impl FnOnce(&Raw) -> Result<T, String>,
    ) -> Option<T> {
        self.settings.reference.key(self.name, KeyDoc { name: key, doc: doc.to_owned(), shown, presence });
        let (place, problem) = match self.settings.source.get(self.name, key) {
            Some(Given { value, place }) => match parse(&value) {
                Ok(value) => return Some(value),
                Err(problem) => (place, problem),
            },
            None if presence == Presence::Required && !self.settings.describing => {
                (String::new(), "is required and missing".to_owned())
            }
            None => return None,
        };
        self.note(key, place, problem);
        None
    }

    fn note(&mut self, key: &str, place: String, problem: String) {
        let mistake = Mistake { place, setting: format!("{}.{key}", self.name), problem };
        // Two services may ask for the same setting.
        if !self.settings.mistakes.contains(&mistake) {
            self.settings.mistakes.push(mistake);
        }
    }
}

/// A path that is not empty: that would be the folder of the configuration file.
struct FilePath(PathBuf);

impl FromStr for FilePath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text.is_empty() { Err("must not be empty") } else { Ok(Self(text.into())) }
    }
}

fn built_in<T: FromStr<Err: Display>>(key: &str, text: &str) -> T {
    text.parse().unwrap_or_else(|why| panic!("built-in value of {key}: {why}"))
}

fn plain(raw: &Raw) -> Result<&str, String> {
    match raw {
        Raw::Text(text) | Raw::Variable(text) => Ok(text),
        _ => Err("must be a text in quotes".to_owned()),
    }
}

fn text<T: FromStr<Err: Display>>(raw: &Raw) -> Result<T, String> {
    plain(raw)?.parse().map_err(|why: T::Err| why.to_string())
}

fn items<T: FromStr<Err: Display>>(raw: &Raw) -> Result<Vec<T>, String> {
    match raw {
        Raw::List(list) => list.iter().map(text).collect(),
        Raw::Variable(list) if list.trim().is_empty() => Ok(Vec::new()),
        Raw::Variable(list) => {
            list.split(',').map(|item| item.trim().parse().map_err(|why: T::Err| why.to_string())).collect()
        }
        _ => Err("must be a list of texts: [\"…\", \"…\"]".to_owned()),
    }
}
