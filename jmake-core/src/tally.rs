//! How often what was kept could be used: hits and misses, by cache and service.
//!
//! A *hit* is a thing that was needed and was known: a tool's answer, a file's place and facts, a
//! configuration, a unit's IR, a library.  A *miss* is one that had to be found out or made.  Each
//! build carries its own [`Counts`]; a [`Tally`] adds up those of all requests to one warm engine.
//! How many things are kept now, and how large they are, is asked when someone wants to know.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// The parts of jmake under the names of the first jmake's services that keep something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// What lies in a project, and the tools.
    Discovery,
    /// What a project says.
    Setup,
    /// What is made of it.
    Compilation,
}

impl Service {
    /// Its name in methods and tables.
    pub fn name(self) -> &'static str {
        match self {
            Service::Discovery => "discovery",
            Service::Setup => "setup",
            Service::Compilation => "compilation",
        }
    }
}

/// A kind of thing that is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cache {
    /// What the programs of the toolchain have answered.
    Tools,
    /// Which files there are, and what each is.
    FileScans,
    /// What the text of each file includes.
    IncludeGraphs,
    /// Files of machine code.
    Binaries,
    /// Settings, and the build that was configured from them.
    Configuration,
    /// What fresh projects begin as.
    Templates,
    /// What each unit was compiled to.
    Ir,
    /// Libraries, archives and programs.
    Libraries,
}

impl Cache {
    /// All of them, in the order of tables.
    pub const ALL: [Cache; 8] = [
        Cache::Tools,
        Cache::FileScans,
        Cache::IncludeGraphs,
        Cache::Binaries,
        Cache::Configuration,
        Cache::Templates,
        Cache::Ir,
        Cache::Libraries,
    ];

    /// The service it belongs to.
    pub fn service(self) -> Service {
        match self {
            Cache::Tools | Cache::FileScans | Cache::IncludeGraphs | Cache::Binaries => Service::Discovery,
            Cache::Configuration | Cache::Templates => Service::Setup,
            Cache::Ir | Cache::Libraries => Service::Compilation,
        }
    }

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Cache::Tools => "tools",
            Cache::FileScans => "file_scans",
            Cache::IncludeGraphs => "include_graphs",
            Cache::Binaries => "binaries",
            Cache::Configuration => "configuration",
            Cache::Templates => "templates",
            Cache::Ir => "ir",
            Cache::Libraries => "libraries",
        }
    }
}

/// How often something was known when it was needed, and how often not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Count {
    /// It was known.
    pub hits: u64,
    /// It had to be found out or made.
    pub misses: u64,
}

impl Count {
    /// `hits` and `misses`.
    pub fn of(hits: usize, misses: usize) -> Count {
        Count { hits: hits as u64, misses: misses as u64 }
    }

    /// How many were needed.
    pub fn total(self) -> u64 {
        self.hits + self.misses
    }

    /// The part of hits, from 0 to 1; `None` when nothing was needed.
    pub fn rate(self) -> Option<f64> {
        (self.total() > 0).then(|| self.hits as f64 / self.total() as f64)
    }
}

/// Hits and misses by cache; what is not mentioned was not needed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counts(BTreeMap<Cache, Count>);

impl Counts {
    /// Whether nothing was needed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of `cache`.
    pub fn of(&self, cache: Cache) -> Count {
        self.0.get(&cache).copied().unwrap_or_default()
    }

    /// The same with `count` more of `cache`.
    #[must_use]
    pub fn with(mut self, cache: Cache, count: Count) -> Counts {
        self.count(cache, count);
        self
    }

    /// Adds `count` to those of `cache`.
    pub fn count(&mut self, cache: Cache, count: Count) {
        if count.total() > 0 {
            let known = self.0.entry(cache).or_default();
            known.hits += count.hits;
            known.misses += count.misses;
        }
    }

    /// Adds all of `other`.
    pub fn add(&mut self, other: &Counts) {
        for (cache, count) in &other.0 {
            self.count(*cache, *count);
        }
    }

    /// The counts of a build that needs the same and knows all of it.
    #[must_use]
    pub fn known(self) -> Counts {
        let hit = |(cache, count): (Cache, Count)| (cache, Count { hits: count.total(), misses: 0 });
        Counts(self.0.into_iter().map(hit).collect())
    }
}

/// What all requests to one warm engine add up to.
pub struct Tally {
    start: Instant,
    sum: Mutex<Sum>,
}

/// What a [`Tally`] holds at one moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sum {
    /// Requests, of every kind.
    pub requests: u64,
    /// Those among them that built.
    pub builds: u64,
    /// Hits and misses of all requests.
    pub counts: Counts,
    /// Those of the last build.
    pub last_build: Option<Counts>,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally::new()
    }
}

impl Tally {
    /// Nothing yet; time begins.
    pub fn new() -> Tally {
        Tally { start: Instant::now(), sum: Mutex::default() }
    }

    /// Notes that there was a request.
    pub fn request(&self) {
        self.lock().requests += 1;
    }

    /// Adds what a request needed.
    pub fn add(&self, counts: &Counts) {
        self.lock().counts.add(counts);
    }

    /// Adds what a build needed.
    pub fn built(&self, counts: &Counts) {
        let mut sum = self.lock();
        sum.builds += 1;
        sum.counts.add(counts);
        sum.last_build = Some(counts.clone());
    }

    /// What it all adds up to.
    pub fn sum(&self) -> Sum {
        self.lock().clone()
    }

    /// How long it has been counting.
    pub fn age(&self) -> Duration {
        self.start.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, Sum> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One line of the table: a cache, what it holds, and how often that was of use.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Row {
    /// The service.
    pub service: Service,
    /// The cache.
    pub cache: Cache,
    /// How many things it holds.
    pub entries: u64,
    /// Their size.
    pub bytes: u64,
    /// Since the engine is warm; missing when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_start: Option<Share>,
    /// In the last build; missing when none is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_build: Option<Share>,
}

/// A [`Count`] and its rate.
#[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Share {
    /// It was known.
    pub hits: u64,
    /// It had to be found out or made.
    pub misses: u64,
    /// The part of hits, from 0 to 1; `None` when nothing was needed.
    pub hit_rate: Option<f64>,
}

impl From<Count> for Share {
    fn from(count: Count) -> Share {
        Share { hits: count.hits, misses: count.misses, hit_rate: count.rate() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cache_has_a_row_and_a_service() {
        let services: Vec<_> = Cache::ALL.iter().map(|cache| cache.service()).collect();
        assert!(services.is_sorted(), "tables are in the order of services");
        for cache in Cache::ALL {
            assert_eq!(serde_json::to_value(cache).unwrap(), cache.name());
            assert_eq!(serde_json::to_value(cache.service()).unwrap(), cache.service().name());
        }
    }

    #[test]
    fn counts_add_up_and_rates_follow() {
        let mut counts =
            Counts::default().with(Cache::Ir, Count::of(3, 1)).with(Cache::Tools, Count::of(0, 0));
        assert_eq!(counts.of(Cache::Ir).rate(), Some(0.75));
        assert_eq!((counts.of(Cache::Tools).rate(), counts.of(Cache::Binaries).rate()), (None, None));
        counts
            .add(&Counts::default().with(Cache::Ir, Count::of(0, 4)).with(Cache::Libraries, Count::of(1, 0)));
        assert_eq!(counts.of(Cache::Ir), Count { hits: 3, misses: 5 });
        assert_eq!(counts.of(Cache::Libraries), Count { hits: 1, misses: 0 });
        let known = counts.clone().known();
        assert_eq!(known.of(Cache::Ir), Count { hits: 8, misses: 0 });
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(text, r#"{"ir":{"hits":3,"misses":5},"libraries":{"hits":1,"misses":0}}"#);
        assert_eq!(serde_json::from_str::<Counts>(&text).unwrap(), counts);
    }

    #[test]
    fn a_tally_keeps_the_sum_and_the_last_build() {
        let tally = Tally::new();
        assert_eq!(tally.sum(), Sum::default());
        let cold = Counts::default().with(Cache::Ir, Count::of(0, 5));
        let warm = Counts::default().with(Cache::Ir, Count::of(4, 1));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..100).for_each(|_| tally.request()));
            }
        });
        tally.built(&cold);
        tally.add(&Counts::default().with(Cache::Tools, Count::of(2, 0)));
        tally.built(&warm);
        let sum = tally.sum();
        assert_eq!((sum.requests, sum.builds), (400, 2));
        assert_eq!(sum.counts.of(Cache::Ir), Count { hits: 4, misses: 6 });
        assert_eq!(sum.counts.of(Cache::Tools), Count { hits: 2, misses: 0 });
        assert_eq!(sum.last_build, Some(warm));
    }
}
