// As much of a browser as the page of `jmake graph --format html` uses, and no more: what the page asks
// for beyond it fails the test.

export class Element {
  constructor(browser, tag) {
    Object.assign(this, {browser, tag, parent: null, childNodes: [], listeners: new Map(), attributes: new Map()});
    Object.assign(this, {value: "", tabIndex: -1, clientWidth: 800, scrollLeft: 0, scrollTop: 0});
  }
  get tagName() { return this.tag.toUpperCase(); }
  get id() { return this.getAttribute("id") || ""; }
  get dataset() {
    const data = [...this.attributes].filter(([key]) => key.startsWith("data-"));
    return Object.fromEntries(data.map(([key, value]) => [key.slice(5), value]));
  }
  setAttribute(key, value) {
    this.attributes.set(key, String(value));
    if (key === "value") this.value = String(value);
    if (key === "tabindex") this.tabIndex = Number(value);
  }
  getAttribute(key) { return this.attributes.has(key) ? this.attributes.get(key) : null; }
  append(...children) {
    for (const child of children) {
      if (child instanceof Element) child.parent = this;
      this.childNodes.push(child instanceof Element ? child : String(child));
    }
    // A choice stands at its first until another is made.
    if (this.tag === "select" && this.value === "") this.value = this.elements()[0]?.value ?? "";
  }
  replaceChildren(...children) {
    // What is focused is not any more once it is gone.
    if (this.all().includes(this.browser.document.activeElement)) this.browser.document.activeElement = this.browser.body;
    this.childNodes = [];
    this.append(...children);
  }
  elements() { return this.childNodes.filter(child => child instanceof Element); }
  all() { return this.elements().flatMap(child => [child, ...child.all()]); }
  get textContent() { return this.childNodes.map(child => child instanceof Element ? child.textContent : child).join(""); }
  set textContent(text) { this.childNodes = [String(text)]; }
  matches(selector) {
    const [, tag, key, value] = /^([a-z]*)(?:\[([a-z-]+)=([a-z]+)\])?$/.exec(selector) ?? [];
    if (!tag && !key) throw new Error(`the stand-in does not know the selector ${selector}`);
    return (!tag || this.tag === tag) && (!key || this.getAttribute(key) === value);
  }
  querySelectorAll(selector) { return this.all().filter(element => element.matches(selector)); }
  querySelector(selector) { return this.querySelectorAll(selector)[0] ?? null; }
  closest(selector) { return this.matches(selector) ? this : this.parent?.closest(selector) ?? null; }
  addEventListener(kind, listener) { this.listeners.set(kind, [...(this.listeners.get(kind) ?? []), listener]); }
  focus() { this.browser.document.activeElement = this; }
  select() { this.browser.selected = this; }
  scrollIntoView() {}

  // What a user does; the event goes up to the window.
  does(kind, more = {}) {
    let isPrevented = false;
    const event = {target: this, preventDefault() { isPrevented = true; }, ...more};
    for (let at = this; at; at = at.parent) (at.listeners.get(kind) ?? []).forEach(listener => listener(event));
    (this.browser.listeners.get(kind) ?? []).forEach(listener => listener(event));
    return isPrevented;
  }
}

export class Browser {
  listeners = new Map();
  // Changes of the address are told of later, one by one.
  changes = 0;
  constructor(html, hash) {
    this.body = new Element(this, "body");
    const elements = new Map();
    for (const [, tag, attributes] of html.split("<script")[0].matchAll(/<(aside|main|input|select|ul|div|h1)([^>]*)>/g)) {
      const element = new Element(this, tag);
      for (const [, key, value] of attributes.matchAll(/([a-z-]+)="([^"]*)"/g)) element.setAttribute(key, value);
      this.body.append(element);
      if (element.id) elements.set(element.id, element);
    }
    const steps = /<select id="depth".*?<\/select>/s.exec(html)[0].matchAll(/<option>([^<]*)/g);
    for (const [, step] of steps) {
      const option = new Element(this, "option");
      option.setAttribute("value", step);
      elements.get("depth").append(option);
    }
    const data = new Element(this, "script");
    data.textContent = /id="data">(.*?)<\/script>/s.exec(html)[1];
    elements.set("data", data);
    this.document = {
      title: "", activeElement: this.body,
      getElementById: id => elements.get(id) ?? null,
      createElement: tag => new Element(this, tag),
      createElementNS: (_, tag) => new Element(this, tag),
      querySelector: selector => this.body.querySelector(selector),
    };
    const browser = this;
    this.location = {
      at: hash,
      get hash() { return this.at; },
      set hash(text) { if (text !== this.at) { this.at = text; browser.changes += 1; } },
    };
  }
  addEventListener(kind, listener) { this.listeners.set(kind, [...(this.listeners.get(kind) ?? []), listener]); }
  at(id) { return this.document.getElementById(id); }
  // Lets the browser tell of the changes of the address.
  settle() {
    for (; this.changes > 0; this.changes -= 1) (this.listeners.get("hashchange") ?? []).forEach(listener => listener());
  }
}
