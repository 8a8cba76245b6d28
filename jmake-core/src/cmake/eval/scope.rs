//! Variables: the cache, and the stack of scopes that functions and folders make.

use std::collections::HashMap;
use std::rc::Rc;

/// All that variables together may hold; far more than any real project needs.
const LARGEST: usize = 256 << 20;

/// Values of one scope; `None` is a variable that was unset here and hides an outer one.
type Scope = HashMap<String, Option<Rc<str>>>;

/// All variables.
pub(in crate::cmake) struct Variables {
    scopes: Vec<Scope>,
    cache: HashMap<String, Rc<str>>,
    /// What holds as if the user had said so when CMake was started: defaults do not change it, only
    /// what the project sets itself does.
    presumed: HashMap<&'static str, Rc<str>>,
    stored: usize,
}

impl Variables {
    pub(in crate::cmake) fn new() -> Variables {
        let presumed = HashMap::from([("BUILD_SHARED_LIBS", "ON".into())]);
        Variables { scopes: vec![Scope::new()], cache: HashMap::new(), presumed, stored: 0 }
    }

    /// Opens a scope within the current one.
    pub(in crate::cmake) fn push(&mut self) {
        self.scopes.push(Scope::new());
    }

    /// How many scopes are open.
    pub(in crate::cmake) fn depth(&self) -> usize {
        self.scopes.len()
    }

    /// Closes scopes until `depth` are open.
    pub(in crate::cmake) fn truncate(&mut self, depth: usize) {
        while self.scopes.len() > depth.max(1) {
            let closed = self.scopes.pop().unwrap_or_default();
            let size: usize = closed.iter().map(|(name, value)| size(name, value.as_ref())).sum();
            self.stored = self.stored.saturating_sub(size);
        }
    }

    /// The value of a normal variable.
    pub(in crate::cmake) fn normal(&self, name: &str) -> Option<&Rc<str>> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name))?.as_ref()
    }

    /// The value in the cache.
    pub(in crate::cmake) fn cached(&self, name: &str) -> Option<&Rc<str>> {
        self.cache.get(name)
    }

    /// What a reference to `name` gives.
    pub(in crate::cmake) fn get(&self, name: &str) -> Option<&Rc<str>> {
        self.set_by_project(name).or_else(|| self.presumed.get(name))
    }

    /// Whether a default of the project for `name` counts for nothing.
    pub(in crate::cmake) fn is_presumed(&self, name: &str) -> bool {
        self.presumed.contains_key(name)
    }

    /// The same without what is only presumed.
    pub(in crate::cmake) fn set_by_project(&self, name: &str) -> Option<&Rc<str>> {
        self.normal(name).or_else(|| self.cache.get(name))
    }

    /// Sets a variable in the current scope; whether there was room for it.
    pub(in crate::cmake) fn set(&mut self, name: &str, value: Option<&str>) -> bool {
        self.set_at(self.scopes.len() - 1, name, value)
    }

    /// Sets a variable in the scope around the current one.
    pub(in crate::cmake) fn set_in_parent(&mut self, name: &str, value: Option<&str>) -> bool {
        match self.scopes.len().checked_sub(2) {
            Some(parent) => self.set_at(parent, name, value),
            None => true,
        }
    }

    fn set_at(&mut self, scope: usize, name: &str, value: Option<&str>) -> bool {
        let value: Option<Rc<str>> = value.map(Into::into);
        let added = size(name, value.as_ref());
        if self.stored + added > LARGEST {
            return false;
        }
        let Some(scope) = self.scopes.get_mut(scope) else { return true };
        self.stored += added;
        if let Some(old) = scope.insert(name.to_owned(), value) {
            self.stored = self.stored.saturating_sub(size(name, old.as_ref()));
        }
        true
    }

    /// Takes the normal variable away where it is seen from here, so that the cache shows.
    pub(in crate::cmake) fn uncover(&mut self, name: &str) {
        if self.normal(name).is_some() {
            self.set(name, None);
        }
    }

    /// Puts a value into the cache.
    pub(in crate::cmake) fn set_cached(&mut self, name: &str, value: Option<&str>) -> bool {
        let old = match value {
            Some(value) => {
                if self.stored + size(name, Some(&value.into())) > LARGEST {
                    return false;
                }
                self.stored += name.len() + value.len();
                self.cache.insert(name.to_owned(), value.into())
            }
            None => self.cache.remove(name),
        };
        if let Some(old) = old {
            self.stored = self.stored.saturating_sub(name.len() + old.len());
        }
        true
    }

    /// The names of all variables that have a value, sorted.
    pub(in crate::cmake) fn names(&self) -> Vec<String> {
        let normal = self.scopes.iter().flat_map(|scope| scope.keys());
        let mut names: Vec<String> = normal.chain(self.cache.keys()).cloned().collect();
        names.retain(|name| self.get(name).is_some());
        names.sort();
        names.dedup();
        names
    }
}

fn size(name: &str, value: Option<&Rc<str>>) -> usize {
    name.len() + value.map_or(0, |value| value.len())
}
