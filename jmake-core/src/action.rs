//! Actions and their graph: plain data.
//!
//! An [`Action`] says which program runs with which arguments, what it reads and what it writes.
//! Ids are dense and topologically ordered: an action reads only outputs of actions with a smaller
//! id, so the graph is acyclic by construction, and [`GraphBuilder`] refuses a second producer for
//! a file.  Headers are *discovered* inputs: the depfile names them after the run; they never order
//! work.  The set of an action's outputs is a list whose length nothing outside this module
//! assumes, so that an action whose outputs are known only after it ran (a unit cut into parts)
//! can say so in its trace.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::digest::{Digest, Fields};
use crate::event::ActionKind;
use crate::path::FilePath;
use crate::sabotage;

/// The dense number of an action.
pub type ActionId = usize;

/// One argument of a command line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Arg {
    /// The text itself.
    Text(Arc<[u8]>),
    /// `prefix` followed by where output number `index` is to be written.
    Output {
        /// What comes before the path.
        prefix: &'static str,
        /// Which of the action's outputs.
        index: usize,
    },
    /// `prefix` followed by where the depfile is to be written.
    Depfile {
        /// What comes before the path.
        prefix: &'static str,
    },
    /// `prefix` followed by the path of a file that holds [`Action::keyed`] text number `index`.
    File {
        /// What comes before the path.
        prefix: &'static str,
        /// Which of the action's texts.
        index: usize,
    },
    /// `prefix` followed by a folder that outlives the action and only makes it faster: its
    /// content never changes the result, so its place is not part of the key.
    Scratch {
        /// What comes before the path.
        prefix: &'static str,
        /// The folder.
        dir: FilePath,
    },
}

impl Arg {
    /// An argument that is text.
    pub fn text(text: impl AsRef<[u8]>) -> Arg {
        Arg::Text(Arc::from(text.as_ref()))
    }

    /// The argument as the key sees it: where outputs go does not change what they hold.
    fn keyed(&self) -> Vec<u8> {
        match self {
            Arg::Text(text) => text.to_vec(),
            Arg::Output { prefix, index } => format!("{prefix}<output {index}>").into_bytes(),
            Arg::Depfile { prefix } => format!("{prefix}<depfile>").into_bytes(),
            Arg::File { prefix, index } => format!("{prefix}<file {index}>").into_bytes(),
            Arg::Scratch { prefix, .. } => format!("{prefix}<scratch>").into_bytes(),
        }
    }
}

/// A program an action runs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tool {
    /// Its absolute path.
    pub path: FilePath,
    /// What it is: a digest of its content and of the libraries it loads.
    pub identity: Digest,
}

/// A file an action is known to read before it runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Input {
    /// The file.
    pub path: FilePath,
    /// The action that makes it; `None` for a file of the user.
    pub producer: Option<ActionId>,
}

/// Where an action's depfile comes from and what may have been looked for in vain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Discovery {
    /// Everything it reads is declared.
    None,
    /// A compiler's: headers were searched for in these folders.
    Headers(Arc<SearchDirs>),
    /// A linker's: libraries were searched for in these folders, by these names.
    Libraries {
        /// Folders in order.
        dirs: Vec<FilePath>,
        /// The `x` of each `-lx`.
        names: Vec<String>,
    },
}

/// The folders in which a compile looks for headers, in order.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct SearchDirs {
    /// For quoted includes only, after the includer's own folder.
    pub quoted: Vec<FilePath>,
    /// For all includes.
    pub all: Vec<FilePath>,
}

/// One process to run: the unit of freshness.
#[derive(Clone, Debug)]
pub struct Action {
    /// What it does.
    pub kind: ActionKind,
    /// What it is about, for people: the source, or the name of the result.
    pub label: String,
    /// The program.
    pub tool: Arc<Tool>,
    /// Its arguments, without the program.
    pub args: Vec<Arg>,
    /// Texts the result depends on besides files: what an [`Arg::File`] holds, or what an argument
    /// such as `-march=native` means here.
    pub keyed: Vec<Arc<[u8]>>,
    /// Its whole environment.
    pub env: Arc<Vec<(String, String)>>,
    /// What it reads, in the order it reads it.
    pub inputs: Vec<Input>,
    /// What it writes; below `.jmake`.
    pub outputs: Vec<FilePath>,
    /// What it finds out it reads.
    pub discovery: Discovery,
    /// Whether comments in what it compiles cannot change the result: no debug information, no
    /// flag that reads comments.
    pub comment_blind: bool,
}

impl Action {
    /// What goes into the key besides the content of files, as named fields; also what explains
    /// afterwards why two keys differ.
    pub fn recipe(&self) -> Fields {
        let mut fields = Fields::new();
        fields.push(field::KIND, self.kind.name());
        if !sabotage::is("ignore-tool") {
            fields.push(field::TOOL, self.tool.identity.as_bytes());
        }
        for arg in &self.args {
            if !sabotage::is("ignore-flags") {
                fields.push(field::ARG, arg.keyed());
            }
        }
        for text in &self.keyed {
            fields.push(field::TEXT, text);
        }
        for (name, value) in self.env.iter() {
            fields.push(field::ENV, format!("{name}={value}"));
        }
        for input in &self.inputs {
            if !sabotage::is("ignore-inputs") {
                fields.push(field::INPUT, input.path.as_bytes());
            }
        }
        fields
    }

    /// The name under which its trace is kept: its first output.
    pub fn name(&self) -> &FilePath {
        &self.outputs[0]
    }
}

/// The names of the fields of a recipe.
pub mod field {
    /// [`super::ActionKind::name`].
    pub const KIND: &str = "kind";
    /// The tool's identity.
    pub const TOOL: &str = "tool";
    /// One argument.
    pub const ARG: &str = "arg";
    /// One variable, `NAME=value`.
    pub const ENV: &str = "env";
    /// The path of one declared input.
    pub const INPUT: &str = "input";

    /// One text besides files and arguments.
    pub const TEXT: &str = "text";

    /// All of them, in the order of their stored numbers.
    pub const ALL: [&str; 6] = [KIND, TOOL, ARG, ENV, INPUT, TEXT];
}

/// All actions of a build.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    actions: Vec<Action>,
}

impl Graph {
    /// The actions, by id.
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.actions.len()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.actions.is_empty()
    }
}

/// Builds a [`Graph`] so that its invariants hold.
#[derive(Default)]
pub struct GraphBuilder {
    graph: Graph,
    producers: HashMap<FilePath, ActionId>,
}

impl GraphBuilder {
    /// Appends an action whose inputs' producers are already in the graph, and gives its id.
    ///
    /// # Panics
    /// When it has no output, or writes a file that another action writes: the planner names
    /// outputs after what goes into them, so that cannot happen.
    pub fn add(&mut self, action: Action) -> ActionId {
        assert!(!action.outputs.is_empty(), "an action without outputs is never needed");
        let id = self.graph.actions.len();
        for output in &action.outputs {
            let old = self.producers.insert(output.clone(), id);
            assert!(old.is_none(), "one producer per output: {output}");
        }
        debug_assert!(action.inputs.iter().all(|input| input.producer.is_none_or(|p| p < id)));
        self.graph.actions.push(action);
        id
    }

    /// The input that names `path`, with the action that makes it, if one does.
    pub fn input(&self, path: &FilePath) -> Input {
        Input { path: path.clone(), producer: self.producers.get(path).copied() }
    }

    /// The first output of action `id`, as an input of another.
    pub fn made_by(&self, id: ActionId) -> Input {
        Input { path: self.graph.actions[id].outputs[0].clone(), producer: Some(id) }
    }

    /// The action `id`.
    pub fn action(&self, id: ActionId) -> &Action {
        &self.graph.actions[id]
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        self.graph
    }
}
