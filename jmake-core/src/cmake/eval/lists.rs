//! `list(…)`.

use super::{LONGEST, Reader};
use crate::cmake::text::{list, regex};
use std::collections::HashSet;

impl Reader<'_> {
    /// Runs `list(…)`.
    pub(super) fn list(&mut self, args: &[String]) {
        let [operation, name, rest @ ..] = args else { return };
        match &**operation {
            "APPEND" => self.list_append(name, rest),
            "PREPEND" => {
                let old = self.value(name);
                let new = list::join(rest);
                let joined =
                    if old.is_empty() || new.is_empty() { new + &old } else { format!("{new};{old}") };
                self.set(name, joined);
            }
            "LENGTH" | "GET" | "FIND" | "JOIN" | "SUBLIST" => self.list_ask(operation, name, rest),
            _ => self.list_change(operation, name, rest),
        }
    }

    fn list_append(&mut self, name: &str, new: &[String]) {
        if new.is_empty() {
            return;
        }
        let mut value = self.value(name);
        if !value.is_empty() {
            value.push(';');
        }
        value.push_str(&list::join(new));
        self.set(name, value);
    }

    fn items(&mut self, name: &str) -> Vec<String> {
        let value = self.value(name);
        self.divided(&value, true)
    }

    /// Operations that put something about the list into another variable.
    fn list_ask(&mut self, operation: &str, name: &str, args: &[String]) {
        let items = self.items(name);
        match (operation, args) {
            ("LENGTH", [out]) => self.set(out, items.len().to_string()),
            ("GET", [indices @ .., out]) => {
                let at = |index: &String| list::place(index, items.len()).and_then(|at| items.get(at));
                let found: Vec<&String> = indices.iter().filter_map(at).collect();
                let value = if found.is_empty() { "NOTFOUND".to_owned() } else { list::join(&found) };
                self.set(out, value);
            }
            ("FIND", [wanted, out]) => {
                let at = items.iter().position(|item| item == wanted);
                self.set(out, at.map_or_else(|| "-1".into(), |at| at.to_string()));
            }
            ("JOIN", [glue, out]) => {
                let length = items.iter().map(|item| item.len() + glue.len()).sum::<usize>();
                if length <= LONGEST {
                    self.set(out, items.join(glue));
                } else {
                    self.note("a value is too long and was dropped".into());
                }
            }
            ("SUBLIST", [begin, length, out]) => {
                let begin = begin.parse().unwrap_or(0usize).min(items.len());
                let rest = &items[begin..];
                let length = length.parse().map_or(rest.len(), |length: usize| length.min(rest.len()));
                self.set(out, list::join(&rest[..length]));
            }
            _ => self.note(format!("this `list({operation})` is not understood")),
        }
    }

    /// Operations that change the list itself.
    fn list_change(&mut self, operation: &str, name: &str, args: &[String]) {
        let mut items = self.items(name);
        match (operation, args) {
            ("INSERT", [index, new @ ..]) => {
                let at = list::place(index, items.len()).unwrap_or(items.len());
                items.splice(at..at, new.iter().cloned());
            }
            ("REMOVE_ITEM", unwanted) => {
                let unwanted: HashSet<&String> = unwanted.iter().collect();
                items.retain(|item| !unwanted.contains(item));
            }
            ("REMOVE_AT", indices) => {
                let places = indices.iter().filter_map(|index| list::place(index, items.len()));
                let places: HashSet<usize> = places.collect();
                let mut at = 0..items.len();
                items.retain(|_| at.next().is_none_or(|at| !places.contains(&at)));
            }
            ("REMOVE_DUPLICATES", []) => list::remove_duplicates(&mut items),
            ("REVERSE", []) => items.reverse(),
            ("SORT", options) => list::sort(&mut items, options),
            ("FILTER", [mode, _, pattern]) => {
                let Some(regex) = self.pattern(pattern) else { return };
                items.retain(|item| regex.is_match(item) == (mode == "INCLUDE"));
            }
            ("POP_BACK" | "POP_FRONT", outs) => self.pop(&mut items, operation == "POP_BACK", outs),
            ("TRANSFORM", [action, rest @ ..]) => {
                let out = rest.iter().position(|word| word == "OUTPUT_VARIABLE");
                let target = out.and_then(|at| rest.get(at + 1)).map_or(name, String::as_str);
                if !self.transform(&mut items, action, &rest[..out.unwrap_or(rest.len())]) {
                    return self.note(format!("this `list(TRANSFORM {action})` is not understood"));
                }
                return self.set(target, list::join(&items));
            }
            _ => return self.note(format!("this `list({operation})` is not understood")),
        }
        self.set(name, list::join(&items));
    }

    /// Takes elements from an end of the list, each into a variable of its own.
    fn pop(&mut self, items: &mut Vec<String>, back: bool, outs: &[String]) {
        let count = outs.len().max(1).min(items.len());
        let taken: Vec<String> = if back {
            items.split_off(items.len() - count).into_iter().rev().collect()
        } else {
            items.drain(..count).collect()
        };
        for (out, item) in outs.iter().zip(taken) {
            self.set(out, item);
        }
        outs.iter().skip(count).for_each(|out| self.unset(out));
    }

    /// Changes each (or each selected) element; whether the action is known.
    fn transform(&mut self, items: &mut [String], action: &str, args: &[String]) -> bool {
        let operands = match action {
            "APPEND" | "PREPEND" => 1,
            "REPLACE" => 2,
            _ => 0,
        };
        if args.len() < operands {
            return false;
        }
        let (operands, selector) = args.split_at(operands);
        let Some(selected) = self.selected(items, selector) else { return false };
        let regex = if action == "REPLACE" { self.pattern(&operands[0]) } else { None };
        for (item, _) in items.iter_mut().zip(selected).filter(|(_, selected)| *selected) {
            *item = match (action, operands) {
                ("APPEND", [suffix]) => format!("{item}{suffix}"),
                ("PREPEND", [prefix]) => format!("{prefix}{item}"),
                ("TOLOWER", _) => item.to_ascii_lowercase(),
                ("TOUPPER", _) => item.to_ascii_uppercase(),
                ("STRIP", _) => item.trim().to_owned(),
                ("GENEX_STRIP", _) => crate::cmake::model::genex::strip(item),
                ("REPLACE", [_, by]) => match &regex {
                    Some(regex) => regex::replace(regex, item, by, LONGEST).unwrap_or_default(),
                    None => return false,
                },
                _ => return false,
            };
            self.spend(item.len());
            if self.stopped {
                break;
            }
        }
        true
    }

    fn selected(&mut self, items: &[String], selector: &[String]) -> Option<Vec<bool>> {
        match selector {
            [] => Some(vec![true; items.len()]),
            [how, pattern] if how == "REGEX" => {
                let regex = self.pattern(pattern)?;
                Some(items.iter().map(|item| regex.is_match(item)).collect())
            }
            [how, indices @ ..] if how == "AT" => {
                let mut selected = vec![false; items.len()];
                for at in indices.iter().filter_map(|index| list::place(index, items.len())) {
                    selected[at] = true;
                }
                Some(selected)
            }
            [how, bounds @ ..] if how == "FOR" => {
                let bounds: Option<Vec<usize>> =
                    bounds.iter().map(|bound| list::place(bound, items.len())).collect();
                let bounds = bounds?;
                let (start, stop) = (*bounds.first()?, *bounds.get(1)?);
                let step = bounds.get(2).copied().unwrap_or(1).max(1);
                Some(
                    (0..items.len())
                        .map(|at| at >= start && at <= stop && (at - start) % step == 0)
                        .collect(),
                )
            }
            _ => None,
        }
    }
}
