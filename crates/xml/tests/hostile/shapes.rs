//! Documents of 1 MiB that cost a parser as much as they can. Each shape is a piece that repeats; what the limits let
//! through of it is the worst that the parser ever sees.

use csc_xml::{Limits, scan};

/// Octets of a hostile document.
pub const SIZE: usize = 1 << 20;

/// `head`, as many pieces as wanted, `tail`.
pub struct Shape {
    pub name: &'static str,
    head: String,
    piece: Box<dyn Fn(usize) -> String>,
    tail: &'static str,
}

impl Shape {
    fn new(name: &'static str, head: impl Into<String>, piece: &'static str, tail: &'static str) -> Self {
        Self { name, head: head.into(), piece: Box::new(move |_| piece.to_owned()), tail }
    }

    fn counted(
        name: &'static str,
        head: impl Into<String>,
        piece: impl Fn(usize) -> String + 'static,
    ) -> Self {
        Self { name, head: head.into(), piece: Box::new(piece), tail: "</r>" }
    }

    /// As many pieces as fit into `octets`.
    pub fn text(&self, octets: usize) -> String {
        let mut text = String::with_capacity(octets);
        text.push_str(&self.head);
        for at in 0.. {
            let piece = (self.piece)(at);
            if text.len() + piece.len() + self.tail.len() > octets || piece.is_empty() {
                break;
            }
            text.push_str(&piece);
        }
        text.push_str(self.tail);
        text
    }

    /// The largest size that the scan lets through, to within one part in 256.
    pub fn accepted(&self, limits: &Limits) -> usize {
        if scan(self.text(SIZE).as_bytes(), limits).is_ok() {
            return SIZE;
        }
        let (mut fits, mut refused) = (0, SIZE);
        while refused - fits > SIZE / 256 {
            let middle = usize::midpoint(fits, refused);
            match scan(self.text(middle).as_bytes(), limits) {
                Ok(_) => fits = middle,
                Err(_) => refused = middle,
            }
        }
        fits
    }
}

/// A root element with `count` namespaces, prefixes and names as long as told.
fn scope(count: usize, prefix: usize, name: usize) -> String {
    let declared = (0..count).map(|n| format!(" xmlns:{:p<prefix$}{n:02}='{:u<name$}{n:02}'", "", ""));
    format!("<r{}>", declared.collect::<String>())
}

fn attributes(count: usize, write: impl Fn(usize) -> String) -> String {
    format!("<e{}/>", (0..count).map(|n| format!(" {}", write(n))).collect::<String>())
}

/// All shapes.
pub fn shapes() -> Vec<Shape> {
    let mut all = vec![
        Shape::new("empty elements", "<r>", "<a/>", "</r>"),
        Shape::new("elements", "<r>", "<a></a>", "</r>"),
        Shape::new("elements and text", "<r>", "<a/>x", "</r>"),
        Shape::new("elements and references", "<r>", "<a/>&#9;", "</r>"),
        Shape::new("elements and carriage returns", "<r>", "<a/>\r", "</r>"),
        Shape::new("an attribute each", "<r>", "<a b=''/>", "</r>"),
        Shape::new("an attribute each, to be normalised", "<r>", "<a b='\n'/>&#9;", "</r>"),
        Shape::new("comments", "<r>", "<!---->", "</r>"),
        Shape::new("comments and text", "<r>", "<!---->x", "</r>"),
        Shape::new("instructions", "<r>", "<?a?>", "</r>"),
        Shape::new("instructions and references", "<r>", "<?a?>&#9;", "</r>"),
        Shape::new("text in pieces", "<r>", "x<![CDATA[]]>", "</r>"),
        Shape::new("text in pieces, to be normalised", "<r>", "&#9;<![CDATA[\r]]>", "</r>"),
        Shape::new("a comment of <", "<r><!--", "<", "--></r>"),
        Shape::new("a section of <", "<r><![CDATA[", "<", "]]></r>"),
        Shape::new("a section of \\r", "<r><![CDATA[", "\r", "]]></r>"),
        Shape::new("an instruction of ?", "<r><?a ", "?", "></r>"),
        Shape::new("a comment of -", "<r><!--", "-", "--></r>"),
        Shape::new("text", "<r>", "x", "</r>"),
        Shape::new("text of =", "<r>", "=", "</r>"),
        Shape::new("text of ]", "<r>", "]", "</r>"),
        Shape::new("text of >", "<r>", ">", "</r>"),
        Shape::new("text of \\r", "<r>", "\r", "</r>"),
        Shape::new("Hangul", "<r>", "가", "</r>"),
        Shape::new("references", "<r>", "&lt;", "</r>"),
        Shape::new("character references", "<r>", "&#x1F692;", "</r>"),
        Shape::new("a value of =", "<r a='", "=", "'/>"),
        Shape::new("a value of references", "<r a='", "&lt;", "'/>"),
        Shape::new("a value of line ends", "<r a='", "\n", "'/>"),
        Shape::new("blanks in a tag", "<r", " ", "a=''/>"),
        Shape::new("blanks around =", "<r a", " ", "=''/>"),
        Shape::new("a long name", "<", "a", "/>"),
        Shape::new("a long attribute name", "<r ", "a", "=''/>"),
        Shape::new("a long reference", "<r>&", "a", ";</r>"),
        Shape::new("a long namespace", "<r xmlns:p='u", "u", "'/>"),
        Shape::new("nothing but <", "", "<", ""),
        Shape::new("nothing but >", "", ">", ""),
        Shape::new("nothing but &", "<r>", "&", "</r>"),
        Shape::new("blanks", "<r/>", "\n", ""),
        Shape::new("open tags", "", "<a ", ""),
        Shape::new("open values", "", "<a b='", ""),
        Shape::new("open elements", "", "<a>", ""),
        Shape::new("open comments", "<r>", "<!--", ""),
        Shape::new("close tags", "<r>", "</a>", ""),
        Shape::new("lines before an error", "<r>", "\n", "<b></c></r>"),
    ];
    let nested = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    all.push(Shape::counted("nested", "<r>", move |_| nested(60)));
    for (short, normalised, count) in [
        ("8 attributes", "8 attributes, to be normalised", 8),
        ("24 attributes", "24 attributes, to be normalised", 24),
        ("64 attributes", "64 attributes, to be normalised", 64),
    ] {
        all.push(Shape::counted(short, "<r>", move |_| attributes(count, |n| format!("a{n}=''"))));
        all.push(Shape::counted(normalised, "<r>", move |_| attributes(count, |n| format!("a{n}='\n'"))));
    }
    for (prefix, uri) in
        [(1, 1), (60, 60), (240, 240), (1, 480), (480, 1), (4_000, 4_000), (1, 30_000), (30_000, 1)]
    {
        let named = |what: &str| -> &'static str {
            Box::leak(format!("{what}, prefixes of {prefix} and namespaces of {uri} octets").into_boxed_str())
        };
        let head = scope(30, prefix, uri);
        let p = move |n: usize| format!("{:p<prefix$}{n:02}", "");
        all.push(Shape::counted(named("in scope"), head.clone(), |_| "<a/>".to_owned()));
        all.push(Shape::counted(named("last in scope"), head.clone(), move |_| format!("<{}:a/>", p(29))));
        all.push(Shape::counted(named("declared again"), head.clone(), |_| "<a xmlns:q='u'/>".to_owned()));
        all.push(Shape::counted(named("redeclared"), head.clone(), move |n| {
            format!("<a xmlns:{}='{:u<uri$}{:02}'/>", p(30), "", n % 200)
        }));
        for (one, many, count) in [
            ("12 attributes of one namespace", "12 attributes of many namespaces", 12),
            ("30 attributes of one namespace", "30 attributes of many namespaces", 30),
        ] {
            all.push(Shape::counted(named(one), head.clone(), move |_| {
                attributes(count, |n| format!("{}:a{n}=''", p(29)))
            }));
            all.push(Shape::counted(named(many), head.clone(), move |_| {
                attributes(count, |n| format!("{}:a=''", p(n)))
            }));
        }
    }
    all
}
