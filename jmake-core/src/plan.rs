//! From the resolved build to the graph of actions.
//!
//! A pure function: the same [`Config`] gives the same graph, byte for byte, and nothing is read
//! or asked.  What a unit is compiled to does not depend on `lto`, so switching it compiles
//! nothing:
//!
//! ```text
//! off    source ─compile→ object(+IR) ─────────────────────────────────────────┐
//! thin   source ─compile→ object(+IR) ─────────────────────────────────────────┼─link→ library
//! full   source ─compile→ object(+IR) ─extract→ IR ─link-ir→ ─optimize→ ─lower→┘
//! ```
//!
//! Where the toolchain cannot put object and IR into one file, a compile gives IR, and `codegen`
//! makes the object of it.
//!
//! Objects are named by a digest of the source's path (and of its flags, when two targets compile
//! it differently), so no two sources meet in one file; links take exactly the objects of the
//! graph, never what lies in a folder.

use std::collections::HashMap;
use std::sync::Arc;

use crate::action::{Action, ActionId, Arg, Discovery, Graph, GraphBuilder, Input, Tool};
use crate::configure::{Config, Link, Target, Unit, argument};
use crate::digest::Fields;
use crate::event::ActionKind;
use crate::manifest::Lto;
use crate::path::FilePath;
use crate::sabotage;
use crate::toolchain::includes::Lang;

/// Where everything that is not for the user lies, below the root.
pub const STATE_DIR: &str = ".jmake";

/// The moment that `__DATE__` and `__TIME__` show: 1980-01-01, the earliest that archives and
/// installers everywhere understand.
const EPOCH: &str = "315532800";

/// A graph and what is wanted of it.
#[derive(Debug, Default)]
pub struct Plan {
    /// The actions.
    pub graph: Graph,
    /// What is to be published.
    pub goals: Vec<Goal>,
}

/// One result for the user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Goal {
    /// The target's name, or what is compiled.
    pub target: String,
    /// The action that makes it.
    pub action: ActionId,
    /// Where it goes.
    pub file: FilePath,
}

/// Plans the build of `config`.
pub fn plan(config: &Config) -> Plan {
    let env = vec![
        ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
        ("LC_ALL".to_owned(), "C".to_owned()),
        ("SOURCE_DATE_EPOCH".to_owned(), EPOCH.to_owned()),
    ];
    let mut planner = Planner {
        config,
        env: Arc::new(env),
        builder: GraphBuilder::default(),
        units: HashMap::new(),
        goals: Vec::new(),
        texts: HashMap::new(),
    };
    for target in &config.targets {
        let goal = planner.target(target);
        planner.goals.push(goal);
    }
    Plan { graph: planner.builder.finish(), goals: planner.goals }
}

impl Plan {
    /// Of the same build only the compiling: what each unit is compiled to is wanted, where it lies.
    pub fn only_compiles(self) -> Plan {
        let mut builder = GraphBuilder::default();
        let mut goals = Vec::new();
        let compiles = self.graph.actions().iter().filter(|action| action.kind == ActionKind::Compile);
        // They read nothing that another action makes.
        for compile in compiles {
            let (target, file) = (compile.label.clone(), compile.name().clone());
            goals.push(Goal { target, action: builder.add(compile.clone()), file });
        }
        Plan { graph: builder.finish(), goals }
    }
}

/// A unit's actions.
#[derive(Clone, Copy)]
struct Compiled {
    /// Makes the object.
    object: ActionId,
    /// Makes the IR, alone or together with the object; assembler has none.
    ir: Option<ActionId>,
}

struct Planner<'a> {
    config: &'a Config,
    env: Arc<Vec<(String, String)>>,
    builder: GraphBuilder,
    /// Per source the ways in which it is compiled.
    units: HashMap<FilePath, Vec<(Unit, Compiled)>>,
    /// Those of the targets so far.
    goals: Vec<Goal>,
    /// Arguments that many actions have, once.
    texts: HashMap<&'static str, Arc<[u8]>>,
}

impl Planner<'_> {
    fn target(&mut self, target: &Target) -> Goal {
        let units: Vec<Compiled> = target.units.iter().map(|unit| self.unit(unit)).collect();
        let action = match &target.link {
            None => self.archive(target, &units),
            Some(link) => self.link(target, link, &units),
        };
        Goal { target: target.name.clone(), action, file: target.file.clone() }
    }

    fn dir(&self, what: &str) -> FilePath {
        FilePath::new(STATE_DIR).join(&self.config.profile.name).join(what)
    }

    /// The actions of `unit`, planned once however many targets it belongs to.
    fn unit(&mut self, unit: &Unit) -> Compiled {
        let ways = self.units.get(&unit.source).map_or(&[][..], Vec::as_slice);
        if let Some((_, compiled)) = ways.iter().find(|(known, _)| known == unit) {
            return *compiled;
        }
        let name = object_name(unit, ways.len());
        let compiled = match self.config.tools.fat_objects {
            _ if unit.lang == Lang::Asm => {
                let object = self.compile(unit, self.dir("objects").join(format!("{name}.o")));
                Compiled { object, ir: None }
            }
            true => {
                let object = self.compile(unit, self.dir("objects").join(format!("{name}.o")));
                Compiled { object, ir: Some(object) }
            }
            false => {
                let ir = self.compile(unit, self.dir("ir").join(format!("{name}.bc")));
                let object = self.codegen(unit, ir, self.dir("objects").join(format!("{name}.o")));
                Compiled { object, ir: Some(ir) }
            }
        };
        self.units.entry(unit.source.clone()).or_default().push((unit.clone(), compiled));
        compiled
    }

    fn compile(&mut self, unit: &Unit, output: FilePath) -> ActionId {
        let tools = &self.config.tools;
        let tool = if unit.lang == Lang::Cxx { &tools.cxx } else { &tools.cc };
        let mut args = Vec::with_capacity(unit.flags.len() + 9);
        args.extend(unit.flags.iter().cloned().map(Arg::Text));
        args.extend(["-ffile-compilation-dir=.", "-fcolor-diagnostics"].map(|t| self.text(t)));
        match unit.lang {
            // A name in `.s` says that nothing is to be preprocessed; then no header is reported.
            Lang::Asm => args.extend(["-x", Lang::Asm.flag()].map(|t| self.text(t))),
            _ if tools.fat_objects => args.extend(["-flto=thin", "-ffat-lto-objects"].map(|t| self.text(t))),
            _ => args.push(self.text("-flto=thin")),
        }
        args.push(self.text("-c"));
        args.push(Arg::text(argument(&unit.source)));
        args.push(self.text("-MD"));
        args.push(Arg::Depfile { prefix: "-MF" });
        args.push(Arg::Output { prefix: "-o", index: 0 });
        let comment_blind = unit.lang != Lang::Asm && !unit.flags.iter().any(|flag| reads_comments(flag));
        self.builder.add(Action {
            kind: ActionKind::Compile,
            label: unit.source.to_string(),
            tool: tool.clone(),
            args,
            keyed: self.config.tools.native.iter().map(|text| Arc::from(text.as_bytes())).collect(),
            env: self.env.clone(),
            inputs: vec![Input { path: FilePath::new(argument(&unit.source)), producer: None }],
            outputs: vec![output],
            discovery: Discovery::Headers(unit.search.clone()),
            comment_blind,
        })
    }

    fn text(&mut self, text: &'static str) -> Arg {
        Arg::Text(self.texts.entry(text).or_insert_with(|| Arc::from(text.as_bytes())).clone())
    }

    fn codegen(&mut self, unit: &Unit, ir: ActionId, output: FilePath) -> ActionId {
        let tool = self.config.tools.cxx.clone();
        let level = format!("-O{}", self.config.profile.opt_level.letter());
        let mut args = vec![Arg::text(level), Arg::text("-fPIC")];
        // Which machine the code is for is in the flags of the unit; the rest is in its IR.
        args.extend(unit.flags.iter().filter(|flag| flag.starts_with(b"--target=")).cloned().map(Arg::Text));
        args.extend(["-x", "ir", "-c"].map(Arg::text));
        let input = self.builder.made_by(ir);
        args.push(Arg::text(input.path.as_bytes()));
        args.push(Arg::Output { prefix: "-o", index: 0 });
        self.simple(ActionKind::Codegen, unit.source.to_string(), tool, args, vec![input], output)
    }

    fn archive(&mut self, target: &Target, units: &[Compiled]) -> ActionId {
        // Configuring has made sure that the tool is there when a target needs it.
        let tool = self.config.tools.ar.clone().unwrap_or_else(|| self.config.tools.cxx.clone());
        let inputs = self.objects(units);
        let mut args = vec![Arg::text("rcsD"), Arg::Output { prefix: "", index: 0 }];
        args.extend(inputs.iter().map(|input| Arg::text(input.path.as_bytes())));
        let output = self.dir("results").join(target.file.file_name());
        self.simple(ActionKind::Archive, target.file.to_string(), tool, args, inputs, output)
    }

    fn objects(&self, units: &[Compiled]) -> Vec<Input> {
        units.iter().map(|unit| self.builder.made_by(unit.object)).collect()
    }

    fn link(&mut self, target: &Target, link: &Link, units: &[Compiled]) -> ActionId {
        let lto = self.config.profile.lto;
        let mut inputs = match lto {
            Lto::Full => {
                let modules: Vec<Compiled> = units.iter().copied().filter(|unit| unit.ir.is_some()).collect();
                let assembled: Vec<Compiled> =
                    units.iter().copied().filter(|unit| unit.ir.is_none()).collect();
                let whole = (!modules.is_empty()).then(|| self.one_module(target, &modules));
                whole.into_iter().chain(self.objects(&assembled)).collect()
            }
            Lto::Thin => {
                units.iter().map(|unit| self.builder.made_by(unit.ir.unwrap_or(unit.object))).collect()
            }
            Lto::Off => self.objects(units),
        };
        inputs.extend(link.needs.iter().map(|&need| self.builder.made_by(self.goals[need].action)));
        let tools = &self.config.tools;
        let tool = match (&tools.linker, link.through_driver) {
            (Some(linker), false) => linker.clone(),
            _ => tools.cxx.clone(),
        };
        let for_linker = |arg: &str| match link.through_driver {
            true => format!("-Wl,{arg}"),
            false => arg.to_owned(),
        };
        let mut args: Vec<Arg> = link.line.before_output.iter().map(Arg::text).collect();
        args.push(Arg::Output { prefix: "", index: 0 });
        args.extend(link.line.before_objects.iter().map(Arg::text));
        args.extend(inputs.iter().map(|input| Arg::text(input.path.as_bytes())));
        args.extend(link.line.after_objects.iter().map(Arg::text));
        let through = if link.through_driver { "-Wl," } else { "" };
        args.push(Arg::Depfile {
            prefix: if through.is_empty() { "--dependency-file=" } else { "-Wl,--dependency-file=" },
        });
        if lto == Lto::Thin {
            let prefix = if through.is_empty() { "--thinlto-cache-dir=" } else { "-Wl,--thinlto-cache-dir=" };
            args.push(Arg::Scratch { prefix, dir: self.dir("thinlto") });
            args.push(Arg::text(for_linker("--thinlto-cache-policy=cache_size_bytes=2g")));
        }
        let mut keyed = Vec::new();
        let shown = || link.export.as_deref().map(version_script);
        if let Some(script) = link.script.clone().or_else(shown) {
            let prefix = if through.is_empty() { "--version-script=" } else { "-Wl,--version-script=" };
            args.push(Arg::File { prefix, index: 0 });
            keyed.push(Arc::from(script.into_bytes()));
        }
        let output = self.dir("results").join(target.file.file_name());
        let dirs = link
            .line
            .library_dirs()
            .into_iter()
            .map(|dir| FilePath::new(crate::path::bytes_of(dir.as_os_str())));
        let dirs = dirs.collect();
        self.builder.add(Action {
            kind: ActionKind::Link,
            label: target.file.to_string(),
            tool,
            args,
            keyed,
            env: self.env.clone(),
            inputs,
            outputs: vec![output],
            discovery: Discovery::Libraries { dirs, names: link.names.clone() },
            comment_blind: false,
        })
    }

    /// The seed's chain: all IR as one module, optimised once, lowered to one object.
    fn one_module(&mut self, target: &Target, units: &[Compiled]) -> Input {
        let tools = &self.config.tools;
        let (Some(llvm_link), Some(opt), Some(llc)) =
            (tools.llvm_link.clone(), tools.opt.clone(), tools.llc.clone())
        else {
            unreachable!("configuring refuses `lto = \"full\"` without its tools");
        };
        let name = target.file.file_name();
        let label = target.file.to_string();
        let modules: Vec<Input> = units.iter().map(|unit| self.module(*unit)).collect();
        let mut args: Vec<Arg> = modules.iter().map(|input| Arg::text(input.path.as_bytes())).collect();
        args.push(Arg::text("-o"));
        args.push(Arg::Output { prefix: "", index: 0 });
        let output = self.dir("ir").join([name, b".linked.bc"].concat());
        let linked = self.simple(ActionKind::LinkIr, label.clone(), llvm_link, args, modules, output);

        let profile = &self.config.profile;
        let passes = match profile.opt_passes.is_empty() {
            true => format!("default<O{}>", profile.opt_level.letter()),
            false => profile.opt_passes.join(","),
        };
        let input = self.builder.made_by(linked);
        let args = vec![
            Arg::text(format!("-passes={passes}")),
            Arg::text(input.path.as_bytes()),
            Arg::text("-o"),
            Arg::Output { prefix: "", index: 0 },
        ];
        let output = self.dir("ir").join([name, b".optimized.bc"].concat());
        let optimized = self.simple(ActionKind::Optimize, label.clone(), opt, args, vec![input], output);

        let input = self.builder.made_by(optimized);
        let level = match profile.opt_level.letter() {
            "s" | "z" => "2",
            letter => letter,
        };
        let args = vec![
            Arg::text(format!("-O{level}")),
            Arg::text("-relocation-model=pic"),
            Arg::text("-filetype=obj"),
            Arg::text(input.path.as_bytes()),
            Arg::text("-o"),
            Arg::Output { prefix: "", index: 0 },
        ];
        let output = self.dir("ir").join([name, b".o"].concat());
        let lowered = self.simple(ActionKind::Lower, label, llc, args, vec![input], output);
        self.builder.made_by(lowered)
    }

    /// The IR of a unit as a file of its own.
    fn module(&mut self, unit: Compiled) -> Input {
        if let Some(ir) = unit.ir.filter(|&ir| ir != unit.object) {
            return self.builder.made_by(ir);
        }
        let object = self.builder.made_by(unit.object);
        let output = self.dir("ir").join([object.path.stem(), b".bc"].concat());
        let known = self.builder.input(&output);
        if known.producer.is_some() {
            return known;
        }
        let Some(tool) = self.config.tools.objcopy.clone() else {
            unreachable!("configuring refuses `lto = \"full\"` without its tools");
        };
        let label = self.builder.action(unit.object).label.clone();
        let args = vec![
            Arg::Output { prefix: "--dump-section=.llvm.lto=", index: 0 },
            Arg::text(object.path.as_bytes()),
            Arg::text("/dev/null"),
        ];
        let id = self.simple(ActionKind::Extract, label, tool, args, vec![object], output);
        self.builder.made_by(id)
    }

    /// An action all of whose inputs are declared.
    fn simple(
        &mut self,
        kind: ActionKind,
        label: String,
        tool: Arc<Tool>,
        args: Vec<Arg>,
        inputs: Vec<Input>,
        output: FilePath,
    ) -> ActionId {
        self.builder.add(Action {
            kind,
            label,
            tool,
            args,
            keyed: Vec::new(),
            env: self.env.clone(),
            inputs,
            outputs: vec![output],
            discovery: Discovery::None,
            comment_blind: false,
        })
    }
}

/// The file name, without extension, of what `unit` is compiled to; `way` tells apart the flags
/// that several targets compile one source with.
fn object_name(unit: &Unit, way: usize) -> String {
    let stem: String = unit
        .source
        .stem()
        .iter()
        .take(40)
        .map(|&b| if b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-') { b as char } else { '_' })
        .collect();
    if sabotage::is("basename-objects") {
        return stem;
    }
    let mut fields = Fields::new();
    fields.push("source", unit.source.as_bytes());
    fields.push("way", way.to_string());
    format!("{}-{stem}", fields.digest().short())
}

/// Whether a flag makes comments matter (see [`crate::lex::Facts::comment_blind`]): debug
/// information holds digests of whole files, coverage maps and some warnings look at the text, and
/// in the oldest C `//` begins no comment.
fn reads_comments(flag: &[u8]) -> bool {
    const PREFIXES: [&str; 16] = [
        "-fprofile",
        "-fcoverage",
        "--coverage",
        "-Wdocumentation",
        "-Weverything",
        "-Wtrailing",
        "-Wimplicit-fallthrough",
        "-fparse-all-comments",
        "-Xclang",
        "-Xpreprocessor",
        "-Wp,",
        "-C",
        "-ansi",
        "-traditional",
        "-x",
        "-emit",
    ];
    const OLD: [&str; 4] = ["-std=c89", "-std=c90", "-std=iso9899:1990", "-std=iso9899:199409"];
    (flag.starts_with(b"-g") && flag != b"-g0")
        || PREFIXES.iter().any(|prefix| flag.starts_with(prefix.as_bytes()))
        || OLD.iter().any(|old| flag == old.as_bytes())
}

/// A GNU version script that shows `symbols` (names or globs) and hides the rest.
fn version_script(symbols: &[String]) -> String {
    let shown: String = symbols.iter().map(|symbol| format!("    {symbol};\n")).collect();
    format!("{{\n  global:\n{shown}  local:\n    *;\n}};\n")
}
