//! What a request for a document costs in CPU time of the server, and how many there are in a second: a document of 5 KB
//! and one element of it, read and written over keep-alive HTTP by eight connections of `wrk`, every token verified.
//!
//! `cargo bench -p csc-tests --features plain-http --bench documents`: on the embedded store, and on Redis. Both lie in
//! `$TMPDIR`: give it a tmpfs (`TMPDIR=/dev/shm`) to leave the disk out. Figures are medians of the rounds; nothing is
//! asserted but that every answer is a good one.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use csc_process::StoreConfig;
use csc_test_support::redis::Replicated;
use csc_tests::Server;

const ADMINISTRATOR: (&str, &str) = ("tel:+82571009998", "station-zero");
const CONNECTIONS: usize = 8;
const SECONDS: usize = 3;
const ROUNDS: usize = 5;
const USAGE: &str = "org.3gpp.mcptt.user-profile";
const TYPE: &str = "application/vnd.3gpp.mcptt-user-profile+xml";
const ELEMENT_TYPE: &str = "application/xcap-el+xml";

fn user(number: usize) -> String {
    format!("tel:+8270{number:06}")
}

/// A user profile of about 5 KB, as a member of twenty groups has one.
fn profile(user: &str) -> String {
    let mut groups = String::new();
    for number in 0..24 {
        write!(
            groups,
            "\n      <entry index=\"{number}\">\n        <uri-entry>tel:+8257{number:07}</uri-entry>\n        \
             <display-name xml:lang=\"en\">Engine company {number}</display-name>\n      </entry>"
        )
        .expect("a String");
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<mcptt-user-profile xmlns=\"urn:3gpp:mcptt:user-profile:1.0\" \
         xmlns:cp=\"urn:ietf:params:xml:ns:common-policy\" XUI-URI=\"{user}\" user-profile-index=\"0\">\n  \
         <Name xml:lang=\"en\">Alex Kim</Name>\n  <Status>true</Status>\n  \
         <ProfileName xml:lang=\"en\">mcptt-user-profile-0.xml</ProfileName>\n  <Common index=\"0\">\n    \
         <MCPTTUserID index=\"0\">\n      <uri-entry>{user}</uri-entry>\n    </MCPTTUserID>\n    \
         <MCPTT-group-call>\n      <MaxSimultaneousCallsN6>5</MaxSimultaneousCallsN6>\n      <Priority>5</Priority>\n    \
         </MCPTT-group-call>\n    <ParticipantType>First Responder</ParticipantType>\n  </Common>\n  \
         <OnNetwork index=\"0\">\n    <MCPTTGroupInfo index=\"0\">{groups}\n    </MCPTTGroupInfo>\n    \
         <MaxAffiliationsN2>10</MaxAffiliationsN2>\n  </OnNetwork>\n  <cp:ruleset>\n    <cp:rule id=\"r1\">\n      \
         <cp:actions>\n        <allow-private-call>true</allow-private-call>\n        \
         <allow-emergency-group-call>true</allow-emergency-group-call>\n      </cp:actions>\n    </cp:rule>\n  \
         </cp:ruleset>\n</mcptt-user-profile>\n"
    )
}

/// One kind of request, to the document of each user in turn.
struct Case {
    name: &'static str,
    method: &'static str,
    /// What stands behind the path of the document.
    node: &'static str,
    media_type: &'static str,
    body: fn(&str) -> String,
}

const ENTRY: &str = "/~~/mcptt-user-profile/OnNetwork/MCPTTGroupInfo/entry%5b@index=%2212%22%5d/display-name";

const CASES: [Case; 4] = [
    Case { name: "GET document", method: "GET", node: "", media_type: "", body: |_| String::new() },
    Case { name: "GET element", method: "GET", node: ENTRY, media_type: "", body: |_| String::new() },
    Case { name: "PUT document", method: "PUT", node: "", media_type: TYPE, body: profile },
    Case {
        name: "PUT element",
        method: "PUT",
        node: ENTRY,
        media_type: ELEMENT_TYPE,
        body: |_| "<display-name xml:lang=\"en\">Engine company twelve</display-name>".to_owned(),
    },
];

#[allow(clippy::print_stdout, reason = "a benchmark tells what it measured")]
#[tokio::main]
async fn main() {
    let plain = ("CSC_HTTP_PLAIN", "127.0.0.1:0");
    println!("a document of {} octets, {CONNECTIONS} connections", profile(&user(0)).len());
    println!("embedded store");
    measure(Server::start_with(&[plain]).await.expect("there always is one")).await;

    let durable = [("appendonly", "yes"), ("appendfsync", "always")];
    let Some(redis) = Replicated::start("documents on Redis", 1, &durable) else { return };
    println!("Redis with a replica; CPU time without that of the two");
    let address = redis.master.address().to_string();
    let store = [
        ("CSC_STORE_ENGINE", "redis"),
        ("CSC_STORE_TOPOLOGY", "standalone"),
        ("CSC_STORE_ADDRESSES", &address),
    ];
    create(&address).await;
    let settings: Vec<_> = store.into_iter().chain([plain]).collect();
    measure(Server::start_with(&settings).await.expect("Redis is there")).await;
}

/// What `csc store create` does.
async fn create(address: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("store.toml");
    let text =
        format!("[store]\nengine = \"redis\"\ntopology = \"standalone\"\naddresses = [\"{address}\"]\n");
    std::fs::write(&file, text).expect("a writable folder");
    StoreConfig::create(&file).await.expect("an empty Redis");
}

#[allow(clippy::print_stdout, reason = "a benchmark tells what it measured")]
async fn measure(server: Server) {
    server.add_user(ADMINISTRATOR, &["administrator"]).await;
    for number in 0..CONNECTIONS {
        server.add_user((&user(number), "bench-only"), &[]).await;
    }
    let mut administrator = server.ue(ADMINISTRATOR).await;
    for user in (0..CONNECTIONS).map(user) {
        let path = format!("{USAGE}/users/{user}/mcptt-user-profile-0.xml");
        administrator.put(&path, TYPE, profile(&user).into(), None).await.expect("an administrator may");
    }
    let token = server.token(ADMINISTRATOR).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for case in &CASES {
        let script = folder.path().join("requests.lua");
        std::fs::write(&script, requests(case, &token)).expect("a writable folder");
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let before = cpu_micros();
            let requests = wrk(&server, &script).await;
            rounds.push(((cpu_micros() - before) as f64 / requests as f64, requests / SECONDS));
        }
        rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (micros, rate) = rounds[ROUNDS / 2];
        println!("  {:14} {micros:6.1} µs of CPU per request, {rate:6} requests/s", case.name);
    }
    server.stop().await;
}

/// A script for wrk that asks for the document of each user in turn.
fn requests(case: &Case, token: &str) -> String {
    let mut script = String::from("local requests = {}\n");
    for number in 0..CONNECTIONS {
        let user = user(number);
        let target = format!("/{USAGE}/users/{user}/mcptt-user-profile-0.xml{}", case.node);
        let body = (case.body)(&user);
        let media_type = match case.media_type {
            "" => String::new(),
            media_type => format!(", [\"Content-Type\"] = \"{media_type}\""),
        };
        writeln!(
            script,
            "headers{number} = {{ [\"Authorization\"] = \"Bearer {token}\"{media_type} }}\n\
             requests[{number}] = {{ \"{}\", [==[{target}]==], headers{number}, [==[{body}]==] }}",
            case.method
        )
        .expect("a String");
    }
    script
        + "local made, turn = {}, 0\n\
           function init()\n  for number, r in pairs(requests) do\n    local body = r[4]\n    \
           if body == \"\" then body = nil end\n    made[number] = wrk.format(r[1], r[2], r[3], body)\n  end\nend\n\
           function request()\n  turn = turn + 1\n  return made[turn % 8]\nend\n"
}

/// Lets wrk work with `script` for a while. The number of requests that were answered.
async fn wrk(server: &Server, script: &Path) -> usize {
    let url = format!("http://{}", server.plain());
    let mut command = Command::new("wrk");
    command.args(["-t1", &format!("-c{CONNECTIONS}"), &format!("-d{SECONDS}s"), "-s"]).arg(script).arg(url);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic");
    let output = output.expect("wrk is installed (Debian package wrk)");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!said.contains("Non-2xx") && !said.contains("Socket errors"), "{said}");
    let count = said.lines().find_map(|line| line.trim().split_once(" requests in "));
    count.and_then(|(count, _)| count.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}

/// CPU time of this process so far: the server's, since wrk is another process.
fn cpu_micros() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    // Behind the name of the program, which may hold blanks: user and system time are the 14th and 15th fields, in ticks of
    // 10 ms (proc(5)).
    let (_, fields) = stat.rsplit_once(')').expect("the name in brackets");
    let ticks = fields.split_ascii_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<u64>().expect("a number")).sum::<u64>() * 10_000
}
