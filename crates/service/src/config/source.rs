//! Where settings come from: the file and the environment, with the place of each for error messages.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::mistake::Mistake;
use super::reference::{Reference, variable};

/// Variables with our prefix that are no settings: they steer the test suite.
const NOT_SETTINGS: [&str; 2] = ["CSC_SHARED", "CSC_REQUIRE_ALL"];

/// A setting as it was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) value: Raw,
    /// `csc.toml:12` or `CSC_HTTP_LISTEN`.
    pub(super) place: String,
}

#[derive(Clone, Debug)]
pub(super) enum Raw {
    /// A variable: it takes whatever form is asked for.
    Variable(String),
    Text(String),
    /// An integer; `None` beyond 128 bits.
    Number(Option<i128>),
    Flag(bool),
    List(Vec<Raw>),
    /// A form no setting has: a float, a date, a table.
    Other,
}

/// All that was given.
#[derive(Debug, Default)]
pub(super) struct Source {
    file: BTreeMap<String, FileSection>,
    environment: BTreeMap<String, String>,
    /// Why nothing is known of the file.
    unreadable: Option<Mistake>,
}

#[derive(Debug)]
struct FileSection {
    place: String,
    keys: BTreeMap<String, Given>,
}

impl Source {
    pub(super) fn load(
        path: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        mistakes: &mut Vec<Mistake>,
    ) -> Self {
        let ours = |name: &str| name.starts_with("CSC_") && !NOT_SETTINGS.contains(&name);
        let mut source = Self {
            file: BTreeMap::new(),
            environment: environment.into_iter().filter(|(name, _)| ours(name)).collect(),
            unreadable: None,
        };
        if let Some(path) = path {
            let name = path.display().to_string();
            match fs::read_to_string(path) {
                Ok(text) => source.parse(&name, &text, mistakes),
                Err(error) => {
                    let problem = format!("cannot read the configuration file: {error}");
                    source.unreadable = Some(Mistake { place: name, setting: String::new(), problem });
                }
            }
        }
        source
    }

    fn parse(&mut self, name: &str, text: &str, mistakes: &mut Vec<Mistake>) {
        let place = |offset: usize| {
            let line = 1 + text.bytes().take(offset).filter(|&octet| octet == b'\n').count();
            format!("{name}:{line}")
        };
        // The parser goes on after an error, so that a misspelt line does not hide the mistakes of the others.
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = error.span().map_or_else(|| name.to_owned(), |span| place(span.start));
            mistakes.push(Mistake { place, setting: String::new(), problem: error.message().to_owned() });
        }
        for (section, content) in table.into_inner() {
            let line = place(section.span().start);
            let section = section.into_inner().into_owned();
            let DeValue::Table(keys) = content.into_inner() else {
                let problem = "a setting outside of a [section]".to_owned();
                mistakes.push(Mistake { place: line, setting: section, problem });
                continue;
            };
            let keys = keys.into_iter().map(|(key, value)| {
                let place = place(key.span().start);
                (key.into_inner().into_owned(), Given { value: raw(value.into_inner()), place })
            });
            self.file.insert(section, FileSection { place: line, keys: keys.collect() });
        }
    }

    /// The setting `section.key`, with its place; the environment wins.
    pub(super) fn get(&self, section: &str, key: &str) -> Option<Given> {
        let name = variable(section, key);
        match self.environment.get(&name) {
            Some(text) => Some(Given { value: Raw::Variable(text.clone()), place: name }),
            None => self.file.get(section)?.keys.get(key).cloned(),
        }
    }

    /// Why nothing is known of the file; `None` if it was read, or there is none.
    pub(super) fn unreadable(&self) -> Option<&Mistake> {
        self.unreadable.as_ref()
    }

    /// Reports what nobody asked for. A section that was read is known, even without keys.
    pub(super) fn report_unknown(&self, reference: &Reference, mistakes: &mut Vec<Mistake>) {
        for (section, FileSection { place, keys }) in &self.file {
            let Some(known) = reference.keys(section) else {
                let problem = hint("unknown section", section, reference.sections());
                mistakes.push(Mistake { place: place.clone(), setting: section.clone(), problem });
                continue;
            };
            for (key, given) in keys.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
                mistakes.push(Mistake {
                    place: given.place.clone(),
                    setting: format!("{section}.{key}"),
                    problem: hint("unknown setting", key, known.iter().copied()),
                });
            }
        }
        let variables: Vec<String> = reference.variables().collect();
        for name in self.environment.keys().filter(|name| !variables.contains(name)) {
            let problem = hint("unknown setting", name, variables.iter().map(String::as_str));
            mistakes.push(Mistake { place: name.clone(), setting: String::new(), problem });
        }
    }
}

fn raw(value: DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.into_owned()),
        DeValue::Integer(number) => Raw::Number(i128::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Boolean(flag) => Raw::Flag(flag),
        DeValue::Array(items) => Raw::List(items.into_iter().map(|item| raw(item.into_inner())).collect()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => Raw::Other,
    }
}

/// `problem`, with the known name that is nearest to `name` if one is near.
fn hint<'a>(problem: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let nearest = known.map(|candidate| (distance(name, candidate), candidate)).min();
    match nearest {
        Some((1..=3, candidate)) => format!("{problem}; did you mean {candidate}?"),
        _ => problem.to_owned(),
    }
}

/// How many characters must be inserted, removed or replaced to turn one text into the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(distance("listen", "listen"), 0);
        assert_eq!(distance("lisetn", "listen"), 2);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
