//! G4, G5: every caller, by every way to the group, with every method, for the whole and for parts.

use csc_xcap_server::testing::Answer;
use http::{Method, StatusCode};

use crate::world::{GROUP, GROUP_TYPE, World, group, view};

const GMOP: &str = "application/vnd.3gpp.GMOP+xml";

/// What somebody may do with the group itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum May {
    Nothing,
    Read,
    Change,
    Everything,
}

/// +821 plain, +823 authorized, +826 and +828 of the police are in the list; +824 made it.
const CALLERS: [(u32, May); 8] = [
    (1, May::Read),
    (2, May::Nothing),
    (3, May::Change),
    (4, May::Everything),
    (5, May::Everything),
    (6, May::Read),
    (7, May::Nothing),
    (8, May::Read),
];

/// What of the group is asked for: selector, media type, content.
const PARTS: [(&str, &str, &str); 4] = [
    ("", GROUP_TYPE, ""),
    ("/~~/group/list-service/display-name", "application/xcap-el+xml", "<display-name>Team</display-name>"),
    ("/~~/group/list-service/display-name/@xml:lang", "application/xcap-att+xml", "en"),
    ("/~~/group/list-service/namespace::*", "application/xcap-ns+xml", ""),
];

struct Asked<'a> {
    method: Method,
    /// In somebody else's tree.
    elsewhere: bool,
    /// In a tree, not below `global`.
    tree: bool,
    part: &'a str,
}

/// What the table says.
fn expected(number: u32, may: May, asked: &Asked<'_>) -> u16 {
    let may = match (asked.elsewhere, may) {
        (true, May::Everything) => May::Read,
        (true, _) => May::Nothing,
        (false, may) => may,
    };
    let (whole, bindings) = (asked.part.is_empty(), asked.part.contains("namespace"));
    let needed = match asked.method {
        Method::GET | Method::HEAD => May::Read,
        Method::PUT => May::Change,
        Method::DELETE if whole => May::Everything,
        Method::DELETE => May::Change,
        _ => May::Read,
    };
    let for_no_one = match asked.method {
        Method::PUT | Method::DELETE => bindings,
        Method::POST => asked.tree || !whole,
        _ => false,
    };
    // Whoever could make a group is told that the name is taken.
    if number == 7 && asked.method == Method::PUT && whole && !asked.elsewhere {
        return 409;
    }
    match may {
        May::Nothing => 403,
        _ if may < needed || for_no_one => 405,
        _ => 200,
    }
}

async fn send(world: &World, number: u32, method: &Method, target: &str, part: (&str, &str, &str)) -> Answer {
    let (selector, media_type, content) = part;
    let (media_type, content) = match *method {
        Method::POST => (GMOP, ask()),
        Method::PUT if selector.is_empty() => (media_type, document()),
        Method::PUT => (media_type, content.to_owned()),
        _ => ("", String::new()),
    };
    let headers = [("content-type", media_type)];
    let headers = if media_type.is_empty() { &[][..] } else { &headers };
    world.as_user(number).send(method.clone(), &format!("{target}{selector}"), headers, content).await
}

fn ask() -> String {
    "<document xmlns=\"urn:3gpp:ns:mcpttGMOP:1.0\"><request><get-excluding-memberlist/></request></document>"
        .to_owned()
}

fn document() -> String {
    group(&[1, 3, 6, 8])
}

#[tokio::test]
async fn g4_g5_every_caller_by_every_way() {
    let world = World::new().await;
    world.bench.account("tel:+828", "police", &["authorized-user"], &[]).await;
    let create = async || world.as_user(4).put(GROUP, GROUP_TYPE, document()).await;
    assert_eq!(create().await.status, StatusCode::CREATED);
    let alias = GROUP.replace("byGroupID", "byGroup");
    for (number, may) in CALLERS {
        let other = if number == 1 { 3 } else { 1 };
        let ways = [(GROUP.to_owned(), false, false), (alias.clone(), false, false)];
        let trees = [(view(number), true, false), (view(other), true, true)];
        for (target, tree, elsewhere) in ways.into_iter().chain(trees) {
            for part in PARTS {
                for method in [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE] {
                    let asked = Asked { method: method.clone(), elsewhere, tree, part: part.0 };
                    let status = expected(number, may, &asked);
                    let answer = send(&world, number, &method, &target, part).await;
                    let what = format!("{method} {target}{} by {number}: {}", part.0, answer.text());
                    assert_eq!(answer.status, status, "{what}");
                    let allow = answer.header("allow");
                    let named = allow.split(", ").any(|allowed| allowed == method.as_str());
                    assert!((status == 405) == allow.starts_with("GET, HEAD") && !named, "{what} {allow}");
                    if status >= 403 {
                        assert_eq!(answer.etag(), "", "{what}");
                    }
                    if method == Method::DELETE && status == 200 {
                        create().await;
                    }
                }
            }
        }
    }
}

/// Whoever could not make a group gets the same answers where there is one and where there is none.
#[tokio::test]
async fn g5_nothing_tells_whether_a_group_is_there() {
    let world = World::new().await;
    world.bench.account("tel:+828", "police", &["authorized-user"], &[]).await;
    world.store(&[1]).await;
    for number in [2, 3, 6, 8] {
        for target in [GROUP.to_owned(), GROUP.replace("byGroupID", "byGroup"), view(number), view(1)] {
            for part in PARTS {
                for method in [Method::GET, Method::HEAD, Method::PUT, Method::POST, Method::DELETE] {
                    let there = send(&world, number, &method, &target, part).await;
                    let nowhere = target.replace("tel:+829", "tel:+827");
                    let missing = send(&world, number, &method, &nowhere, part).await;
                    assert_eq!(there.status, StatusCode::FORBIDDEN, "{method} {target}{} {number}", part.0);
                    assert_eq!((missing.status, missing.body), (there.status, there.body));
                    assert_eq!(missing.headers, there.headers);
                }
            }
        }
    }
}
