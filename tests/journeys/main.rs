//! The journeys, as facts, on SQLite and on PostgreSQL.

mod attach;
mod pick_up;
mod refuse_input;
mod retract;
mod send;
