//! Completions and the manual page, from the same definition as the parser.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::typed::Typed;

/// The completion script for `shell`.
pub fn completions(shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Typed::command(), "jmake", &mut text);
    text
}

/// The manual page: the command, then a section for each verb.
pub fn page() -> Vec<u8> {
    let mut command = Typed::command();
    // Without it, the verbs do not know the global flags.
    command.build();
    let mut text = Vec::new();
    // Writing to memory does not fail.
    clap_mangen::Man::new(command.clone()).render(&mut text).ok();
    for verb in command.get_subcommands().filter(|verb| verb.get_name() != "help") {
        text.extend(format!(".SH \"JMAKE {}\"\n", verb.get_name().to_uppercase()).bytes());
        let page = clap_mangen::Man::new(verb.clone());
        page.render_synopsis_section(&mut text).ok();
        page.render_description_section(&mut text).ok();
        page.render_options_section(&mut text).ok();
    }
    text
}
