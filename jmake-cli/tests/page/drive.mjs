// Runs the script of a page under the stand-in for a browser, does what a user would, and looks at
// what the page then shows.   node drive.mjs PAGE WHAT
import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import vm from "node:vm";
import {Browser} from "./dom.mjs";

const html = readFileSync(process.argv[2], "utf8");
const script = html.slice(html.lastIndexOf("<script>") + "<script>".length, html.lastIndexOf("</script>"));

const open = (page = html, hash = "") => {
  const browser = new Browser(page, hash);
  const {document, location} = browser;
  const addEventListener = (kind, listener) => browser.addEventListener(kind, listener);
  vm.runInNewContext(script, {document, location, addEventListener});
  return browser;
};
// A page of other data, of this shape.
const with_data = data => open(html.replace(/(id="data">).*?(<\/script>)/s, (_, before, after) => before + JSON.stringify(data) + after));

const entries = browser => browser.at("list").querySelectorAll("button");
const names = browser => entries(browser).map(button => button.childNodes[0].textContent ?? button.textContent);
const entry = (browser, name) => entries(browser)[names(browser).indexOf(name)];
const chosen = browser => browser.at("list").querySelectorAll("[aria-current=true]").map(button => button.childNodes[0].textContent);
const facts = browser => browser.at("facts").elements().map(one => one.tag === "details" ? one.elements()[0].textContent : one.textContent);
const items = (browser, title) => {
  const section = browser.at("facts").elements().find(one => one.elements()[0]?.textContent?.startsWith(title));
  section.does("toggle");
  return section.elements()[1].elements().map(item => item.textContent);
};
const boxes = browser => browser.at("drawing").querySelectorAll("a").map(box => box.querySelector("title").textContent);
const lines = browser => browser.at("drawing").querySelectorAll("path").map(line => line.getAttribute("class"));
const search = (browser, text) => { browser.at("search").value = text; browser.at("search").does("input"); };
const pick = (browser, id, value) => { browser.at(id).value = value; browser.at(id).does("change"); };
const press = (browser, key) => {
  const isPrevented = browser.document.activeElement.does("keydown", {key});
  browser.settle();
  return isPrevented;
};
const click = (browser, element) => { element.focus(); element.does("click"); browser.settle(); };
// An element as a whole would be a long complaint.
const focused = (browser, element, why) => assert.ok(browser.document.activeElement === element, why ?? "another has the focus");
const follow = (browser, href) => { browser.location.hash = href; browser.settle(); };

const tests = {
  shapes() {
    const browser = open();
    // What most others include is shown first.
    assert.equal(browser.at("name").textContent, "include/unit.h");
    assert.equal(browser.document.title, "include/unit.h – jmake");
    assert.deepEqual(chosen(browser), ["include/unit.h"]);
    assert.equal(browser.at("count").textContent, "10 of 10 files");
    assert.equal(browser.at("notes").textContent, "");
    assert.deepEqual(facts(browser), [
      "Is included by 3 directly, 4 in all", "Is included by 1 through others", "Includes nothing",
      "An edit compiles 2 of 2 units and links julia/libdemo.so",
    ]);
    assert.deepEqual(items(browser, "Is included by 1 through"), ["src/area.cpp in 2 steps"]);
    assert.deepEqual(items(browser, "An edit compiles"), ["src/area.cpp", "src/round.c"]);

    search(browser, "SRC  .cpp");
    assert.deepEqual(names(browser), ["src/area.cpp"]);
    assert.equal(browser.at("count").textContent, "1 of 10 files");
    assert.equal(entries(browser)[0].tabIndex, 0, "the tab key reaches it");
    search(browser, "no such file");
    assert.deepEqual(names(browser), []);
    search(browser, "");
    assert.equal(names(browser).length, 10);

    pick(browser, "order", "1");
    assert.equal(entries(browser)[0].textContent, "include/unit.h3");
    pick(browser, "order", "3");
    assert.deepEqual(entries(browser)[0].textContent, "include/unit.h2");
    pick(browser, "order", "0");
    assert.deepEqual(names(browser), [...names(browser)].sort());

    click(browser, entry(browser, "src/area.cpp"));
    assert.equal(browser.at("name").textContent, "src/area.cpp");
    assert.equal(browser.location.hash, "#src%2Farea.cpp");
    assert.ok(browser.document.activeElement !== browser.at("name"), "the list keeps the focus");
    assert.deepEqual(items(browser, "Includes 4 directly").sort(), [
      ".jmake/gen/src/config.h", "include/shape.h", "src/never.h under a condition that no compile met",
      "src/sizes.inc seen by the compiler alone",
    ]);
    assert.deepEqual(items(browser, "Uses 1 symbol of other units"), ["round_up of src/round.c"]);
    assert.deepEqual(boxes(browser).sort(), [
      ".jmake/gen/src/config.h", "include/shape.h", "src/area.cpp", "src/never.h", "src/sizes.inc",
    ]);
    assert.deepEqual(lines(browser).sort(), ["", "", "compiler", "unopened"]);
    pick(browser, "depth", "2");
    assert.ok(boxes(browser).includes("include/unit.h"), "two steps away");
    assert.equal(lines(browser).length, 5);

    // A link of the page leads on, and the heading is read out.
    const link = browser.at("facts").querySelectorAll("a").find(one => one.textContent === "src/round.c");
    follow(browser, link.getAttribute("href"));
    assert.equal(browser.at("name").textContent, "src/round.c");
    focused(browser, browser.at("name"));
    assert.deepEqual(items(browser, "Defines 1 symbol"), ["round_up weak, used by src/area.cpp"]);
    assert.deepEqual(chosen(browser), ["src/round.c"]);

    // By keys alone.
    browser.body.focus();
    assert.ok(press(browser, "/"));
    focused(browser, browser.at("search"));
    assert.ok(!press(browser, "/"), "in the field it is a letter");
    search(browser, "include/");
    assert.ok(press(browser, "Enter"));
    assert.equal(browser.at("name").textContent, "include/old.h");
    press(browser, "ArrowDown");
    assert.equal(browser.at("name").textContent, "include/shape.h");
    focused(browser, entry(browser, "include/shape.h"));
    press(browser, "End");
    assert.equal(browser.at("name").textContent, "include/unit.h");
    press(browser, "ArrowDown");
    assert.equal(browser.at("name").textContent, "include/unit.h", "there is no further");
    press(browser, "Home");
    press(browser, "ArrowUp");
    focused(browser, browser.at("search"));

    // The address names what is shown, when the page opens and later.
    assert.equal(open(html, "#src%2Fround.c").at("name").textContent, "src/round.c");
    for (const odd of ["#gone.c", "#%", "#"]) assert.equal(open(html, odd).at("name").textContent, "include/unit.h", odd);
    follow(browser, "#gone.c");
    assert.equal(browser.at("name").textContent, "include/old.h");
  },

  unbuilt() {
    const browser = open();
    assert.match(browser.at("notes").textContent, /^No build of this project is recorded/);
    assert.ok(!facts(browser).some(title => title.includes("symbol")));
  },

  actions() {
    const browser = open();
    assert.match(browser.at("count").textContent, /actions and files$/);
    assert.ok(facts(browser).some(title => title.startsWith("Is needed by ")));
    assert.ok(!facts(browser).some(title => title.startsWith("An edit compiles")));
  },

  symbols() {
    const browser = open();
    assert.equal(browser.at("count").textContent, "2 of 2 units");
    assert.deepEqual(facts(browser).slice(0, 2), ["Its symbols are used by 1 directly, 1 in all", "Uses symbols of nothing"]);
  },

  // Shapes that no small project has.
  odd() {
    const file = name => ({name, kind: "c headers"});
    const empty = with_data({nodes: [], edges: []});
    assert.equal(empty.at("name").textContent, "There is nothing to show");

    const many = with_data({nodes: Array.from({length: 700}, (_, at) => file(`h${at}.h`)), edges: []});
    assert.equal(entries(many).length, 501);
    const more = entries(many).at(-1);
    assert.equal(more.textContent, "and 200 more");
    click(many, more);
    assert.equal(entries(many).length, 700);
    focused(many, entries(many)[500], "the keys go on where the list ended");

    // A ring, a file that includes itself, and many neighbours.
    const wheel = Array.from({length: 40}, (_, at) => [0, at + 3]);
    const ring = with_data({
      nodes: ["a", "b", "self", ...wheel.map((_, at) => `w${at}`)].map(file),
      edges: [[0, 1], [1, 0], [2, 2], ...wheel], cycles: [[0, 1], [2]],
      besides: {units: [], results: [], recorded: true, no_symbols: null},
    });
    follow(ring, "#a");
    assert.ok(facts(ring).includes("Is in a ring of 2 files that include one another"));
    assert.ok(ring.at("drawing").textContent.includes("and 26 more"));
    assert.equal(boxes(ring).filter(name => name === "a").length, 1, "each is drawn once");
    follow(ring, "#self");
    assert.deepEqual(facts(ring).slice(0, 2), ["Is included by 1 directly, 1 in all", "Includes 1 directly, 1 in all"]);
    assert.deepEqual(boxes(ring), ["self"]);

    // Names that look alike once they are text: each has its own address.
    const alike = with_data({nodes: [file("\ufffd.h"), file("\ufffd.h"), file("x.h")], edges: [[1, 2]]});
    click(alike, entries(alike)[1]);
    assert.ok(facts(alike).some(title => title.startsWith("Includes 1 directly") || title.startsWith("Needs 1 directly")));

    // Keys that come faster than the browser tells of the address: the focus stays in the list.
    const fast = with_data({nodes: ["a", "b", "c", "d"].map(file), edges: []});
    entries(fast)[0].focus();
    for (const key of ["ArrowDown", "ArrowDown"]) fast.document.activeElement.does("keydown", {key});
    fast.settle();
    assert.equal(fast.at("name").textContent, "c");
    focused(fast, entries(fast)[2]);
  },
};

tests[process.argv[3]]();
console.log("good");
