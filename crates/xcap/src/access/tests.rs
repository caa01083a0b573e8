//! The access table, row by row.

use csc_types::{Roles, Server};

use super::*;
use crate::Names;

fn org(name: &str) -> OrgId {
    name.parse().unwrap()
}

fn user(id: &str, organisation: &str, roles: &[Role]) -> Caller {
    Caller::User(User {
        id: id.parse().unwrap(),
        org: org(organisation),
        roles: roles.iter().copied().collect::<Roles>(),
        ue_ids: vec!["urn:ue:1".parse().unwrap()],
    })
}

/// Everybody that the table speaks of, by name. The document's owner is tel:+1 in organisation `fire`.
fn callers() -> Vec<(&'static str, Caller)> {
    let server = |organisation: &str| {
        Caller::Server(Server { name: "sip:s@x".to_owned(), orgs: vec![org(organisation)] })
    };
    vec![
        ("nobody", Caller::Anonymous),
        ("owner", user("tel:+1", "fire", &[])),
        ("other", user("tel:+2", "fire", &[])),
        ("authorized", user("tel:+1", "fire", &[Role::AuthorizedUser])),
        ("dispatcher", user("tel:+3", "fire", &[Role::Dispatcher])),
        ("administrator", user("tel:+4", "fire", &[Role::Administrator])),
        ("platform", user("tel:+5", "root", &[Role::PlatformAdministrator])),
        ("foreign user", user("tel:+6", "police", &[])),
        ("foreign dispatcher", user("tel:+7", "police", &[Role::Dispatcher])),
        ("foreign administrator", user("tel:+8", "police", &[Role::Administrator])),
        ("server", server("fire")),
        ("foreign server", server("police")),
    ]
}

/// One letter for each operation: allowed, 401, 404, 403, 405.
fn letters(caller: &Caller, path: &str, facts: &Facts) -> String {
    let document = Names::of(org("fire")).document_at(path).unwrap();
    [Operation::Read, Operation::Write, Operation::Delete]
        .map(|operation| match decide(caller, operation, &document, facts) {
            Decision::Allow => 'a',
            Decision::Unauthenticated => '1',
            Decision::NotFound => '4',
            Decision::Forbidden => '3',
            Decision::NotAllowed(_) => '5',
        })
        .iter()
        .collect()
}

/// `expected`: callers by name and their letters; whoever is not named gets `rest`.
fn row(path: &str, facts: &Facts, expected: &[(&str, &str)], rest: &str) {
    for (name, caller) in callers() {
        let default = if name == "nobody" { "111" } else { rest };
        let wanted =
            expected.iter().find(|(known, _)| *known == name).map_or(default, |(_, letters)| letters);
        assert_eq!(letters(&caller, path, facts), wanted, "{name} {path} {facts:?}");
    }
}

fn in_fire() -> Facts {
    Facts { organisation: Some(org("fire")), ..Facts::default() }
}

#[test]
fn documents_of_a_user() {
    let expected = [
        ("owner", "a55"),
        ("authorized", "a55"),
        ("administrator", "aaa"),
        ("platform", "aaa"),
        ("server", "a55"),
    ];
    row("org.3gpp.mcptt.user-profile/users/tel:+1/user-profile", &in_fire(), &expected, "333");
    row("org.3gpp.mcptt.ue-config/users/tel:+1/ue-config", &in_fire(), &expected, "333");
    let path = "org.3gpp.mcptt.user-profile/users/tel:+1/user-profile";
    row(path, &Facts::default(), &[("platform", "444")], "333");
}

#[test]
fn documents_that_a_user_keeps() {
    let expected = [
        ("owner", "aaa"),
        ("authorized", "aaa"),
        ("administrator", "aaa"),
        ("platform", "aaa"),
        ("server", "a55"),
    ];
    for path in [
        "resource-lists/users/tel:+1/index",
        "rls-services/users/tel:+1/index",
        "pres-rules/users/tel:+1/index",
        "org.openmobilealliance.pres-rules/users/tel:+1/pres-rules",
        "org.openmobilealliance.pres-content/users/tel:+1/oma_status-icon/a",
        "pidf-manipulation/users/tel:+1/index",
        "test-app/users/tel:+1/index",
    ] {
        row(path, &in_fire(), &expected, "333");
        row(path, &Facts::default(), &[("platform", "444")], "333");
    }
}

#[test]
fn initial_configuration_of_a_terminal() {
    for path in [
        "org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1",
        "org.3gpp.mcptt.ue-init-config/users/sip:urn:ue:2/urn:ue:2",
    ] {
        row(path, &in_fire(), &[("nobody", "a11")], "a55");
        row(path, &Facts::default(), &[("nobody", "a11")], "a55");
    }
    let template = "org.3gpp.mcptt.ue-init-config/global/fire/all.xml";
    let expected = [
        ("administrator", "aaa"),
        ("platform", "aaa"),
        ("foreign user", "333"),
        ("foreign dispatcher", "333"),
        ("foreign administrator", "333"),
        ("foreign server", "333"),
    ];
    row(template, &in_fire(), &expected, "a55");
    row("test-app/global/fire/all.xml", &in_fire(), &expected, "a55");
}

#[test]
fn the_default_profile_of_an_initial_configuration() {
    let path = "org.3gpp.mcptt.user-profile/users/tel:+1/user-profile";
    let open = Facts { open_profile: true, ..in_fire() };
    let administrators = [("nobody", "a11"), ("administrator", "aaa"), ("platform", "aaa")];
    row(path, &open, &administrators, "a55");
    // Nothing else is opened by it.
    let nobody = Caller::Anonymous;
    for path in [
        "org.3gpp.mcptt.ue-config/users/tel:+1/ue-config",
        "org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1",
        "org.3gpp.mcptt.service-config/users/tel:+1/service-config",
        "org.3gpp.mcptt.service-config/global/service-config.xml",
        "resource-lists/users/tel:+1/index",
        "org.openmobilealliance.groups/users/tel:+1/tel:+9",
        "org.openmobilealliance.xcap-directory/users/tel:+1/directory.xml",
    ] {
        assert_eq!(letters(&nobody, path, &open), "111", "{path}");
    }
    // Nor below another organisation's root.
    let elsewhere = Facts { root: Some(org("police")), ..open.clone() };
    assert_eq!(letters(&nobody, path, &elsewhere), "111");
    assert_eq!(letters(&user("tel:+2", "fire", &[]), path, &elsewhere), "444");
    let below = Facts { root: Some(org("fire")), ..open };
    assert_eq!(letters(&nobody, path, &below), "a11");
}

#[test]
fn whether_anything_need_be_looked_up_for_nobody() {
    let closed = vec![Facts::default(), in_fire()];
    let open = [closed.clone(), vec![Facts { open_profile: true, ..in_fire() }]].concat();
    for path in [
        "org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1",
        "org.3gpp.mcptt.ue-init-config/global/fire/all.xml",
        "org.3gpp.mcptt.user-profile/users/tel:+1/user-profile",
        "org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1",
        "resource-lists/users/tel:+1/index",
        "xcap-caps/global/index",
        "org.openmobilealliance.groups/global/byGroupID/tel:+9",
    ] {
        let document = Names::of(org("fire")).document_at(path).unwrap();
        for operation in [Operation::Read, Operation::Write, Operation::Delete] {
            let allowed = |facts| decide(&Caller::Anonymous, operation, &document, facts) == Decision::Allow;
            assert_eq!(may_be_open(operation, &document, false), closed.iter().any(allowed), "{path}");
            assert_eq!(may_be_open(operation, &document, true), open.iter().any(allowed), "{path}");
        }
    }
}

#[test]
fn documents_of_a_terminal() {
    let path = "org.3gpp.mcptt.ue-config/users/urn:ue:1/urn:ue:1";
    let commanders = [("administrator", "aaa"), ("platform", "aaa"), ("foreign server", "333")];
    row(path, &in_fire(), &commanders, "a55");
    let foreign = "org.3gpp.mcptt.ue-config/users/urn:ue:2/urn:ue:2";
    let expected = [("administrator", "aaa"), ("platform", "aaa"), ("server", "a55")];
    row(foreign, &in_fire(), &expected, "333");
    let open = Facts { open_terminals: true, ..in_fire() };
    row(foreign, &open, &commanders, "a55");
    let missing = [
        ("administrator", "aaa"),
        ("platform", "aaa"),
        ("foreign administrator", "aaa"),
        ("server", "a55"),
        ("foreign server", "a55"),
    ];
    row(foreign, &Facts::default(), &missing, "333");
}

#[test]
fn documents_of_an_organisation() {
    let expected = [
        ("administrator", "aaa"),
        ("platform", "aaa"),
        ("foreign user", "333"),
        ("foreign dispatcher", "333"),
        ("foreign administrator", "333"),
        ("foreign server", "333"),
    ];
    row("org.3gpp.mcptt.service-config/global/service-config.xml", &in_fire(), &expected, "a55");
}

#[test]
fn views_and_generated_documents() {
    let readers = [
        ("owner", "a55"),
        ("authorized", "a55"),
        ("administrator", "a55"),
        ("platform", "a55"),
        ("server", "a55"),
    ];
    row("org.3gpp.mcptt.service-config/users/tel:+1/service-config", &in_fire(), &readers, "333");
    row("org.openmobilealliance.xcap-directory/users/tel:+1/directory.xml", &in_fire(), &readers, "333");
    row("xcap-caps/global/index", &Facts::default(), &[], "a55");
}

#[test]
fn groups() {
    let path = "org.openmobilealliance.groups/global/byGroupID/tel:+9";
    let commanders =
        [("dispatcher", "aaa"), ("administrator", "aaa"), ("platform", "aaa"), ("server", "a55")];
    row(path, &in_fire(), &commanders, "333");

    let listed = Facts { membership: Membership::Listed, ..in_fire() };
    let mut members = commanders.to_vec();
    members.extend([("authorized", "aa5"), ("foreign server", "333")]);
    row(path, &listed, &members, "a55");

    let creator = Facts { membership: Membership::Viewer, ..in_fire() };
    let mut viewers = commanders.to_vec();
    viewers.push(("foreign server", "333"));
    row(path, &creator, &viewers, "a55");

    // An authorized user from elsewhere reads, no more.
    let elsewhere = user("tel:+6", "police", &[Role::AuthorizedUser]);
    assert_eq!(letters(&elsewhere, path, &listed), "a55");

    let missing = [
        ("dispatcher", "aaa"),
        ("administrator", "aaa"),
        ("platform", "aaa"),
        ("foreign dispatcher", "aaa"),
        ("foreign administrator", "aaa"),
        ("server", "a55"),
        ("foreign server", "a55"),
    ];
    row(path, &Facts::default(), &missing, "333");
}

#[test]
fn groups_in_ones_own_tree() {
    let path = "org.openmobilealliance.groups/users/tel:+1/tel:+9";
    let readers = [("dispatcher", "a55"), ("administrator", "a55"), ("platform", "a55"), ("server", "a55")];
    row(path, &in_fire(), &readers, "333");
    let listed = Facts { membership: Membership::Listed, ..in_fire() };
    let mut owners = readers.to_vec();
    owners.extend([("owner", "a55"), ("authorized", "aa5")]);
    row(path, &listed, &owners, "333");

    let dispatcher = user("tel:+1", "fire", &[Role::Dispatcher]);
    assert_eq!(letters(&dispatcher, path, &in_fire()), "aaa");
    assert_eq!(letters(&dispatcher, path, &Facts::default()), "aaa");
    let foreign = user("tel:+1", "police", &[Role::Dispatcher]);
    assert_eq!(letters(&foreign, path, &in_fire()), "333");
    assert_eq!(letters(&foreign, path, &listed), "a55");
    assert_eq!(letters(&user("tel:+1", "fire", &[]), path, &Facts::default()), "333");
}

#[test]
fn below_another_organisations_root_nothing_exists() {
    let facts = Facts { root: Some(org("police")), membership: Membership::Listed, ..in_fire() };
    let open = "org.3gpp.mcptt.ue-init-config/users/urn:ue:1/urn:ue:1";
    for (name, caller) in callers() {
        assert!(letters(&caller, open, &facts).starts_with('a'), "{name}");
    }
    for path in [
        "org.openmobilealliance.groups/users/tel:+1/tel:+9",
        "org.3gpp.mcptt.user-profile/users/tel:+1/user-profile",
        "resource-lists/users/tel:+1/index",
        "xcap-caps/global/index",
    ] {
        for (name, caller) in callers() {
            let letters = letters(&caller, path, &facts);
            match name {
                "nobody" => assert_eq!(letters, "111"),
                "platform"
                | "foreign user"
                | "foreign dispatcher"
                | "foreign administrator"
                | "foreign server" => {
                    assert!(!letters.contains('4'), "{name} {path} {letters}");
                }
                _ => assert_eq!(letters, "444", "{name} {path}"),
            }
        }
    }
}

#[test]
fn what_is_left_is_named() {
    let document =
        Names::of(org("fire")).document_at("org.openmobilealliance.groups/users/tel:+1/tel:+9").unwrap();
    let facts = Facts { membership: Membership::Listed, ..in_fire() };
    let authorized = user("tel:+1", "fire", &[Role::AuthorizedUser]);
    assert_eq!(
        decide(&authorized, Operation::Delete, &document, &facts),
        Decision::NotAllowed(Rights { read: true, write: true, delete: false })
    );
}
