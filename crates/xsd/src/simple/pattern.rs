//! `xs:pattern` (XML Schema part 2, appendix F), translated for the regex crate: linear in the text, always anchored.
//!
//! Names of Unicode blocks (`\p{IsGreek}`) are not supported.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// Name characters of XML 1.0 without the colon.
const START: &str = "A-Z_a-z\\x{C0}-\\x{D6}\\x{D8}-\\x{F6}\\x{F8}-\\x{2FF}\\x{370}-\\x{37D}\\x{37F}-\\x{1FFF}\
    \\x{200C}-\\x{200D}\\x{2070}-\\x{218F}\\x{2C00}-\\x{2FEF}\\x{3001}-\\x{D7FF}\\x{F900}-\\x{FDCF}\
    \\x{FDF0}-\\x{FFFD}\\x{10000}-\\x{EFFFF}";
const MORE: &str = "\\-.0-9\\x{B7}\\x{300}-\\x{36F}\\x{203F}-\\x{2040}";

/// The general categories that `\p{}` may name.
const CATEGORIES: &[&str] = &[
    "L", "Lu", "Ll", "Lt", "Lm", "Lo", "M", "Mn", "Mc", "Me", "N", "Nd", "Nl", "No", "P", "Pc", "Pd", "Ps",
    "Pe", "Pi", "Pf", "Po", "Z", "Zs", "Zl", "Zp", "S", "Sm", "Sc", "Sk", "So", "C", "Cc", "Cf", "Co", "Cn",
];

/// Compiles `patterns`, of which one must match.
pub(crate) fn compile(patterns: &[&str]) -> Result<Regex, String> {
    let mut out = String::from("\\A(?:");
    for (index, pattern) in patterns.iter().enumerate() {
        if index > 0 {
            out.push('|');
        }
        out.push_str(&translate(pattern)?);
    }
    out.push_str(")\\z");
    Regex::new(&out).map_err(|_| "the pattern is broken or too large".to_owned())
}

fn translate(pattern: &str) -> Result<String, String> {
    let mut chars = pattern.chars().peekable();
    let mut out = String::with_capacity(pattern.len() + 8);
    // Nothing to repeat stands at the start, behind `(` and `|`, and behind a quantifier.
    let mut repeatable = false;
    let mut open = 0_usize;
    while let Some(c) = chars.next() {
        let was_repeatable = std::mem::replace(&mut repeatable, true);
        match c {
            '\\' => out.push_str(&escape(&mut chars)?.class()),
            '.' => out.push_str("[^\\n\\r]"),
            '[' => out.push_str(&class(&mut chars)?),
            '(' => {
                open += 1;
                repeatable = false;
                out.push_str("(?:");
            }
            ')' => {
                open = open.checked_sub(1).ok_or("the pattern closes what it did not open")?;
                out.push(')');
            }
            '|' => {
                repeatable = false;
                out.push('|');
            }
            '?' | '*' | '+' | '{' => {
                if !was_repeatable {
                    return Err("the pattern repeats nothing".to_owned());
                }
                repeatable = false;
                out.push(c);
                if c == '{' {
                    quantity(&mut chars, &mut out)?;
                }
            }
            ']' | '}' => return Err(format!("the pattern holds a lone {c}")),
            c => out.push_str(&literal(c)),
        }
    }
    if open > 0 { Err("the pattern leaves a group open".to_owned()) } else { Ok(out) }
}

/// The rest of `{n}`, `{n,}` or `{n,m}`.
fn quantity(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    for c in chars.by_ref() {
        out.push(c);
        match c {
            '}' => return Ok(()),
            '0'..='9' | ',' => {}
            _ => break,
        }
    }
    Err("the pattern has a broken quantity".to_owned())
}

/// What one escape stands for.
enum Escape {
    One(char),
    /// The inside of a class, and whether it is what the class leaves out.
    Set(String, bool),
}

impl Escape {
    fn class(&self) -> String {
        match self {
            Self::One(c) => literal(*c),
            Self::Set(set, negated) => format!("[{}{set}]", if *negated { "^" } else { "" }),
        }
    }
}

fn escape(chars: &mut Peekable<Chars<'_>>) -> Result<Escape, String> {
    let c = chars.next().ok_or("the pattern ends in an escape")?;
    let set = |set: &str| Escape::Set(set.to_owned(), c.is_uppercase());
    Ok(match c {
        'n' => Escape::One('\n'),
        'r' => Escape::One('\r'),
        't' => Escape::One('\t'),
        '\\' | '|' | '.' | '-' | '^' | '?' | '*' | '+' | '{' | '}' | '(' | ')' | '[' | ']' => Escape::One(c),
        's' | 'S' => set(" \\t\\n\\r"),
        'd' | 'D' => set("\\p{Nd}"),
        // A word character is what the others are not.
        'w' => Escape::Set("\\p{P}\\p{Z}\\p{C}".to_owned(), true),
        'W' => Escape::Set("\\p{P}\\p{Z}\\p{C}".to_owned(), false),
        'i' | 'I' => set(&format!(":{START}")),
        'c' | 'C' => set(&format!(":{START}{MORE}")),
        'p' | 'P' => {
            let mut name = String::new();
            if chars.next() != Some('{') {
                return Err("the pattern names no category".to_owned());
            }
            for c in chars.by_ref().take_while(|c| *c != '}') {
                name.push(c);
            }
            if !CATEGORIES.contains(&name.as_str()) {
                return Err("the pattern names a Unicode block or an unknown category".to_owned());
            }
            set(&format!("\\p{{{name}}}"))
        }
        _ => return Err("the pattern holds an unknown escape".to_owned()),
    })
}

/// A character class behind its `[`, with what is subtracted from it.
fn class(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut out = String::from("[");
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        let c = chars.next().ok_or("the pattern leaves a class open")?;
        let from = match c {
            ']' if !first => {
                out.push(']');
                return Ok(out);
            }
            '-' if chars.peek() == Some(&'[') && !first => {
                chars.next();
                let less = class(chars)?;
                if chars.next() != Some(']') {
                    return Err("the pattern goes on behind a subtraction".to_owned());
                }
                // What is negated is negated before the subtraction.
                return Ok(format!("[{out}]--{less}]"));
            }
            '[' | ']' => return Err(format!("the pattern holds a lone {c} in a class")),
            '\\' => match escape(chars)? {
                Escape::One(c) => c,
                set @ Escape::Set(..) => {
                    out.push_str(&set.class());
                    first = false;
                    continue;
                }
            },
            c => c,
        };
        first = false;
        let mut ahead = chars.clone();
        let range = ahead.next() == Some('-') && !matches!(ahead.next(), None | Some('[' | ']'));
        out.push_str(&literal(from));
        if range {
            chars.next();
            let to = match chars.next() {
                Some('\\') => match escape(chars)? {
                    Escape::One(c) => c,
                    Escape::Set(..) => return Err("the pattern has a range up to a class".to_owned()),
                },
                Some(c) => c,
                None => return Err("the pattern leaves a class open".to_owned()),
            };
            out.push('-');
            out.push_str(&literal(to));
        }
    }
}

fn literal(c: char) -> String {
    if c.is_ascii_alphanumeric() { c.to_string() } else { format!("\\x{{{:X}}}", u32::from(c)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, good: &[&str], bad: &[&str]) {
        let regex = compile(&[pattern]).unwrap_or_else(|refused| panic!("{pattern}: {refused}"));
        for text in good {
            assert!(regex.is_match(text), "{pattern} {text:?}");
        }
        for text in bad {
            assert!(!regex.is_match(text), "{pattern} {text:?}");
        }
    }

    #[test]
    fn translated() {
        check("a|b", &["a", "b"], &["ab", "", "xa", "a\n"]);
        check("^$", &["^$"], &[""]);
        check("[a-c-[b]]", &["a", "c"], &["b", "-"]);
        check("[^a-c-[x]]", &["d"], &["a", "x"]);
        check("[-a]{2}[b-]", &["-a-", "aab"], &["a", "aac"]);
        check("\\d{2,3}", &["12", "１２"], &["1", "1234"]);
        check("\\i\\c*", &["a-1", "_:그"], &["1a", "-"]);
        check(".+", &["a b"], &["a\nb"]);
        check("\\w\\W\\s\\S", &["a- b"], &["--  "]);
        check("\\p{Lu}\\P{Lu}", &["Aa"], &["AA"]);
        check("[\\d\\-.]+", &["1-2.3"], &["a"]);
        check("(ab)?c", &["c", "abc"], &["bc"]);
        check("[&&~#]", &["&", "~"], &["a"]);
        check("[+--]", &["+", ",", "-"], &["."]);
    }

    #[test]
    fn refused() {
        for pattern in [
            "(",
            ")",
            "[",
            "a**",
            "*a",
            "(?i)a",
            "[]",
            "\\",
            "\\q",
            "\\p{IsGreek}",
            "a{",
            "a{x}",
            "]",
            "[a[b]]",
            "[b-a]",
            "a{2,1}",
            "a|*",
            "[a-\\d]",
            "[a-[b]c]",
            "\\p",
        ] {
            assert!(compile(&[pattern]).is_err(), "{pattern}");
        }
    }
}
