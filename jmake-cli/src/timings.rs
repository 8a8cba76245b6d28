//! `--timings`: where the time of a build went, as a page for people and a trace for programs.
//!
//! The page is one file that loads nothing from anywhere; the trace is in the format that
//! `chrome://tracing`, Perfetto and speedscope read.

use std::path::PathBuf;

use anyhow::Result;
use jmake_core::build::Built;
use jmake_core::event::{Event, Outcome};
use jmake_core::fs;
use jmake_core::path::Root;
use jmake_core::plan::STATE_DIR;
use serde_json::{Value, json};

use crate::render;

const PAGE: &str = include_str!("timings.html");

/// What has been heard of a build.
#[derive(Default)]
pub struct Timings {
    actions: usize,
    spans: Vec<Span>,
}

/// One process that ran.
struct Span {
    kind: &'static str,
    label: String,
    why: String,
    failed: bool,
    /// Seconds since the beginning of the build.
    start: f64,
    /// Seconds.
    wall: f64,
    /// Bytes.
    peak_memory: u64,
}

impl Timings {
    /// Notes what happens.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Planned { actions } => self.actions = *actions,
            Event::Finished { kind, label, outcome, why, at, wall, peak_memory, .. }
                if matches!(outcome, Outcome::Ran | Outcome::Failed) && !wall.is_zero() =>
            {
                self.spans.push(Span {
                    kind: kind.name(),
                    label: label.clone(),
                    why: why.as_ref().map(ToString::to_string).unwrap_or_default(),
                    failed: *outcome == Outcome::Failed,
                    start: at.saturating_sub(*wall).as_secs_f64(),
                    wall: wall.as_secs_f64(),
                    peak_memory: *peak_memory,
                });
            }
            _ => {}
        }
    }

    /// Writes page and trace.
    pub fn write(&self, root: &Root, built: &Built) -> Result<()> {
        let page_file = page(root);
        if let Some(dir) = page_file.parent() {
            fs::create_dir_all(dir)?;
        }
        let lanes = lanes(&self.spans);
        fs::write(&page_file, self.page(built, &lanes).as_bytes())?;
        fs::write(&page_file.with_file_name("trace.json"), self.trace(&lanes).to_string().as_bytes())
    }

    fn page(&self, built: &Built, lanes: &[usize]) -> String {
        let spans: Vec<Value> = self
            .spans
            .iter()
            .zip(lanes)
            .map(|(span, lane)| {
                json!({
                    "kind": span.kind, "label": span.label, "why": span.why, "failed": span.failed,
                    "start": span.start, "wall": span.wall, "memory": span.peak_memory, "lane": lane,
                })
            })
            .collect();
        let data = json!({
            "profile": built.profile, "elapsed": built.elapsed.as_secs_f64(), "actions": self.actions,
            "compiled": built.compiled, "fresh": built.fresh, "restored": built.restored,
            "failed": built.failed, "spans": spans,
        });
        PAGE.replace("{{data}}", &render::embedded(&data))
    }

    fn trace(&self, lanes: &[usize]) -> Value {
        let micros = |seconds: f64| (seconds * 1e6).round() as u64;
        let events = self.spans.iter().zip(lanes).map(|(span, lane)| {
            json!({
                "name": span.label, "cat": span.kind, "ph": "X", "pid": 1, "tid": lane,
                "ts": micros(span.start), "dur": micros(span.wall),
                "args": {"why": span.why, "peak_memory": span.peak_memory, "failed": span.failed},
            })
        });
        json!({"displayTimeUnit": "ms", "traceEvents": events.collect::<Vec<_>>()})
    }
}

/// Where the page lies.
pub fn page(root: &Root) -> PathBuf {
    root.as_path().join(STATE_DIR).join("timings").join("timings.html")
}

/// For each span the lowest lane that is free when it starts.
fn lanes(spans: &[Span]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..spans.len()).collect();
    order.sort_by(|&a, &b| spans[a].start.total_cmp(&spans[b].start));
    let mut ends: Vec<f64> = Vec::new();
    let mut lanes = vec![0; spans.len()];
    for at in order {
        let span = &spans[at];
        // Times are taken a moment after the process has ended.
        let free = ends.iter().position(|end| *end <= span.start + 0.001);
        let lane = free.unwrap_or(ends.len());
        if free.is_none() {
            ends.push(0.0);
        }
        ends[lane] = span.start + span.wall;
        lanes[at] = lane;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start: f64, wall: f64) -> Span {
        Span {
            kind: "compile",
            label: "</script>".into(),
            why: String::new(),
            failed: false,
            start,
            wall,
            peak_memory: 1,
        }
    }

    #[test]
    fn overlapping_processes_get_their_own_lanes() {
        let spans = [span(0.0, 2.0), span(0.5, 1.0), span(1.5, 1.0), span(2.0, 1.0)];
        assert_eq!(lanes(&spans), [0, 1, 1, 0]);
    }

    #[test]
    fn names_cannot_end_the_script() {
        let timings = Timings { actions: 1, spans: vec![span(0.0, 1.0)] };
        let page = timings.page(&Built::default(), &[0]);
        assert_eq!(page.matches("</script>").count(), PAGE.matches("</script>").count());
        assert!(page.contains("<\\/script>"));
        assert_eq!(timings.trace(&[0])["traceEvents"][0]["dur"], 1_000_000);
    }
}
