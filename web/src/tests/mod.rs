//! Facts about the pages: each walks in through the routes, as a browser would, in a town of its own.

mod accounts;
mod frame;
mod pickup;
mod pickup_files;
mod pickup_gesture;
mod step_up;
pub mod town;
