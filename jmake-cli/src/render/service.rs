//! How a daemon is, as text for people.

use std::fmt::Write;
use std::time::Duration;

use jmake_core::held::Noticing;
use jmake_core::manifest::{show_duration, show_size};

use super::facts::count;
use crate::client::control::Told;

/// What `told` says.
pub fn text(told: &Told) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "{name:<13} {}", value.replace('\n', "\n              "));
    };
    row("project", &told.root);
    match &told.daemon {
        Some(daemon) => {
            row("daemon", &format!("running, process id {}, version {}", daemon.pid, daemon.version));
            row("since", &format!("{} ago", seconds(daemon.uptime)));
            row("ends after", &format!("{} without work", seconds(daemon.idle_timeout)));
            row("requests", &daemon.requests.to_string());
            row("builds", &daemon.builds.to_string());
            // Whoever asks this is one of them.
            row("clients", &daemon.clients.saturating_sub(1).to_string());
            if let Some(holder) = &daemon.building {
                row("working on", &format!("{holder} ({} more waiting)", daemon.waiting));
            }
            row("changes", &noticed(&daemon.noticing));
            if daemon.ahead != Default::default() {
                let ahead = &daemon.ahead;
                let counts =
                    [(ahead.prepared, "built"), (ahead.used, "asked for"), (ahead.in_vain, "in vain")];
                let words: Vec<_> = counts.iter().map(|(count, what)| format!("{count} {what}")).collect();
                row("ahead", &words.join(", "));
            }
            if let Some(bytes) = daemon.memory {
                row("memory", &show_size(bytes));
            }
        }
        None => row("daemon", "not running"),
    }
    for (name, why) in
        [("trouble", &told.trouble), ("not used", &told.off), ("last without", &told.last_without)]
    {
        if let Some(why) = why {
            row(name, why);
        }
    }
    if let Some(log) = &told.log {
        row("log", log);
    }
    if let Some(lines) = &told.died {
        row("died", &format!("the one before ended without a word; its last lines:\n{}", lines.join("\n")));
    }
    text
}

/// How changes come to be known.
fn noticed(noticing: &Noticing) -> String {
    match noticing {
        Noticing { scanning: Some(why), .. } => format!("looked for in every build: {why}"),
        Noticing { folders: 0, .. } => "looked for in the next build".to_owned(),
        Noticing { folders, .. } => format!("watched for in {}", count(*folders, "folder", "folders")),
    }
}

/// A number of seconds, in the largest unit that says it whole.
fn seconds(seconds: f64) -> String {
    match seconds as u64 {
        0 => "0s".to_owned(),
        whole => show_duration(Duration::from_secs(whole)),
    }
}
