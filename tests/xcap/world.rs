//! A running installation and what the checks need of it.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use csc_tests::raw::{Answer, Connection};
use csc_tests::{Client, Cluster, Server};
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::call::Call;
use crate::check::Where;
use crate::documents::TEST_APP;
use crate::people::{self, Person};

/// What every installation is started with: the usage that has no schema, and the XCAP root of an organisation.
const COMMON: [(&str, &str); 2] =
    [("CSC_XCAP_TEST_APP", "true"), ("CSC_XCAP_ROOTS", "/MissionCriticalOrg/MCO-12345/ = city-fire")];
/// What opens everything that is closed by default; the dialect also needs a key.
const OPEN: [(&str, &str); 3] = [
    ("CSC_XCAP_OPEN_PROFILES", "true"),
    ("CSC_XCAP_TRUSTED_ADDRESSES", "127.0.0.1"),
    ("CSC_GLMS_ENABLED", "true"),
];

/// A bound for what must come about; only a failure takes that long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long a connection may lie idle and still be used: far less than servers keep one.
const FRESH: Duration = Duration::from_secs(5);

/// How an installation is laid out and set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// One process, the settings as they come.
    Embedded,
    /// One process, everything open.
    EmbeddedOpen,
    /// Processes of their own on Redis, everything open.
    Redis,
}

impl Layout {
    /// Whether a check that makes sense at `place` runs here.
    pub(crate) fn suits(self, place: Where) -> bool {
        match place {
            Where::Everywhere => self != Self::EmbeddedOpen,
            Where::Plain => self == Self::Embedded,
            Where::Open => self != Self::Embedded,
            Where::Alone => self == Self::Redis,
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Embedded => "in one process",
            Self::EmbeddedOpen => "in one process, everything open",
            Self::Redis => "on Redis",
        })
    }
}

/// A running installation as one check sees it.
pub(crate) struct World {
    installation: Arc<Installation>,
    /// Where the check may have left documents of Kim's: users may not keep any number of them.
    used: std::sync::Mutex<Vec<String>>,
    /// Whether an answer was 503.
    refused: AtomicBool,
}

/// A running installation.
pub(crate) struct Installation {
    client: Client,
    running: Running,
    tokens: Mutex<HashMap<String, String>>,
    idle: Mutex<Vec<(Instant, Connection)>>,
    next: AtomicU32,
    /// Holds what settings name.
    _folder: TempDir,
}

enum Running {
    One(Box<Server>),
    Many(Box<Mutex<Cluster>>),
}

impl Installation {
    /// Starts one, with everybody in it; `None`, which is reported, where that is not possible.
    pub(crate) async fn start(layout: Layout) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = folder.path().join("glms.key");
        let mut file = std::fs::OpenOptions::new();
        let mut file = file.create_new(true).write(true).mode(0o600).open(&key).expect("a writable folder");
        file.write_all("6b".repeat(32).as_bytes()).expect("a writable folder");
        let key = key.display().to_string();
        let mut settings = COMMON.to_vec();
        if layout != Layout::Embedded {
            settings.extend(OPEN);
            settings.push(("CSC_GLMS_KEY_FILE", &key));
        }
        let (client, running) = match layout {
            Layout::Embedded | Layout::EmbeddedOpen => {
                let server = Server::start_with(&settings).await?;
                ((*server).clone(), Running::One(Box::new(server)))
            }
            Layout::Redis => {
                let cluster = Cluster::start_with(&settings).await?;
                ((*cluster).clone(), Running::Many(Box::new(Mutex::new(cluster))))
            }
        };
        people::create(&client).await;
        let (tokens, idle) = (Mutex::default(), Mutex::default());
        Some(Self { client, running, tokens, idle, next: AtomicU32::new(0), _folder: folder })
    }

    /// Stops it.
    pub(crate) async fn stop(self) {
        match self.running {
            Running::One(server) => server.stop().await,
            Running::Many(cluster) => cluster.into_inner().stop().await,
        }
    }
}

impl World {
    /// For a new check.
    pub(crate) fn of(installation: Arc<Installation>) -> Self {
        Self { installation, used: std::sync::Mutex::default(), refused: AtomicBool::new(false) }
    }

    /// Whether a server has said that it could not answer now: what the check found then says nothing about the promise.
    pub(crate) fn was_unavailable(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until documents are served again, for as long as that may take.
    pub(crate) async fn recovers(&self) {
        let end = Instant::now() + PATIENCE;
        let path = format!("/org.openmobilealliance.xcap-directory/users/{0}/directory.xml", people::ALEX.0);
        while Instant::now() < end && self.call(people::ALEX, "GET", path.clone()).send().await.status != 200
        {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sees to it that there is no such document.
    pub(crate) async fn absent(&self, who: Person, target: &str) {
        self.call(who, "DELETE", target).is_one_of(&[200, 404]).await;
    }

    /// Removes what the check has left.
    pub(crate) async fn tidy(&self) {
        let used = std::mem::take(&mut *self.used.lock().expect("nobody panics with it"));
        for path in used {
            self.call(people::KIM, "DELETE", path).send().await;
        }
    }

    /// Where no document of Kim's is, in the usage without a schema.
    pub(crate) fn free_path(&self) -> String {
        let path = format!("/{TEST_APP}/users/{}/d{}.xml", people::KIM.0, self.number());
        self.used.lock().expect("nobody panics with it").push(path.clone());
        path
    }

    /// How it is reached.
    pub(crate) fn client(&self) -> &Client {
        &self.installation.client
    }

    /// Its processes, where they can be stopped one by one.
    pub(crate) async fn cluster(&self) -> tokio::sync::MutexGuard<'_, Cluster> {
        match &self.installation.running {
            Running::Many(cluster) => cluster.lock().await,
            Running::One(_) => panic!("this check needs processes of their own"),
        }
    }

    /// A number that nobody had before.
    pub(crate) fn number(&self) -> u32 {
        self.installation.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The access token of `who`, who logs in once.
    pub(crate) async fn token(&self, who: (&str, &str)) -> String {
        // Held during the login: whoever comes second waits for it instead of logging in, too.
        let mut tokens = self.installation.tokens.lock().await;
        if let Some(token) = tokens.get(who.0) {
            return token.clone();
        }
        let token = self.client().token(who).await;
        tokens.insert(who.0.to_owned(), token.clone());
        token
    }

    /// Lets `who` log in again next time.
    pub(crate) async fn forget(&self, who: Person) {
        self.installation.tokens.lock().await.remove(who.0);
    }

    /// A request of `who`; `target` begins with a slash.
    pub(crate) fn call<'w>(
        &'w self,
        who: Person,
        method: &'static str,
        target: impl Into<String>,
    ) -> Call<'w> {
        Call::new(self, Some(who), method, target.into())
    }

    /// A request of nobody in particular.
    pub(crate) fn anonymous<'w>(&'w self, method: &'static str, target: impl Into<String>) -> Call<'w> {
        Call::new(self, None, method, target.into())
    }

    /// Waits until `found` finds what `what` says.
    pub(crate) async fn until<T>(&self, what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(it) = found().await {
                return it;
            }
            assert!(Instant::now() < end, "it did not come about: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Sends `request` on a connection that has been used before, if there is one, or on a new one.
    pub(crate) async fn exchange(&self, request: &[u8]) -> Answer {
        let kept = self.installation.idle.lock().await.pop().filter(|(since, _)| since.elapsed() < FRESH);
        let mut connection = match kept {
            Some((_, connection)) => connection,
            None => Connection::open(self.client().https(), &self.client().site().ca()).await,
        };
        let answer = connection.exchange(request).await;
        if answer.status == 503 {
            self.refused.store(true, Ordering::Relaxed);
        }
        if answer.header("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.installation.idle.lock().await.push((Instant::now(), connection));
        }
        answer
    }
}
