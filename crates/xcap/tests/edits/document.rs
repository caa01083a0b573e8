//! Documents made at random: namespaces, comments, CDATA sections, every kind of quote, white space and line end.

use crate::random::Random;

/// What unprefixed names of selectors are in.
pub(crate) const DEFAULT: &str = "urn:d";
pub(crate) const NAMESPACES: [&str; 4] = ["", DEFAULT, "urn:p", "urn:q(x)%25"];
pub(crate) const LOCALS: [&str; 4] = ["a", "b", "list-service", "항목"];
const ATTRIBUTES: [&str; 3] = ["n", "uri", "표"];
/// As they are written between quotes of the other kind.
const VALUES: [&str; 9] =
    ["", "1", "2", "sip:a@b", "a&amp;b", "&#x1F692; &lt;", "x/y~~[1]", "  &#10;\n", "가%25+"];
const TEXTS: [&str; 8] = [" ", "\n  ", "text", "&amp;&#65;", "한글 🚒", "\r\n", "]]", "<![CDATA[<&]]>"];
const MARKUP: [&str; 4] = ["<!-- <a/> -->", "<?p >?>", "<!---->", "<?q?>"];

/// The name of an element or attribute: namespace, local part.
pub(crate) type Name = (String, String);

/// Prefixes in scope; `""` is the default namespace.
#[derive(Clone, Default)]
pub(crate) struct Scope(Vec<(String, String)>);

impl Scope {
    pub(crate) fn of(element: csc_xml::Node<'_, '_>) -> Self {
        let all = element.namespaces().filter(|binding| binding.name() != Some("xml"));
        Self(all.map(|b| (b.name().unwrap_or_default().to_owned(), b.uri().to_owned())).collect())
    }

    fn namespace(&self, prefix: &str) -> &str {
        self.0.iter().find(|(bound, _)| bound == prefix).map_or("", |(_, uri)| uri)
    }

    fn declare(&mut self, prefix: &str, uri: &str) {
        self.0.retain(|(bound, _)| bound != prefix);
        self.0.push((prefix.to_owned(), uri.to_owned()));
    }

    /// A prefix that stands for `namespace`; attributes cannot use the default one.
    fn prefix(&self, namespace: &str, attribute: bool) -> Option<String> {
        if namespace.is_empty() {
            return (attribute || self.namespace("").is_empty()).then(String::new);
        }
        let fits = |(prefix, uri): &&(String, String)| uri == namespace && !(attribute && prefix.is_empty());
        self.0.iter().find(fits).map(|(prefix, _)| prefix.clone())
    }
}

/// A document, well-formed in every sense.
pub(crate) fn document(random: &mut Random) -> String {
    let mut out = random
        .pick(&["", "\u{FEFF}", "<?xml version=\"1.0\" encoding='UTF-8'?>\r\n", "<!--c-->\n"])
        .to_owned();
    element(random, &Scope::default(), None, None, 3, &mut out);
    out.push_str(random.pick(&["", "\n", "\r\n<?p?>\n", "<!-- end -->"]));
    out
}

/// An element called `name` that has the attribute `attribute`, as it is written; `None`: any.
pub(crate) fn element(
    random: &mut Random,
    scope: &Scope,
    name: Option<&Name>,
    attribute: Option<(&Name, &str)>,
    depth: usize,
    out: &mut String,
) {
    let mut scope = scope.clone();
    let mut declared = String::new();
    let mut declare = |random: &mut Random, scope: &mut Scope, prefix: &str, uri: &str| {
        if declared.contains(&format!("{}=", xmlns(prefix))) || (uri.is_empty() && !prefix.is_empty()) {
            return false;
        }
        scope.declare(prefix, uri);
        let quote = random.pick(&['"', '\'']);
        declared.push_str(&format!(" {}={quote}{uri}{quote}", xmlns(prefix)));
        true
    };
    let (namespace, local) = name.cloned().unwrap_or_else(|| {
        let namespace = random.pick(&[DEFAULT, DEFAULT, DEFAULT, "urn:p", ""]);
        (namespace.to_owned(), random.pick(&LOCALS).to_owned())
    });
    if namespace.is_empty() && !scope.namespace("").is_empty() {
        declare(random, &mut scope, "", "");
    }
    for (prefix, percent) in [("", 15), ("p", 15), ("q", 10)] {
        if random.chance(percent) && !(prefix.is_empty() && namespace.is_empty()) {
            let uri = random.pick(&NAMESPACES);
            declare(random, &mut scope, prefix, uri);
        }
    }
    // A declaration of its own, where nothing in scope stands for the namespace.
    let prefix_for = |random: &mut Random,
                      declare: &mut dyn FnMut(&mut Random, &mut Scope, &str, &str) -> bool,
                      scope: &mut Scope,
                      namespace: &str,
                      attribute: bool| {
        if let Some(prefix) = scope.prefix(namespace, attribute) {
            return Some(prefix);
        }
        // A prefix of the element or of an attribute before this one keeps its meaning.
        let free = if attribute { ["r", "s", "u"] } else { ["", "", ""] };
        let mut free = free.into_iter().filter(|prefix| !attribute || scope.namespace(prefix).is_empty());
        let prefix = free.next()?.to_owned();
        declare(random, scope, &prefix, namespace).then_some(prefix)
    };
    let prefix = match prefix_for(random, &mut declare, &mut scope, &namespace, false) {
        Some(prefix) => prefix,
        None => {
            declare(random, &mut scope, "t", &namespace);
            "t".to_owned()
        }
    };
    let mut attributes = Vec::new();
    if let Some((name, value)) = attribute {
        attributes.push((name.clone(), value.to_owned()));
    }
    for _ in 0..random.below(3) {
        let namespace = random.pick(&["", "", "", "urn:p", DEFAULT]).to_owned();
        let name = (namespace, random.pick(&ATTRIBUTES).to_owned());
        if !attributes.iter().any(|(known, _)| *known == name) {
            attributes.push((name, random.pick(&VALUES).to_owned()));
        }
    }
    let mut tag = if prefix.is_empty() { local } else { format!("{prefix}:{local}") };
    let name = tag.clone();
    for ((namespace, local), value) in attributes {
        let Some(prefix) = prefix_for(random, &mut declare, &mut scope, &namespace, true) else { continue };
        let colon = if prefix.is_empty() { "" } else { ":" };
        let quote = if value.contains('"') { '\'' } else { random.pick(&['"', '\'']) };
        let quote = if value.contains('\'') { '"' } else { quote };
        let (blank, equals) = (random.pick(&[" ", "\n\t", "  "]), random.pick(&["=", " = "]));
        tag.push_str(&format!("{blank}{prefix}{colon}{local}{equals}{quote}{value}{quote}"));
    }
    out.push_str(&format!("<{tag}{declared}{}", random.pick(&["", "", " ", "\n"])));
    if random.chance(20) {
        out.push_str("/>");
        return;
    }
    out.push('>');
    for _ in 0..random.below(5) {
        match random.below(4) {
            0 => out.push_str(random.pick(&TEXTS)),
            1 if random.chance(50) => out.push_str(random.pick(&MARKUP)),
            _ if depth > 0 => element(random, &scope, None, None, depth - 1, out),
            _ => {}
        }
    }
    out.push_str(&format!("</{name}{}>", random.pick(&["", "", " "])));
}

fn xmlns(prefix: &str) -> String {
    if prefix.is_empty() { "xmlns".to_owned() } else { format!("xmlns:{prefix}") }
}
