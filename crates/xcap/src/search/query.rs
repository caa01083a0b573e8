//! The XQuery of a search, or as much of it as is taken: see the module above.

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

type Parsed<T> = Result<T, BadQuery>;

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

struct Reader<'a> {
    text: &'a str,
    at: usize,
    namespaces: Vec<(&'a str, String)>,
    /// That of names without a prefix; that of groups if the query declares none.
    default: Option<String>,
    variable: &'a str,
}

impl<'a> Reader<'a> {
    fn wanted(&self, wanted: &'static str) -> BadQuery {
        BadQuery { at: self.at, wanted }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Passes over white space.
    fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    /// The next character that is no white space.
    fn peek(&mut self) -> Option<char> {
        self.skip();
        self.rest().chars().next()
    }

    /// Takes `token` if it comes next.
    fn took(&mut self, token: &str) -> bool {
        self.skip();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn take(&mut self, token: &'static str) -> Parsed<()> {
        if self.took(token) { Ok(()) } else { Err(self.wanted(token)) }
    }

    /// Takes the keyword `word` if it comes next, and not as the beginning of a longer name.
    fn word(&mut self, word: &str) -> bool {
        self.skip();
        let behind = self.rest().strip_prefix(word);
        let whole = behind.is_some_and(|behind| !behind.starts_with(is_name_char));
        if whole {
            self.at += word.len();
        }
        whole
    }

    fn take_word(&mut self, word: &'static str) -> Parsed<()> {
        if self.word(word) { Ok(()) } else { Err(self.wanted(word)) }
    }

    /// A name without a colon.
    fn ncname(&mut self) -> Parsed<&'a str> {
        self.skip();
        let rest = self.rest();
        let name = &rest[..rest.find(|c| !is_name_char(c)).unwrap_or(rest.len())];
        if !csc_xml::is_ncname(name) {
            return Err(self.wanted("a name"));
        }
        self.at += name.len();
        Ok(name)
    }

    /// A name with its namespace.
    fn qname(&mut self) -> Parsed<(String, &'a str)> {
        let first = self.ncname()?;
        // No white space may stand around the colon of a name.
        if !self.rest().starts_with(':') {
            return Ok((self.default.clone().unwrap_or_else(|| GROUPS.to_owned()), first));
        }
        self.at += 1;
        if self.rest().starts_with([' ', '\t', '\n', '\r']) {
            return Err(self.wanted("a name"));
        }
        let local = self.ncname()?;
        let bound = self.namespaces.iter().find(|(prefix, _)| *prefix == first);
        match bound {
            Some((_, namespace)) => Ok((namespace.clone(), local)),
            None => Err(self.wanted("a declared prefix")),
        }
    }

    /// A string literal: a doubled quote and the five entities of XML stand for one character.
    fn string(&mut self) -> Parsed<String> {
        let quote = self.peek().filter(|c| matches!(c, '"' | '\'')).ok_or_else(|| self.wanted("a string"))?;
        self.at += 1;
        let mut value = String::new();
        loop {
            let rest = self.rest();
            let stop = rest.find([quote, '&']).ok_or_else(|| self.wanted("the end of a string"))?;
            value.push_str(&rest[..stop]);
            self.at += stop;
            let rest = &rest[stop..];
            if let Some(behind) = rest.strip_prefix(quote) {
                self.at += 1;
                if !behind.starts_with(quote) {
                    return Ok(value);
                }
                value.push(quote);
                self.at += 1;
                continue;
            }
            let entities = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&apos;", '\'')];
            let entity = entities.iter().find(|(entity, _)| rest.starts_with(entity));
            let (entity, meant) = entity.ok_or_else(|| self.wanted("one of the five entities of XML"))?;
            value.push(*meant);
            self.at += entity.len();
        }
    }

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

/// Names are looked for in ASCII and beyond; what is no name is found by [`csc_xml::is_ncname`].
fn is_name_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '\u{B7}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FOR: &str = "for $g in collection(\"org.openmobilealliance.groups/users/\")/group/list-service";
    const RETURN: &str = "return <list-service>{$g/@uri}{$g/display-name}</list-service>";

    fn conditions(conditions: &str) -> Parsed<Vec<Condition>> {
        Query::parse(&format!("{FOR} where {conditions} {RETURN}")).map(|query| query.conditions)
    }

    fn scoped(collection: &str) -> Parsed<Scope> {
        let query = format!("for $g in collection('{collection}')/group/list-service {RETURN}");
        Query::parse(&query).map(|query| query.scope)
    }

    #[test]
    fn a_whole_query() {
        let query = Query::parse(
            "xquery version \"1.0\" encoding 'UTF-8';\n\
             declare default element namespace \"urn:oma:xml:poc:list-service\";\n\
             declare namespace g = 'urn:x-csc:glms:1.0';\n\
             for $x in fn:collection( \"ORG.OPENMOBILEALLIANCE.GROUPS/users/tel:+8210\" ) / group / list-service\n\
             where ( $x/list/entry/@uri = 'tel:+8211' and ($x/g:owner eq \"sip:a@b\") )\n\
             and starts-with($x/display-name/text(), 'Te \"a\" ''b'' &amp;&lt;') and contains( $x/display-name , \"그룹\")\n\
             return <list-service> { $x/@uri, $x/display-name } </list-service>\n",
        );
        let query = query.unwrap();
        assert_eq!(query.scope, Scope::Tree("tel:+8210".to_owned()));
        assert_eq!(
            query.conditions,
            [
                Condition::Member("tel:+8211".to_owned()),
                Condition::Owner("sip:a@b".to_owned()),
                Condition::NameStart("Te \"a\" 'b' &<".to_owned()),
                Condition::NamePart("그룹".to_owned()),
            ]
        );
        assert!(query.uri && query.name);
    }

    #[test]
    fn collections() {
        for all in ["", "/", "/users", "/users/", "/global", "/global/"] {
            assert_eq!(scoped(&format!("org.openmobilealliance.groups{all}")), Ok(Scope::All), "{all}");
        }
        let tree = "/ORG.openmobilealliance.groups/users/sip:a%20b@c/";
        assert_eq!(scoped(tree), Ok(Scope::Tree("sip:a%20b@c".to_owned())));
        for wrong in [
            "",
            "xcap-caps/global",
            "org.openmobilealliance.groups/other",
            "org.openmobilealliance.groups/global/x",
        ] {
            assert!(scoped(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_asked_for() {
        let asked = |body: &str| {
            let query = Query::parse(&format!("{FOR} return <list-service>{body}</list-service>"))?;
            Ok::<_, BadQuery>((query.uri, query.name))
        };
        assert_eq!(asked("{$g/@uri}"), Ok((true, false)));
        assert_eq!(asked("{$g/display-name}"), Ok((false, true)));
        for wrong in [
            "",
            "{$g/display-name}{$g/@uri}",
            "{$g/@uri}{$g/@uri}",
            "{$g/list/entry/@uri}",
            "x",
            "{$g}",
            "{1}",
        ] {
            assert!(asked(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_not_taken() {
        for wrong in [
            "$h/display-name = 'a'",
            "$g/display-name != 'a'",
            "$g/display-name = 'a' or $g/display-name = 'b'",
            "not($g/display-name = 'a')",
            "$g/display-name = $g/@uri",
            "$g/display-name = doc('file:///etc/passwd')",
            "$g//display-name = 'a'",
            "$g/list/entry[1]/@uri = 'a'",
            "$g/max-participant-count = '1'",
            "$g/@uri = 'a'",
            "matches($g/display-name, '(a+)+')",
            "contains($g/list/entry/@uri, 'a')",
            "contains($g/display-name, 'a', 'b')",
            "$g/x:display-name = 'a'",
            "$g/display-name = 'a",
            "$g/display-name = '&nbsp;'",
            "$g/display-name = '&#65;'",
            "((((((((($g/display-name = 'a')))))))))",
            "($g/display-name = 'a'",
            "$g/display-name = 'a')",
            "",
        ] {
            assert!(conditions(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            conditions("(((((((($g/display-name = 'a'))))))))"),
            Ok(vec![Condition::Name("a".to_owned())])
        );
        let many = |count: usize| vec!["$g/display-name = 'a'"; count].join(" and ");
        assert_eq!(conditions(&many(8)).unwrap().len(), 8);
        assert!(conditions(&many(9)).is_err());
        for wrong in [
            format!("{FOR} {RETURN}, 1"),
            format!("{FOR} order by $g/@uri {RETURN}"),
            format!("let $a := 1 {FOR} {RETURN}"),
            format!("declare default element namespace 'urn:x'; {FOR} {RETURN}"),
            format!("declare function local:f() {{ 1 }}; {FOR} {RETURN}"),
            format!("{FOR} return $g"),
            format!("{FOR} {RETURN}{}", " ".repeat(LONGEST)),
            format!("forx $g {RETURN}"),
        ] {
            assert!(Query::parse(&wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}") {
            let _ = Query::parse(&text);
            let _ = Query::parse(&format!("{FOR} where {text}"));
            let _ = Query::parse(&format!("{FOR} where $g/display-name = {text}"));
        }

        #[test]
        fn words_in_any_order(words in prop::collection::vec(prop::sample::select(vec![
            "for", "$g", "in", "collection", "('org.openmobilealliance.groups')", "/", "group", "list-service", "where", "(", ")",
            "and", "=", "'a'", "\"", "&amp;", "return", "<", ">", "{", "}", "@uri", "display-name", "그", "declare", "namespace", ";",
        ]), 0..40)) {
            let _ = Query::parse(&words.join(" "));
            let _ = Query::parse(&words.concat());
        }

        #[test]
        fn every_truncation_is_refused(cut in 0_usize..200) {
            let whole = format!("{FOR} where $g/display-name = '그룹' {RETURN}");
            if whole.is_char_boundary(cut) && cut < whole.len() {
                prop_assert!(Query::parse(&whole[..cut]).is_err());
            }
        }

        #[test]
        fn any_string_can_be_asked_for(text in "\\PC*") {
            let quoted = text.replace('&', "&amp;").replace('"', "\"\"");
            let found = conditions(&format!("$g/display-name = \"{quoted}\""));
            if quoted.len() < LONGEST / 2 {
                prop_assert_eq!(found, Ok(vec![Condition::Name(text)]));
            }
        }
    }
}
