//! The XQuery of a search, or as much of it as is taken: see the module above.

use super::reader::Reader;
use super::{EXTENSIONS, GROUPS};

/// Longest query, in octets.
const LONGEST: usize = 4096;
/// Most conditions.
const CONDITIONS: usize = 8;
/// Most declarations of namespaces.
const NAMESPACES: usize = 16;
/// Deepest parentheses.
const DEPTH: usize = 8;

/// What is searched for: groups for which all conditions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Where.
    pub scope: Scope,
    /// All of them must hold.
    pub conditions: Vec<Condition>,
    /// Whether the answer is to hold the URIs of groups.
    pub uri: bool,
    /// Whether the answer is to hold the names of groups.
    pub name: bool,
}

/// Which groups are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All.
    All,
    /// Those in the tree of a user, as the query spells it.
    Tree(String),
}

/// One condition. Users are as the query spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// This user is in the `<list>`.
    Member(String),
    /// This user made it.
    Owner(String),
    /// The display name is this.
    Name(String),
    /// The display name begins with this.
    NameStart(String),
    /// The display name holds this.
    NamePart(String),
}

/// A query that is not one of those that are taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("query, octet {at}: {wanted} expected")]
pub struct BadQuery {
    /// Where it ends to be one.
    pub at: usize,
    /// What would have been taken there.
    pub wanted: &'static str,
}

pub(super) type Parsed<T> = Result<T, BadQuery>;

impl Query {
    /// Takes the text of a query.
    pub fn parse(text: &str) -> Parsed<Self> {
        if text.len() > LONGEST {
            return Err(BadQuery { at: LONGEST, wanted: "the end" });
        }
        let mut reader = Reader { text, at: 0, namespaces: Vec::new(), default: None, variable: "" };
        reader.prolog()?;
        let scope = reader.for_clause()?;
        let mut conditions = Vec::new();
        if reader.word("where") {
            reader.conditions(&mut conditions, 0)?;
        }
        let (uri, name) = reader.return_clause()?;
        match reader.peek() {
            None => Ok(Self { scope, conditions, uri, name }),
            Some(_) => Err(reader.wanted("the end")),
        }
    }
}

/// What a path behind the variable means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Uri,
    Member,
    Owner,
    Name,
}

impl<'a> Reader<'a> {
    fn prolog(&mut self) -> Parsed<()> {
        if self.word("xquery") {
            self.take_word("version")?;
            if self.string()? != "1.0" {
                return Err(self.wanted("version 1.0"));
            }
            if self.word("encoding") {
                self.string()?;
            }
            self.take(";")?;
        }
        while self.word("declare") {
            if self.word("default") {
                self.take_word("element")?;
                self.take_word("namespace")?;
                if self.default.is_some() {
                    return Err(self.wanted("one default namespace"));
                }
                self.default = Some(self.string()?);
            } else {
                self.take_word("namespace")?;
                let prefix = self.ncname()?;
                self.take("=")?;
                let namespace = self.string()?;
                if self.namespaces.len() == NAMESPACES
                    || self.namespaces.iter().any(|(other, _)| *other == prefix)
                {
                    return Err(self.wanted("few prefixes, each declared once"));
                }
                self.namespaces.push((prefix, namespace));
            }
            self.take(";")?;
        }
        Ok(())
    }

    /// `for $g in collection("…")/group/list-service`
    fn for_clause(&mut self) -> Parsed<Scope> {
        self.take_word("for")?;
        self.take("$")?;
        self.variable = self.ncname()?;
        self.take_word("in")?;
        if !self.took("fn:collection") && !self.took("collection") {
            return Err(self.wanted("collection"));
        }
        self.take("(")?;
        let at = self.at;
        let name = self.string()?;
        let scope = scope(&name).ok_or(BadQuery { at, wanted: "a collection of groups" })?;
        self.take(")")?;
        for step in ["group", "list-service"] {
            self.take("/")?;
            if self.qname()? != (GROUPS.to_owned(), step) {
                return Err(self.wanted("/group/list-service of a group document"));
            }
        }
        Ok(scope)
    }

    /// Conditions joined by `and`, some in parentheses.
    fn conditions(&mut self, into: &mut Vec<Condition>, depth: usize) -> Parsed<()> {
        loop {
            if self.took("(") {
                if depth == DEPTH {
                    return Err(self.wanted("fewer parentheses"));
                }
                self.conditions(into, depth + 1)?;
                self.take(")")?;
            } else {
                let condition = self.condition()?;
                if into.len() == CONDITIONS {
                    return Err(self.wanted("fewer conditions"));
                }
                into.push(condition);
            }
            if !self.word("and") {
                return Ok(());
            }
        }
    }

    fn condition(&mut self) -> Parsed<Condition> {
        for (function, condition) in [
            ("contains", Condition::NamePart as fn(String) -> Condition),
            ("starts-with", Condition::NameStart),
        ] {
            if self.word(function) || self.word(&format!("fn:{function}")) {
                self.take("(")?;
                if self.field()? != Field::Name {
                    return Err(self.wanted("display-name"));
                }
                self.take(",")?;
                let value = self.string()?;
                self.take(")")?;
                return Ok(condition(value));
            }
        }
        let field = self.field()?;
        if !self.took("=") && !self.word("eq") {
            return Err(self.wanted("="));
        }
        let value = self.string()?;
        match field {
            Field::Member => Ok(Condition::Member(value)),
            Field::Owner => Ok(Condition::Owner(value)),
            Field::Name => Ok(Condition::Name(value)),
            Field::Uri => Err(self.wanted("a member, an owner or a name")),
        }
    }

    /// `$g/display-name` and its like.
    fn field(&mut self) -> Parsed<Field> {
        self.take("$")?;
        if self.ncname()? != self.variable {
            return Err(self.wanted("the variable of the for clause"));
        }
        self.take("/")?;
        if self.took("@") {
            return if self.ncname()? == "uri" { Ok(Field::Uri) } else { Err(self.wanted("@uri")) };
        }
        let (namespace, name) = self.qname()?;
        match (namespace.as_str(), name) {
            (GROUPS, "display-name") => {
                if self.took("/") {
                    self.take_word("text")?;
                    self.take("(")?;
                    self.take(")")?;
                }
                Ok(Field::Name)
            }
            (GROUPS | EXTENSIONS, "owner") => Ok(Field::Owner),
            (GROUPS, "list") => {
                self.take("/")?;
                let entry = self.qname()?;
                self.take("/")?;
                self.take("@")?;
                if entry == (GROUPS.to_owned(), "entry") && self.ncname()? == "uri" {
                    Ok(Field::Member)
                } else {
                    Err(self.wanted("list/entry/@uri"))
                }
            }
            _ => Err(self.wanted("display-name, owner or list/entry/@uri")),
        }
    }

    /// `return <list-service>{$g/@uri}{$g/display-name}</list-service>`: whether URIs and names are wanted.
    fn return_clause(&mut self) -> Parsed<(bool, bool)> {
        self.take_word("return")?;
        self.take("<")?;
        let element = self.ncname()?;
        self.take(">")?;
        let (mut uri, mut name) = (false, false);
        while self.took("{") {
            loop {
                match self.field()? {
                    // An attribute comes before every other content of a constructor.
                    Field::Uri if !uri && !name => uri = true,
                    Field::Name if !name => name = true,
                    _ => return Err(self.wanted("@uri, then display-name, each once")),
                }
                if !self.took(",") {
                    break;
                }
            }
            self.take("}")?;
        }
        self.take("</")?;
        if element != "list-service" || self.ncname()? != element {
            return Err(self.wanted("a list-service element"));
        }
        self.take(">")?;
        if uri || name { Ok((uri, name)) } else { Err(self.wanted("@uri or display-name")) }
    }
}

/// Which collection of groups has this name, if one has.
fn scope(name: &str) -> Option<Scope> {
    let name = name.strip_prefix('/').unwrap_or(name);
    let name = name.strip_suffix('/').unwrap_or(name);
    let mut segments = name.splitn(3, '/');
    let auid = segments.next()?;
    if !auid.eq_ignore_ascii_case(crate::usage::GROUPS.auid) {
        return None;
    }
    match (segments.next(), segments.next()) {
        (None | Some("users" | "global"), None) => Some(Scope::All),
        (Some("users"), Some(user)) => Some(Scope::Tree(user.to_owned())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
