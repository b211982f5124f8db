//! Facts about client certificates. Certificates are made by openssl and not by what reads them.

mod bad;
mod lists;
mod own;
mod sound;
mod town;
mod upload;
mod whose;
mod workshop;
