//! The one door: every request, from this process or another, comes in through
//! [`Engine::handle`].
//!
//! An engine knows a root and the environment of whoever asks.  What it may keep between requests is
//! [`Warm`] and can be dropped at any moment: that costs time only.  It never prints, never exits and asks neither the working directory nor the
//! process's own environment.  What the user must know comes as events, what was asked for as the
//! reply; a failing environment is a reply too, so that nobody has to handle two kinds of answers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};

use crate::asked::Asked;
use crate::build::{Build, Built, build, lock, planned};
use crate::caches;
use crate::clean;
use crate::configure::Environment;
use crate::event::{Diagnostic, Event};
use crate::found::Found;
use crate::graphs::{self, Drawn, Includers, Rebuilds, Sight, UnusedHeaders};
use crate::import::{self, Imported, Origin};
use crate::ir;
use crate::kept::{self, Kept};
use crate::machine::{self, Stats};
use crate::manifest::Kind;
use crate::manifest_file::ManifestFile;
use crate::outline::Outline;
use crate::path::Root;
use crate::process::Cancel;
use crate::project::{Project, find_root};
use crate::request::{self, Config, Failure, Graph, Ir, Reply, Request};
use crate::rounds::watch_and_build;
use crate::settings;
use crate::survey;
use crate::tally::{Cache, Count, Counts, Service};
use crate::warm::Warm;

/// A project as one user sees it.
#[derive(Clone)]
pub struct Engine {
    root: Root,
    environment: Environment,
    warm: Option<Arc<Warm>>,
}

type Listen<'a> = &'a mut dyn FnMut(Event);

/// Who builds, where that is not [`Engine::build`] itself: somebody who lets equal builds share one
/// run, say.
pub type Builder<'a> = dyn Fn(&Build, &Cancel, &mut dyn FnMut(Event)) -> Result<Built> + 'a;

impl Engine {
    /// The engine of the project that `path` belongs to.
    ///
    /// # Errors
    /// When `path` is not a folder that can be reached.
    pub fn open(path: &Path, environment: Environment) -> Result<Engine> {
        Ok(Engine { root: find_root(path)?, environment, warm: None })
    }

    /// The engine of the folder `path` itself, whatever project it lies in.
    ///
    /// # Errors
    /// When `path` is not a folder that can be reached.
    pub fn at(path: &Path, environment: Environment) -> Result<Engine> {
        let root =
            Root::open(path).with_context(|| format!("cannot open the folder `{}`", path.display()))?;
        Ok(Engine { root, environment, warm: None })
    }

    /// The same engine with what earlier requests to the same root have left in `warm`.
    #[must_use]
    pub fn kept_warm(self, warm: Arc<Warm>) -> Engine {
        Engine { warm: Some(warm), ..self }
    }

    /// The project's root.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Does what `request` asks.  `cancel` ends it early; `on_event` hears what happens meanwhile.
    pub fn handle(&self, request: &Request, cancel: &Cancel, on_event: Listen<'_>) -> Reply {
        self.answer(request, cancel, on_event)
            .unwrap_or_else(|e| Reply::Failed(Failure::of(&e, cancel.is_cancelled())))
    }

    fn answer(&self, request: &Request, cancel: &Cancel, on_event: Listen<'_>) -> Result<Reply> {
        self.asked();
        let (root, environment) = (&self.root, &self.environment);
        Ok(match request {
            Request::Build(request) => Reply::Built(Box::new(self.build(request, cancel, on_event)?)),
            Request::Watch(request) => Reply::Built(Box::new(self.watch(request, cancel, on_event)?)),
            Request::Clean { cache } => Reply::Cleaned(self.clean(*cache, cancel, on_event)?),
            Request::Discover { no_evidence: true, brief } => {
                let mut project = self.look()?;
                project.manifest.discovery.evidence = Some(false);
                let found = Found::in_project(&project, &Asked::new(&project, environment, cancel))?;
                match brief {
                    true => Reply::Outlined(Box::new(Outline::of(&found))),
                    false => Reply::Discovered(Box::new(survey::survey(&found))),
                }
            }
            Request::Discover { brief: true, .. } => Reply::Outlined(Box::new(self.outline()?)),
            Request::Discover { .. } => Reply::Discovered(Box::new(survey::survey(&self.find(false)?.found))),
            Request::Graph(graph) => Reply::Graph(Box::new(self.graph(graph, cancel, on_event)?)),
            Request::WhoIncludes { file } => Reply::Includers(self.who_includes(file)?),
            Request::Rebuilds { files } => Reply::Rebuilds(self.rebuilds(files)?),
            Request::UnusedHeaders => Reply::UnusedHeaders(self.unused_headers()?),
            Request::Explain { file } => Reply::Explained(survey::explain(root, file.as_deref())?),
            Request::Config(config) => self.config(config)?,
            Request::Tools { name } => self.tools(name.as_deref(), cancel, on_event)?,
            Request::Doctor => Reply::Health(machine::examine(&self.sound(on_event)?, environment, cancel)?),
            Request::Ir(step) => Reply::Step(self.ir(step, cancel, on_event)?),
            Request::Trust(decision) => Reply::Consent(settings::consent(root, environment, *decision)?),
            Request::Cache(what) => self.cache(*what, on_event)?,
            Request::Stats => Reply::Stats(Box::new(self.stats(on_event)?)),
            Request::New { path, template, name } => {
                self.count_template();
                Reply::Made(settings::make_new(path, template, name.as_deref())?)
            }
            Request::Init { template, name } => {
                self.count_template();
                Reply::Made(settings::init(root, environment, template, name.as_deref())?)
            }
            Request::Import { from } => Reply::Imported(self.import(*from, cancel)?),
        })
    }

    /// Builds the project; see [`build`].
    ///
    /// # Errors
    /// When jmake cannot do its work.
    pub fn build(&self, request: &Build, cancel: &Cancel, on_event: Listen<'_>) -> Result<Built> {
        let built = build(&self.root, &self.environment, request, self.warm.as_deref(), cancel, on_event)?;
        if let Some(warm) = &self.warm {
            warm.tally().built(&built.counts);
        }
        Ok(built)
    }

    /// Builds the project, and again after each change, until `cancel` ends it; see
    /// [`watch_and_build`].
    ///
    /// # Errors
    /// When the root can no longer be read.
    pub fn watch(&self, request: &Build, cancel: &Cancel, on_event: Listen<'_>) -> Result<Built> {
        let warm = self.warm.clone().unwrap_or_else(|| Arc::new(Warm::new(&self.root)));
        let engine = self.clone().kept_warm(warm);
        engine.watch_by(
            &|request, cancel, hear| engine.build(request, cancel, hear),
            request,
            cancel,
            on_event,
        )
    }

    /// The same, each round built by `build`, which uses what this engine keeps.
    ///
    /// # Errors
    /// When the root can no longer be read.
    pub fn watch_by(
        &self,
        build: &Builder<'_>,
        request: &Build,
        cancel: &Cancel,
        on_event: Listen<'_>,
    ) -> Result<Built> {
        let warm = self.warm.clone().unwrap_or_else(|| Arc::new(Warm::new(&self.root)));
        let mut request = request.clone();
        let mut round = |cancel: &Cancel, on_event: Listen<'_>| {
            let built = build(&request, cancel, on_event);
            // Only the first round builds what is as it was.
            request.force = false;
            built
        };
        watch_and_build(&warm, &self.environment, &mut round, cancel, on_event)
    }

    /// What discovery finds: what is kept of an earlier request, if that still holds and `force`
    /// does not say otherwise.
    ///
    /// # Errors
    /// When the project cannot be read.
    pub fn find(&self, force: bool) -> Result<kept::Answer> {
        let Some(warm) = &self.warm else {
            return Kept::default().find(&self.root, &self.environment, None, force);
        };
        let answer = warm.found().find(&self.root, &self.environment, Some(warm.held()), force)?;
        warm.tally().add(&answer.counts);
        Ok(answer)
    }

    /// The same in brief.
    ///
    /// # Errors
    /// When the project cannot be read.
    pub fn outline(&self) -> Result<Outline> {
        let Some(warm) = &self.warm else {
            return Ok(Kept::default().outline(&self.root, &self.environment, None)?.0);
        };
        let (outline, counts) = warm.found().outline(&self.root, &self.environment, Some(warm.held()))?;
        warm.tally().add(&counts);
        Ok(outline)
    }

    /// The project's `jmake.toml`.
    pub fn manifest(&self) -> Arc<ManifestFile> {
        let kept = self.warm.as_ref().map(|warm| warm.manifest().clone());
        kept.unwrap_or_else(|| Arc::new(ManifestFile::new(&self.root)))
    }

    /// What is kept between requests, if anything is.
    pub fn warm(&self) -> Option<&Warm> {
        self.warm.as_deref()
    }

    /// The environment of whoever asks.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Notes that there is a request.
    pub(crate) fn asked(&self) {
        if let Some(warm) = &self.warm {
            warm.tally().request();
        }
    }

    /// Notes that a template was used: they are part of jmake, so it is always at hand.
    pub(crate) fn count_template(&self) {
        self.count(&Counts::default().with(Cache::Templates, Count::of(1, 0)));
    }

    /// Adds `counts` of a request that is no build to those that are kept.
    pub(crate) fn count(&self, counts: &Counts) {
        if let Some(warm) = &self.warm {
            warm.tally().add(counts);
        }
    }

    /// Everything that can be counted about the project.
    ///
    /// # Errors
    /// When its settings are not sound.
    pub fn stats(&self, on_event: Listen<'_>) -> Result<Stats> {
        Ok(machine::get_stats(&self.sound(on_event)?, self.warm()))
    }

    pub(crate) fn look(&self) -> Result<Project> {
        let project = Project::look(&self.root, &self.environment)?;
        Ok(match &self.warm {
            Some(warm) => project.sharing(warm.answers()),
            None => project,
        })
    }

    /// The project, if its settings are sound.
    pub(crate) fn sound(&self, on_event: Listen<'_>) -> Result<Project> {
        let mut project = self.look()?;
        project.sound(on_event)?;
        Ok(project)
    }

    /// Removes what jmake made in the project and, with `cache`, what it put into the shared one.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clean(&self, cache: bool, cancel: &Cancel, on_event: Listen<'_>) -> Result<clean::Cleaned> {
        // Looking makes no state folder, and without one there is nothing to lock or to remove.
        let project = if cache { self.sound(on_event)? } else { self.look()? };
        if !self.root.as_path().join(crate::plan::STATE_DIR).is_dir() {
            return Ok(clean::Cleaned::default());
        }
        let _lock = lock(&self.root, cancel, on_event)?;
        let store = if cache { project.store() } else { None };
        let cleaned = clean::clean(&project.memo, store.as_ref());
        if let Some(warm) = &self.warm {
            warm.found().forget();
            warm.held().forget();
        }
        cleaned
    }

    /// Forgets what `service`, or every one, keeps for the project, here and in the shared cache.
    /// What was published stays.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear(
        &self,
        service: Option<Service>,
        cancel: &Cancel,
        on_event: Listen<'_>,
    ) -> Result<clean::Cleaned> {
        // Only the shared cache is found by what the settings say.
        let shared = service.is_none_or(|service| service == Service::Compilation);
        let project = if shared { self.sound(on_event)? } else { self.look()? };
        if !caches::is_kept(&self.root) {
            return Ok(clean::Cleaned::default());
        }
        let _lock = lock(&self.root, cancel, on_event)?;
        let store = if shared { project.store() } else { None };
        match service {
            Some(service) => caches::clear(&project, store.as_ref(), self.warm(), service),
            None => caches::clear_all(&project, store.as_ref(), self.warm()),
        }
    }

    /// Everything that would keep the project from being built as it is meant, up to the first
    /// compile.
    ///
    /// # Errors
    /// When its files cannot be read.
    pub fn problems(&self, cancel: &Cancel) -> Result<Vec<Diagnostic>> {
        let mut project = self.look()?;
        let mut problems = std::mem::take(&mut project.problems);
        let prebuilt = project.manifest.binary.kind == Some(Kind::Prebuilt);
        // What settings choose that are wrong or not trusted is not used.
        if !problems.iter().any(Diagnostic::is_error) && !prebuilt {
            let mut listen = |event| {
                if let Event::Diagnostic(problem) = event {
                    problems.push(problem);
                }
            };
            planned(project, &self.environment, &Build::default(), cancel, &mut listen)?;
        }
        Ok(problems)
    }

    /// A graph of the project.
    ///
    /// # Errors
    /// When the project cannot be read; of actions, when there is nothing to build; of symbols, when
    /// what was built is not up to date.
    pub fn graph(&self, graph: &Graph, cancel: &Cancel, on_event: Listen<'_>) -> Result<Drawn> {
        let environment = &self.environment;
        match graph {
            Graph::Includes => Ok(Sight::of(&self.find(false)?.found).includes()),
            Graph::Actions(wanted) => {
                graphs::action_graph(self.sound(on_event)?, environment, wanted, cancel, on_event)
            }
            Graph::Symbols => graphs::symbol_graph(self.sound(on_event)?, environment, cancel, on_event),
            Graph::Page => {
                let found = self.find(false)?.found;
                // A page without symbols is a page, too.
                let symbols = self.graph(&Graph::Symbols, cancel, &mut |_| {});
                let symbols = symbols.map_err(|error| Failure::of(&error, false).problem);
                Ok(graphs::page(&Sight::of(&found), symbols))
            }
        }
    }

    /// Who includes `file`.
    ///
    /// # Errors
    /// When the project cannot be read, or has no such file.
    pub fn who_includes(&self, file: &Path) -> Result<Includers> {
        graphs::who_includes(&Sight::of(&self.find(false)?.found), file)
    }

    /// What the next build would do if `files` were edited.
    ///
    /// # Errors
    /// When the project cannot be read, or has no such files.
    pub fn rebuilds(&self, files: &[PathBuf]) -> Result<Rebuilds> {
        let found = self.find(false)?.found;
        graphs::rebuilds(&Sight::of(&found), files, &self.look()?.memo)
    }

    /// The headers of the project that no unit opens.
    ///
    /// # Errors
    /// When the project cannot be read.
    pub fn unused_headers(&self) -> Result<UnusedHeaders> {
        Ok(graphs::unused_headers(&Sight::of(&self.find(false)?.found)))
    }

    /// Writes the project's settings from what another build tool says.
    ///
    /// # Errors
    /// When there is no such description, or the settings say already what is built.
    pub fn import(&self, from: Origin, cancel: &Cancel) -> Result<Imported> {
        import::import(&self.manifest(), &self.environment, from, cancel)
    }

    fn config(&self, config: &Config) -> Result<Reply> {
        let (root, environment) = (&self.root, &self.environment);
        let file = self.manifest();
        Ok(match config {
            Config::Show { section } => Reply::Settings(settings::show(&file, section.as_deref())?),
            Config::Get { key } => Reply::Value(settings::get(&file, key)?),
            Config::Set { key, value } => Reply::Changed(settings::set(&file, key, value)?),
            Config::Unset { key } => Reply::Changed(settings::unset(&file, key)?),
            Config::Validate => Reply::Problems(settings::validate(root, environment)?),
            Config::Complete => Reply::Completed(settings::complete(&file, environment)?),
        })
    }

    fn tools(&self, name: Option<&str>, cancel: &Cancel, on_event: Listen<'_>) -> Result<Reply> {
        let project = self.sound(on_event)?;
        let toolchain = machine::toolchain(&project, &self.environment, cancel);
        self.count(&project.counts());
        Ok(Reply::Tools(machine::tools(&toolchain?, name)?))
    }

    /// Takes one step from IR to a library.
    ///
    /// # Errors
    /// When a tool is missing or cannot be started, or the output cannot be written.
    pub fn ir(&self, step: &Ir, cancel: &Cancel, on_event: Listen<'_>) -> Result<ir::Step> {
        let project = self.sound(on_event)?;
        let tools = machine::toolchain(&project, &self.environment, cancel)?;
        self.count(&project.counts());
        match step {
            Ir::Link { inputs, output } => ir::link_ir(&tools, inputs, output, cancel),
            Ir::Opt { input, output, passes } => ir::optimize_ir(&tools, input, output, passes, cancel),
            Ir::Obj { input, output, level } => ir::compile_to_object(&tools, input, output, level, cancel),
            Ir::Lib { inputs, output, libraries, lib_dirs } => {
                ir::link_shared_library(&tools, inputs, output, libraries, lib_dirs, &project.ask(cancel))
            }
        }
    }

    fn cache(&self, what: request::Cache, on_event: Listen<'_>) -> Result<Reply> {
        let project = self.sound(on_event)?;
        let store = machine::store(&project)?;
        Ok(match what {
            request::Cache::Stat => Reply::CacheStats(machine::cache_stats(&project)?),
            request::Cache::Verify { repair } => Reply::Verified(store.verify(repair)),
            request::Cache::Gc => Reply::Collected(store.gc(project.limits())),
            request::Cache::Clear => Reply::Cleared(store.clear()?),
        })
    }
}
