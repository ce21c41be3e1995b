//! The gateway's contract over a socket: every endpoint with its success and its documented errors, and the rules of security in their
//! order. See README.md beside this file.

mod artifacts;
mod audit;
mod bundles;
mod checks;
mod commands;
mod deprecate;
mod differences;
mod discovery;
mod files;
mod flows;
mod history;
mod identity;
mod ledger;
mod normal;
mod operator;
mod replay;
mod runs;
mod schedule;
mod security;
mod start;
mod startup;
mod stream;
mod tail;
mod target;
