//! `*.cache_stats` and `*.clear_caches`: what each service keeps.

use std::collections::BTreeMap;

use super::object::reply;
use super::{Call, Nothing, Stop};
use crate::configure::{Wanted, jobs};
use crate::tally::{Row, Service, Share};

reply! {
    /// What one cache holds and how often that was of use.
    Cache {
        /// how many things it holds
        entries: u64,
        /// their size
        bytes: u64,
        /// hits and misses since the engine is warm; missing when it is not
        since_start: Option<Share>,
        /// hits and misses of the last build; missing when none is recorded
        last_build: Option<Share>,
    }
}

reply! {
    /// What a service keeps.
    Table {
        /// what it keeps, by cache
        caches: BTreeMap<String, Cache>,
        /// how many processes of a build may run at once
        workers: u64,
    }
}

reply! {
    /// What was forgotten.
    Cleared {
        /// that it was
        success: bool,
        /// files and folders that were removed, from the root
        removed: Vec<String>,
        /// entries removed from the shared cache
        shared_entries: u64,
        /// their bytes
        shared_bytes: u64,
    }
}

/// The rows of `service`, by cache.
pub(super) fn caches(rows: &[Row], service: Service) -> BTreeMap<String, Cache> {
    let cache = |row: &Row| Cache {
        entries: row.entries,
        bytes: row.bytes,
        since_start: row.since_start,
        last_build: row.last_build,
    };
    let its = rows.iter().filter(|row| row.service == service);
    its.map(|row| (row.cache.name().to_owned(), cache(row))).collect()
}

fn stats(call: &mut Call<'_>, service: Service) -> Result<Table, Stop> {
    let stats = call.engine.stats(call.on_event)?;
    let workers = jobs(&call.engine.look()?.manifest, &Wanted::default());
    Ok(Table { caches: caches(&stats.caches, service), workers: workers as u64 })
}

/// What discovery keeps.
pub(super) fn discovery_stats(call: &mut Call<'_>, _: Nothing) -> Result<Table, Stop> {
    stats(call, Service::Discovery)
}

/// What setup keeps.
pub(super) fn setup_stats(call: &mut Call<'_>, _: Nothing) -> Result<Table, Stop> {
    stats(call, Service::Setup)
}

/// What compilation keeps.
pub(super) fn compilation_stats(call: &mut Call<'_>, _: Nothing) -> Result<Table, Stop> {
    stats(call, Service::Compilation)
}

fn clear(call: &mut Call<'_>, service: Service) -> Result<Cleared, Stop> {
    let cleaned = call.engine.clear(Some(service), call.cancel, call.on_event)?;
    let shared = cleaned.cache.unwrap_or_default();
    Ok(Cleared {
        success: true,
        removed: cleaned.removed,
        shared_entries: shared.removed,
        shared_bytes: shared.freed,
    })
}

/// Forgets what discovery keeps.
pub(super) fn clear_discovery(call: &mut Call<'_>, _: Nothing) -> Result<Cleared, Stop> {
    clear(call, Service::Discovery)
}

/// Forgets what setup keeps.
pub(super) fn clear_setup(call: &mut Call<'_>, _: Nothing) -> Result<Cleared, Stop> {
    clear(call, Service::Setup)
}

/// Forgets what compilation keeps.
pub(super) fn clear_compilation(call: &mut Call<'_>, _: Nothing) -> Result<Cleared, Stop> {
    clear(call, Service::Compilation)
}
