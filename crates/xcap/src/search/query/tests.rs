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
    for wrong in
        ["", "{$g/display-name}{$g/@uri}", "{$g/@uri}{$g/@uri}", "{$g/list/entry/@uri}", "x", "{$g}", "{1}"]
    {
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
