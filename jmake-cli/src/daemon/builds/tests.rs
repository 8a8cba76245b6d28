//! Who runs, who waits, who shares: with replies made up for the test.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::ScopedJoinHandle;

use jmake_core::event::Diagnostic;

use super::*;

fn key(jobs: usize) -> Key {
    let mut build = Build::default();
    build.wanted.jobs = Some(jobs);
    Key { environment: Environment::default(), build, umask: 0o022 }
}

fn built(compiled: usize, untouched: bool) -> Reply {
    let ran = if untouched { 0 } else { compiled };
    Reply::Built(Box::new(Built { success: true, compiled, ran, untouched, ..Built::default() }))
}

fn published(name: &str) -> Event {
    Event::Published { path: name.into() }
}

/// A client: what it has heard, and its ticket.
struct Client {
    ticket: Ticket,
    heard: Receiver<String>,
}

fn client() -> Client {
    let (sender, heard) = channel();
    let sender = Mutex::new(sender);
    let hear = move |event: &str| drop(lock(&sender).send(event.to_owned()));
    Client { ticket: Ticket::new(Arc::new(hear)), heard }
}

impl Client {
    /// The next event; there must be one soon.
    fn next(&self) -> Event {
        let event = self.heard.recv_timeout(std::time::Duration::from_secs(10)).expect("an event");
        serde_json::from_str(&event).unwrap()
    }

    fn hears_no_more(&self) -> bool {
        self.heard.try_recv().is_err()
    }
}

/// Work that says that it has begun and waits for its reply.
#[expect(clippy::type_complexity, reason = "a closure's type cannot be named")]
fn gate() -> (Sender<Reply>, impl Fn(&Cancel, &mut dyn FnMut(Event)) -> Reply + Sync) {
    let (give, take) = channel();
    let take = Mutex::new(take);
    let work = move |cancel: &Cancel, on_event: &mut dyn FnMut(Event)| {
        on_event(published("begun"));
        for _ in 0..4000 {
            match lock(&take).recv_timeout(std::time::Duration::from_millis(5)) {
                Ok(reply) => return reply,
                Err(_) if cancel.is_cancelled() => return interrupted(),
                Err(_) => {}
            }
        }
        panic!("nobody ends this");
    };
    (give, work)
}

fn never(_: &Cancel, _: &mut dyn FnMut(Event)) -> Reply {
    panic!("this must not be done")
}

/// Waits until as many seats are taken.
fn seated(builds: &Builds, count: usize) {
    while builds.now().map_or(0, |(_, others)| others + 1) != count {
        std::thread::yield_now();
    }
}

fn join(thread: ScopedJoinHandle<'_, Reply>) -> Reply {
    thread.join().expect("it does not panic")
}

#[test]
fn one_after_the_other() {
    let builds = Builds::default();
    let (first, second) = (client(), client());
    let (give, work) = gate();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| builds.ask(Some(&key(1)), "holder one", &first.ticket, &work));
        assert_eq!(first.next(), published("begun"));
        let two = scope.spawn(|| builds.ask(Some(&key(2)), "two", &second.ticket, &|_, _| built(2, false)));
        assert_eq!(second.next(), Event::Waiting { holder: "holder one".into() });
        assert_eq!(builds.now(), Some(("holder one".into(), 1)));
        assert!(!two.is_finished());
        give.send(built(1, false)).unwrap();
        assert_eq!(join(one), built(1, false));
        assert_eq!(join(two), built(2, false));
    });
    assert!(second.hears_no_more());
    assert_eq!(builds.now(), None);
}

#[test]
fn an_equal_build_joins_and_is_looked_into_once_more() {
    let builds = Builds::default();
    let (first, second, third) = (client(), client(), client());
    let (give, work) = gate();
    let again = |_: &Cancel, on_event: &mut dyn FnMut(Event)| {
        // Warnings are shown again by a build that has nothing to do.
        on_event(Event::Diagnostic(Diagnostic::warning("again")));
        built(0, true)
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| builds.ask(Some(&key(1)), "", &first.ticket, &work));
        assert_eq!(first.next(), published("begun"));
        let two = scope.spawn(|| builds.ask(Some(&key(1)), "", &second.ticket, &again));
        assert_eq!(second.next(), published("begun"), "what happened before is told too");
        let three = scope.spawn(|| builds.ask(Some(&key(1)), "", &third.ticket, &again));
        assert_eq!(third.next(), published("begun"));
        seated(&builds, 3);
        give.send(built(7, false)).unwrap();
        for reply in [one, two, three].map(join) {
            assert_eq!(reply, built(7, false), "the reply of the one they joined");
        }
    });
    assert!(first.hears_no_more() && second.hears_no_more() && third.hears_no_more());
}

#[test]
fn what_the_joined_build_missed_is_built() {
    let builds = Builds::default();
    let (first, second) = (client(), client());
    let (give, work) = gate();
    let more = |_: &Cancel, on_event: &mut dyn FnMut(Event)| {
        on_event(Event::Diagnostic(Diagnostic::warning("held")));
        on_event(Event::Planned { actions: 1 });
        built(1, false)
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| builds.ask(Some(&key(1)), "", &first.ticket, &work));
        first.next();
        let two = scope.spawn(|| builds.ask(Some(&key(1)), "", &second.ticket, &more));
        second.next();
        give.send(built(7, false)).unwrap();
        assert_eq!(join(one), built(7, false));
        assert_eq!(join(two), built(1, false));
    });
    assert_eq!(second.next(), Event::Diagnostic(Diagnostic::warning("held")));
    assert_eq!(second.next(), Event::Planned { actions: 1 });
}

#[test]
fn a_build_that_has_not_begun_is_shared_whole() {
    let builds = Builds::default();
    let (first, second, third) = (client(), client(), client());
    let (give, work) = gate();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| builds.ask(None, "clean", &first.ticket, &work));
        first.next();
        let two = scope.spawn(|| builds.ask(Some(&key(1)), "", &second.ticket, &|_, _| built(2, false)));
        second.next();
        let three = scope.spawn(|| builds.ask(Some(&key(1)), "", &third.ticket, &never));
        assert_eq!(third.next(), Event::Waiting { holder: "clean".into() });
        seated(&builds, 3);
        give.send(built(0, false)).unwrap();
        join(one);
        assert_eq!((join(two), join(three)), (built(2, false), built(2, false)));
    });
}

#[test]
fn a_joined_build_lives_as_long_as_one_of_its_clients() {
    let builds = Builds::default();
    let (first, second) = (client(), client());
    let (give, work) = gate();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| builds.ask(Some(&key(1)), "", &first.ticket, &work));
        first.next();
        let two = scope.spawn(|| builds.ask(Some(&key(1)), "", &second.ticket, &|_, _| built(0, true)));
        second.next();
        assert_eq!(builds.leave(&first.ticket), Left::GoesOn, "the one who began it goes");
        give.send(built(3, false)).unwrap();
        assert_eq!(join(two), built(3, false));
        assert_eq!(join(one), interrupted());
    });

    let (first, second) = (client(), client());
    let (_give, work) = gate();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| builds.ask(Some(&key(1)), "", &first.ticket, &work));
        first.next();
        let two = scope.spawn(|| builds.ask(Some(&key(1)), "", &second.ticket, &never));
        second.next();
        assert_eq!(builds.leave(&second.ticket), Left::GoesOn, "the one who joined goes");
        assert_eq!(join(two), interrupted());
        assert!(!one.is_finished());
        assert_eq!(builds.leave(&first.ticket), Left::Ended, "and the last");
        assert_eq!(join(one), interrupted());
    });
    assert_eq!(builds.now(), None);
}

#[test]
fn whoever_waits_can_leave() {
    let builds = Builds::default();
    let (first, second) = (client(), client());
    let (give, work) = gate();
    std::thread::scope(|scope| {
        let one = scope.spawn(|| builds.ask(Some(&key(1)), "", &first.ticket, &work));
        first.next();
        let two = scope.spawn(|| builds.ask(Some(&key(2)), "", &second.ticket, &never));
        second.next();
        assert_eq!(builds.leave(&second.ticket), Left::Ended);
        assert_eq!(join(two), interrupted());
        give.send(built(1, false)).unwrap();
        join(one);
    });
    // Before it has even begun to wait.
    let third = client();
    builds.leave(&third.ticket);
    assert_eq!(builds.ask(Some(&key(1)), "", &third.ticket, &never), interrupted());
}

#[test]
fn a_panic_is_one_clients_alone() {
    let builds = Builds::default();
    let (first, second) = (client(), client());
    let bad = |_: &Cancel, on_event: &mut dyn FnMut(Event)| -> Reply {
        on_event(published("begun"));
        seated(&builds, 2);
        panic!("for the test")
    };
    std::thread::scope(|scope| {
        let one = scope.spawn(|| {
            let ask = || builds.ask(Some(&key(1)), "", &first.ticket, &bad);
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(ask))
        });
        first.next();
        let two = scope.spawn(|| builds.ask(Some(&key(1)), "", &second.ticket, &|_, _| built(5, false)));
        assert!(one.join().unwrap().is_err());
        assert_eq!(join(two), built(5, false), "the other does it itself");
    });
    assert_eq!(builds.now(), None);
}

/// Many clients of few kinds that come, wait and go at random: each that stays gets an answer, one
/// runs at a time, and in the end the line is empty.
#[test]
fn many_at_once() {
    use std::sync::atomic::AtomicUsize;
    let (builds, running) = (Builds::default(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..200_usize {
            let (builds, running) = (&builds, &running);
            scope.spawn(move || {
                let client = client();
                let work = |_: &Cancel, on_event: &mut dyn FnMut(Event)| {
                    assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                    on_event(published("x"));
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                    built(1, number % 2 == 0)
                };
                std::thread::scope(|scope| {
                    if number % 5 == 0 {
                        scope.spawn(|| builds.leave(&client.ticket));
                    }
                    let reply = builds.ask(Some(&key(number % 3)), "", &client.ticket, &work);
                    assert!(number % 5 == 0 || matches!(&reply, Reply::Built(built) if built.success));
                });
            });
        }
    });
    assert_eq!(builds.now(), None);
}
