//! What this service decides.

mod generated;
mod template;
mod terminal;
mod user_database;

pub(crate) use generated::{Folder, capabilities, directory, generated};
pub(crate) use template::Template;
pub(crate) use terminal::Terminal;
pub(crate) use user_database::confirm;
pub use user_database::{Local, Unconfirmed, UserDatabase};
