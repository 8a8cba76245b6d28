//! `discovery.*`: questions about single files and units.

use super::object::{Place, params, reply};
use super::{Call, Nothing, Stop, bad};
use crate::graphs::{Includer, SymbolNamed, UnitNamed, UnusedHeader};
use crate::request::Graph;
use crate::survey::Reasoned;

reply! {
    /// A unit and its symbols.
    Unit {
        /// its source; with what it is compiled to, where one source is several units
        name: String,
        /// what it was compiled to
        object: String,
        /// symbols it defines
        defines: Vec<SymbolNamed>,
        /// symbols it uses and units of the project define
        uses: Vec<SymbolNamed>,
        /// symbols it uses and none of them defines
        undefined: Vec<SymbolNamed>,
        /// the units whose symbols it uses
        needs: Vec<String>,
    }
}

reply! {
    /// Which unit uses what others define.
    Symbols {
        /// the units of the last build; of a symbol that is used, `by` holds the places in this list of those that define it
        units: Vec<Unit>,
    }
}

/// Which unit uses what others define.
pub(super) fn symbols(call: &mut Call<'_>, _: Nothing) -> Result<Symbols, Stop> {
    let drawn = call.engine.graph(&Graph::Symbols, call.cancel, call.on_event)?;
    let names: Vec<String> = drawn.nodes.iter().map(|node| node.name.clone()).collect();
    let needs = |unit: usize| {
        let edges = drawn.edges.iter().filter(move |(from, _)| *from == unit);
        edges.filter_map(|(_, to)| names.get(*to).cloned()).collect()
    };
    let needs: Vec<Vec<String>> = (0..names.len()).map(needs).collect();
    let units = drawn.nodes.into_iter().zip(needs).map(|(node, needs)| Unit {
        name: node.name,
        object: node.object.unwrap_or_default(),
        defines: node.defines,
        uses: node.uses,
        undefined: node.undefined,
        needs,
    });
    Ok(Symbols { units: units.collect() })
}

params! {
    /// Which file.
    OneFile {
        /// the file
        file: Place,
    }
}

reply! {
    /// Who includes a file.
    Includers {
        /// the file, from the root
        file: String,
        /// those that include it, the nearest first; `through` is `null` where it is included itself, else the file that leads on
        includers: Vec<Includer>,
        /// a build is recorded, so that compiles have had their say
        recorded: bool,
    }
}

/// Who includes a file.
pub(super) fn who_includes(call: &mut Call<'_>, wanted: OneFile) -> Result<Includers, Stop> {
    let answer = call.engine.who_includes(&call.place(&wanted.file))?;
    Ok(Includers { file: answer.file, includers: answer.includers, recorded: answer.recorded })
}

params! {
    /// Which files.
    Edits {
        /// the files
        files: Vec<Place>,
    }
}

reply! {
    /// What the next build would do after edits.
    Rebuilds {
        /// the files, from the root
        files: Vec<String>,
        /// the units that would be compiled
        units: Vec<UnitNamed>,
        /// the results that would be linked, unless what is compiled comes out the same
        results: Vec<String>,
        /// what is special about one of the files
        remarks: Vec<Reasoned>,
        /// units that the next build compiles in any case, and why
        anyway: Vec<Reasoned>,
        /// the profile of the build that is recorded
        profile: Option<String>,
        /// a build is recorded; else this is what the text of the files says
        recorded: bool,
    }
}

/// What the next build would do after edits.
pub(super) fn rebuilds(call: &mut Call<'_>, wanted: Edits) -> Result<Rebuilds, Stop> {
    if wanted.files.is_empty() {
        return Err(bad("files", "there is none"));
    }
    let files: Vec<_> = wanted.files.iter().map(|file| call.place(file)).collect();
    let answer = call.engine.rebuilds(&files)?;
    Ok(Rebuilds {
        files: answer.files,
        units: answer.units,
        results: answer.results,
        remarks: answer.remarks,
        anyway: answer.anyway,
        profile: answer.profile,
        recorded: answer.recorded,
    })
}

reply! {
    /// Headers that no unit opens.
    UnusedHeaders {
        /// those that are the project's own business, and files that include them and are not compiled
        headers: Vec<UnusedHeader>,
        /// those in a folder `include`, which others may use
        public: Vec<UnusedHeader>,
        /// how many units there are
        units: u64,
        /// a build is recorded; else this is what the text of the files says
        recorded: bool,
    }
}

/// Headers that no unit opens.
pub(super) fn unused_headers(call: &mut Call<'_>, _: Nothing) -> Result<UnusedHeaders, Stop> {
    let answer = call.engine.unused_headers()?;
    let (headers, public, units) = (answer.headers, answer.public, answer.units as u64);
    Ok(UnusedHeaders { headers, public, units, recorded: answer.recorded })
}
