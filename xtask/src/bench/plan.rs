//! What is measured: who against whom, which figure of their reports is held against which, and what is to be reached.

use super::figures::{Figure, Goal, Place};

/// Who is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Parlor on MongoDB.
    Parlor,
    /// Parlor on the embedded store.
    ParlorEmbedded,
    /// Parlor on MongoDB, with Socket.IO.
    ParlorSocketIo,
    /// The peer, on MongoDB.
    Peer,
    /// A bare HTTP server.
    Http,
    /// A bare server of WebSockets.
    Broadcast,
    /// Bare inserts into MongoDB.
    MongoDb,
    /// Bare rows into SQLite.
    Sqlite,
}

impl Subject {
    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Parlor => "Parlor on MongoDB",
            Self::ParlorEmbedded => "Parlor, embedded store",
            Self::ParlorSocketIo => "Parlor on MongoDB, Socket.IO",
            Self::Peer => "reference",
            Self::Http => "bare HTTP",
            Self::Broadcast => "bare broadcast",
            Self::MongoDb => "bare MongoDB",
            Self::Sqlite => "bare SQLite",
        }
    }

    /// The generator's profile; none for those that the generator does by itself.
    pub(crate) const fn profile(self) -> Option<&'static str> {
        match self {
            Self::Parlor | Self::ParlorEmbedded => Some("parlor"),
            Self::ParlorSocketIo => Some("parlor-socketio"),
            Self::Peer => Some("node-reference"),
            Self::Http => Some("floor-http"),
            Self::Broadcast => Some("floor-broadcast"),
            Self::MongoDb | Self::Sqlite => None,
        }
    }

    /// Whether it needs a `mongod`.
    pub(crate) const fn needs_mongodb(self) -> bool {
        matches!(self, Self::Parlor | Self::ParlorSocketIo | Self::Peer | Self::MongoDb)
    }
}

/// One run of the generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) subject: Subject,
    /// The generator's command; or `start N`, which starts the server on a store of N messages.
    pub(crate) command: &'static str,
    /// The same in the short form.
    pub(crate) short: &'static str,
    /// Users who sign up before the server is started anew, so that its memory is that of a new one.
    pub(crate) signed_up: u32,
    /// Whether passwords cost what they cost in production; else as little as possible, to get on.
    pub(crate) real_passwords: bool,
}

impl Run {
    /// Whether another run is the same in the short form.
    pub(crate) fn is_same_in_short(&self, other: &Self) -> bool {
        let what = |run: &Self| (run.subject, run.short, run.signed_up, run.real_passwords);
        what(self) == what(other)
    }
}

/// Runs that belong together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Experiment {
    pub(crate) name: &'static str,
    /// What it is held against; without it, the goals are absolute.
    pub(crate) base: Option<Run>,
    pub(crate) run: Run,
    pub(crate) figures: &'static [Figure],
}

const fn run(subject: Subject, command: &'static str, short: &'static str) -> Run {
    Run { subject, command, short, signed_up: 0, real_passwords: false }
}

const fn with_passwords(run: Run) -> Run {
    Run { real_passwords: true, ..run }
}

const fn on_a_new_server(run: Run, signed_up: u32) -> Run {
    Run { signed_up, ..run }
}

const SEND: &str = "send --connections 64 --seconds 10 --warm-up 3";
const SEND_SHORT: &str = "send --connections 8 --seconds 1 --warm-up 0";
const PACED: &str = "fanout --listeners 1 --rate 200 --seconds 15 --warm-up 3";
const PACED_SHORT: &str = "fanout --listeners 1 --rate 50 --seconds 1 --warm-up 0";
// Long enough that a hundredth of a second, to which CPU time is told, is a small part of it.
const MANY: &str = "fanout --listeners 1000 --rate 20 --seconds 30 --warm-up 3";
const MANY_SHORT: &str = "fanout --listeners 50 --rate 10 --seconds 1 --warm-up 0";
const IDLE: &str = "--sources 4 idle --connections 10000 --per-user 10 --seconds 50";
const IDLE_SHORT: &str = "--sources 4 idle --connections 200 --per-user 10 --seconds 1";
const PRESENCE: &str = "presence --users 1000 --per-second 100";
const PRESENCE_SHORT: &str = "presence --users 50 --per-second 50 --contacts 4";
const MIXED: &str = "mixed --rate 100 --logins 8 --seconds 20";
const MIXED_SHORT: &str = "mixed --connections 4 --rate 20 --logins 2 --seconds 1 --warm-up 0";
const PAGES: &str = "history --limit 50 --messages 1000";
const LONG_PAGES: &str = "history --limit 1000 --messages 2000 --connections 4";
const LONG_PAGES_SHORT: &str = "history --limit 1000 --messages 1000 --connections 2 --seconds 1 --warm-up 0";
const PAGES_SHORT: &str = "history --limit 50 --messages 100 --connections 2 --seconds 1 --warm-up 0";

/// What is stored by REST, and what it costs.
const SENDS: &[Figure] = &[
    Figure::same("1", "stored sends/s", Place::Figure("sends/s"), Goal::AtLeast(15.0)),
    Figure::same(
        "2",
        "server CPU s per 1,000 sends",
        Place::Figure("server CPU s per 1,000 sends"),
        Goal::AtMost(0.05),
    ),
    Figure::same(
        "3",
        "mongod CPU s per 1,000 sends",
        Place::Figure("database CPU s per 1,000 sends"),
        Goal::AtMost(0.25),
    ),
];
const DELIVERY_CPU: Place = Place::Figure("server CPU s per 1,000 deliveries");
const SOCKET_BYTES: Place = Place::Figure("server resident bytes per socket");

/// Everything, in the order of the figures.
pub(crate) const PLAN: &[Experiment] = &[
    Experiment {
        name: "send",
        base: Some(run(Subject::Peer, SEND, SEND_SHORT)),
        run: run(Subject::Parlor, SEND, SEND_SHORT),
        figures: SENDS,
    },
    Experiment {
        name: "send-128",
        base: Some(run(Subject::Peer, "send --connections 128", SEND_SHORT)),
        run: run(Subject::Parlor, "send --connections 128", SEND_SHORT),
        figures: SENDS,
    },
    Experiment {
        name: "send-bare-http",
        base: Some(run(Subject::Http, SEND, SEND_SHORT)),
        run: run(Subject::Parlor, SEND, SEND_SHORT),
        figures: &[Figure::same(
            "2",
            "server CPU s per 1,000 sends",
            Place::Figure("server CPU s per 1,000 sends"),
            Goal::None,
        )],
    },
    Experiment {
        name: "send-bare-insert-many",
        base: Some(run(
            Subject::MongoDb,
            "floor insert-many --connections 4 --batch 100",
            "floor insert-many --connections 2 --batch 10 --seconds 1 --warm-up 0",
        )),
        run: run(Subject::Parlor, SEND, SEND_SHORT),
        figures: &[Figure {
            number: "3",
            what: "mongod CPU s per 1,000 messages",
            base: Place::Figure("database CPU s per 1,000 documents"),
            run: Place::Figure("database CPU s per 1,000 sends"),
            goal: Goal::None,
        }],
    },
    Experiment {
        name: "send-embedded",
        base: Some(run(Subject::Parlor, SEND, SEND_SHORT)),
        run: run(Subject::ParlorEmbedded, SEND, SEND_SHORT),
        figures: &[Figure::same("4", "stored sends/s", Place::Figure("sends/s"), Goal::AtLeast(2.0))],
    },
    Experiment {
        name: "send-bare-sqlite",
        base: Some(run(Subject::Sqlite, "floor sqlite --dir .", "floor sqlite --dir . --seconds 1 --warm-up 0")),
        run: run(Subject::ParlorEmbedded, SEND, SEND_SHORT),
        figures: &[Figure {
            number: "4",
            what: "stored messages/s",
            base: Place::Figure("rows/s"),
            run: Place::Figure("sends/s"),
            goal: Goal::None,
        }],
    },
    Experiment {
        name: "delivery-bare-insert",
        base: Some(run(
            Subject::MongoDb,
            "floor insert-one --connections 8 --rate 200 --seconds 15 --warm-up 3",
            "floor insert-one --connections 8 --rate 50 --seconds 1 --warm-up 0",
        )),
        run: run(Subject::Parlor, PACED, PACED_SHORT),
        figures: &[
            Figure {
                number: "5",
                what: "send to delivery, p50 in ms",
                base: Place::P50("inserts"),
                run: Place::P50("deliveries"),
                goal: Goal::AtMost(2.0),
            },
            Figure {
                number: "5",
                what: "send to delivery, p99 in ms",
                base: Place::P99("inserts"),
                run: Place::P99("deliveries"),
                goal: Goal::AtMost(5.0),
            },
        ],
    },
    Experiment {
        name: "delivery",
        base: Some(run(Subject::Peer, PACED, PACED_SHORT)),
        run: run(Subject::Parlor, PACED, PACED_SHORT),
        figures: &[Figure::same("5", "send to delivery, p99 in ms", Place::P99("deliveries"), Goal::AtMost(0.1))],
    },
    Experiment {
        name: "fanout-bare",
        base: Some(run(Subject::Broadcast, MANY, MANY_SHORT)),
        run: run(Subject::Parlor, MANY, MANY_SHORT),
        figures: &[Figure::same("6", "server CPU s per 1,000 deliveries", DELIVERY_CPU, Goal::AtMost(1.25))],
    },
    Experiment {
        name: "fanout",
        base: Some(run(Subject::Peer, MANY, MANY_SHORT)),
        run: run(Subject::Parlor, MANY, MANY_SHORT),
        figures: &[Figure::same("6", "server CPU s per 1,000 deliveries", DELIVERY_CPU, Goal::AtMost(0.2))],
    },
    Experiment {
        name: "fanout-socketio",
        base: Some(run(Subject::Peer, MANY, MANY_SHORT)),
        run: run(Subject::ParlorSocketIo, MANY, MANY_SHORT),
        figures: &[Figure::same("6", "server CPU s per 1,000 deliveries, Socket.IO", DELIVERY_CPU, Goal::AtMost(0.2))],
    },
    Experiment {
        name: "idle",
        base: Some(on_a_new_server(run(Subject::Peer, IDLE, IDLE_SHORT), 1000)),
        run: on_a_new_server(run(Subject::Parlor, IDLE, IDLE_SHORT), 1000),
        figures: &[
            Figure::same("7", "bytes per idle connection", SOCKET_BYTES, Goal::Absolute(8192.0)),
            Figure::same("8", "cores at rest", Place::Figure("server cores at rest"), Goal::AtMost(0.25)),
        ],
    },
    Experiment {
        name: "idle-socketio",
        base: Some(on_a_new_server(run(Subject::Peer, IDLE, IDLE_SHORT), 1000)),
        run: on_a_new_server(run(Subject::ParlorSocketIo, IDLE, IDLE_SHORT), 1000),
        figures: &[
            Figure::same("7", "bytes per idle connection", SOCKET_BYTES, Goal::Absolute(8192.0)),
            Figure::same("8", "cores at rest", Place::Figure("server cores at rest"), Goal::AtMost(0.25)),
        ],
    },
    Experiment {
        name: "presence",
        base: Some(run(Subject::Peer, PRESENCE, PRESENCE_SHORT)),
        run: run(Subject::Parlor, PRESENCE, PRESENCE_SHORT),
        figures: &[Figure::same("9", "bytes pushed", Place::Count("bytes pushed"), Goal::AtMost(0.02))],
    },
    Experiment {
        name: "history",
        base: Some(run(Subject::Peer, PAGES, PAGES_SHORT)),
        run: run(Subject::Parlor, PAGES, PAGES_SHORT),
        figures: &[Figure::same(
            "10",
            "server CPU s per 1,000 pages of 50",
            Place::Figure("server CPU s per 1,000 pages"),
            Goal::AtMost(1.0 / 15.0),
        )],
    },
    Experiment {
        name: "history-1000",
        base: Some(run(Subject::Peer, LONG_PAGES, LONG_PAGES_SHORT)),
        run: run(Subject::Parlor, LONG_PAGES, LONG_PAGES_SHORT),
        figures: &[Figure::same(
            "10",
            "server CPU s per 1,000 pages of 1,000",
            Place::Figure("server CPU s per 1,000 pages"),
            Goal::AtMost(1.0 / 15.0),
        )],
    },
    Experiment {
        name: "history-growth",
        base: Some(run(Subject::Parlor, PAGES, PAGES_SHORT)),
        run: run(
            Subject::Parlor,
            "history --limit 50 --messages 100000",
            "history --limit 50 --messages 500 --seconds 1",
        ),
        figures: &[Figure::same(
            "10",
            "server CPU s per 1,000 pages, 100 × the messages",
            Place::Figure("server CPU s per 1,000 pages"),
            Goal::AtMost(1.1),
        )],
    },
    Experiment {
        name: "mixed",
        base: Some(with_passwords(run(Subject::Peer, MIXED, MIXED_SHORT))),
        run: with_passwords(run(Subject::Parlor, MIXED, MIXED_SHORT)),
        figures: &[Figure::same(
            "11",
            "p99 of sends beside logins / alone",
            Place::Figure("p99 of sends beside logins / alone"),
            Goal::Absolute(2.0),
        )],
    },
    Experiment {
        name: "start",
        base: Some(run(Subject::Peer, "start 0", "start 0")),
        run: run(Subject::ParlorEmbedded, "start 1000000", "start 1000"),
        figures: &[
            Figure::same("12", "resident bytes at start", Place::Figure("server resident bytes"), Goal::Absolute(20e6)),
            Figure::same("12", "seconds from start to ready", Place::Figure("seconds to ready"), Goal::Absolute(0.15)),
        ],
    },
    Experiment {
        name: "resume",
        base: None,
        run: run(
            Subject::Parlor,
            "--sources 4 resume --clients 10000 --per-user 10 --gap 10 --seconds 15",
            "--sources 4 resume --clients 100 --per-user 10 --gap 5 --seconds 2 --warm-up 0",
        ),
        figures: &[
            Figure::same(
                "13",
                "seconds until all have caught up",
                Place::Figure("seconds until all have caught up"),
                Goal::Absolute(10.0),
            ),
            Figure::same(
                "13",
                "p99 of others until all have caught up / before",
                Place::Figure("p99 of others until all have caught up / before"),
                Goal::Absolute(2.0),
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn experiments_are_named_once() {
        let names: BTreeSet<_> = PLAN.iter().map(|experiment| experiment.name).collect();
        assert_eq!(names.len(), PLAN.len());
    }

    #[test]
    fn nothing_is_relative_without_a_base() {
        for experiment in PLAN.iter().filter(|experiment| experiment.base.is_none()) {
            let absolute = |figure: &Figure| matches!(figure.goal, Goal::Absolute(_) | Goal::None);
            assert!(experiment.figures.iter().all(absolute), "{}", experiment.name);
        }
    }
}
