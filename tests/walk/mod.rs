//! The walk of the stranger: every page and every operation, as everybody who is not meant to be there.
//!
//! What would surprise you: nothing is listed here by hand. A new route fails `every_route_has_a_case…` until it has a line in
//! `cases.rs`; a new table is compared without anyone remembering it; and who is answered with what is one reviewed table.

mod callers;
mod cases;
mod compare;
mod headers;
mod looking;
mod matrix;
mod owned;
mod roles;
