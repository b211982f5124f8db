//! Bad input: a sentence by the field (page) or problem+json with a pointer (API), the typed text still there, nothing half-done.

mod disk;
mod ended;
mod letters;
mod relay;
mod typed;
mod uploads;
