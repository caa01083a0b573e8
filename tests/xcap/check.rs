//! A check, and the list of all.

use std::pin::Pin;
use std::sync::Arc;

use crate::world::World;

/// Where a check makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Where {
    /// In every installation.
    Everywhere,
    /// Where nobody is trusted to name a user, and dialects are off: the settings as they come.
    Plain,
    /// Where local addresses are trusted proxies, and every dialect and setting that opens something is on.
    Open,
    /// Where the services can be stopped one by one. Such a check has the installation for itself.
    Alone,
}

/// A check that goes on.
pub(crate) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// What is known of one clause of a line.
pub(crate) struct Check {
    /// The line.
    pub(crate) id: &'static str,
    /// What is checked; begins with the id.
    pub(crate) name: &'static str,
    /// Where it makes sense.
    pub(crate) place: Where,
    /// Panics if the clause does not hold.
    pub(crate) run: fn(Arc<World>) -> Running,
}

/// The checks of a module: id, place, function.
macro_rules! checks {
    ($($id:literal $place:ident $name:ident;)*) => {
        pub(crate) const CHECKS: &[crate::check::Check] = &[$(
            crate::check::Check {
                id: $id,
                name: stringify!($name),
                place: crate::check::Where::$place,
                run: |world| Box::pin($name(world)),
            },
        )*];
    };
}
pub(crate) use checks;

/// All checks.
pub(crate) fn all() -> Vec<&'static Check> {
    [
        crate::target::CHECKS,
        crate::read::CHECKS,
        crate::put::CHECKS,
        crate::insert::CHECKS,
        crate::bodies::CHECKS,
        crate::parallel::CHECKS,
        crate::generated::CHECKS,
        crate::limits::CHECKS,
        crate::groups::CHECKS,
        crate::members::CHECKS,
        crate::cms::CHECKS,
        crate::before_login::CHECKS,
        crate::glms::CHECKS,
        crate::rcs::CHECKS,
        crate::examples::CHECKS,
        crate::mutants::CHECKS,
    ]
    .into_iter()
    .flatten()
    .collect()
}
