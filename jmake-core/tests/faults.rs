//! scratch
mod support;
use support::fake::*;
#[test]
fn child() { obey(); }
#[test]
fn probe() {
    let world = World::small();
    let t = std::time::Instant::now();
    let said = world.build();
    println!("{:?} {said:?}", t.elapsed());
    for f in files(&world.dir()) { println!("{}", f.display()); }
    let t = std::time::Instant::now();
    let said = world.build();
    println!("{:?} {said:?}", t.elapsed());
    let clean = world.clean();
    println!("clean {:?}", t.elapsed());
    std::fs::remove_dir_all(world.at(".jmake")).unwrap();
    let t = std::time::Instant::now();
    let c = world.child(Fault::default());
    println!("{c:?} {:?}", t.elapsed());
    same(&world.published(), &clean, "x");
    world.assert_tidy("x");
}
