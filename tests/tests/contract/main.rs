//! The gateway's contract over a socket: every endpoint with its success and its documented errors, and the rules of security in their
//! order. See README.md beside this file.

mod audit;
mod bundles;
mod checks;
mod commands;
mod differences;
mod files;
mod flows;
mod identity;
mod ledger;
mod normal;
mod replay;
mod runs;
mod security;
mod start;
mod startup;
mod stream;
mod target;
