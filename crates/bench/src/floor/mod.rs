//! Floors: what the parts cost on this machine with nothing around them. No server that uses them can be quicker.

pub(crate) mod broadcast;
pub(crate) mod http;
pub(crate) mod mongodb;
pub(crate) mod sqlite;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::scenario::Length;

/// The floors.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Floor {
    /// One document after the other into MongoDB (`w: majority, j: true`).
    InsertOne(MongoArgs),
    /// Many documents at a time into MongoDB (`w: majority, j: true`).
    InsertMany {
        #[command(flatten)]
        mongo: MongoArgs,
        /// Documents at a time.
        #[arg(long, default_value_t = 100)]
        batch: u32,
    },
    /// Rows into SQLite, many in a transaction (`journal_mode=WAL`, `synchronous=FULL`).
    Sqlite {
        /// Directory for the database, which is removed afterwards.
        #[arg(long)]
        dir: PathBuf,
        /// Rows of a transaction.
        #[arg(long, default_value_t = 100)]
        batch: u32,
        #[command(flatten)]
        length: Length,
    },
    /// Serve POST /send with actix-web: read JSON, answer JSON. To be driven with the profile `floor-http`.
    ServeHttp {
        /// 0 for a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// Serve POST /send and WebSockets that get what is sent. To be driven with the profile `floor-broadcast`.
    ServeBroadcast {
        /// 0 for a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
}

/// Where MongoDB is, and how it is driven.
#[derive(Clone, Debug, Args)]
pub(crate) struct MongoArgs {
    /// Such as `mongodb://127.0.0.1:27017/?replicaSet=rs0`.
    #[arg(long)]
    pub(crate) mongodb: String,
    /// How many insert at a time.
    #[arg(long, default_value_t = 64)]
    pub(crate) connections: u32,
    /// Inserts a second, whatever becomes of those before; without it, each begins when the last one is over.
    #[arg(long)]
    pub(crate) rate: Option<u32>,
    #[command(flatten)]
    pub(crate) length: Length,
}
