//! Node selectors and edits over documents and selectors made at random: the laws of RFC 4825, and what lxml says.

mod case;
mod document;
mod laws;
mod lxml;
mod random;
