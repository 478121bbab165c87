// Forms with a fieldset for each language (workplace.language_fieldsets): shows one at a time, under a strip of tabs.
// Without this file all fieldsets stand one below the other.

const panels = [...document.querySelectorAll("fieldset.language-panel")];
const filled = (panel) => [...panel.querySelectorAll("input, textarea")].some((field) => field.value.trim());
const wrong = (panel) => panel.querySelector(".errorlist, .errors") !== null;

function build() {
  const strip = document.createElement("div");
  strip.className = "language-tabs";
  strip.setAttribute("role", "tablist");
  const tabs = panels.map((panel, index) => {
    const heading = panel.querySelector(".fieldset-heading");
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `language-tab-${index}`;
    tab.textContent = heading.textContent;
    tab.setAttribute("role", "tab");
    const frame = document.createElement("div");
    frame.id = `language-panel-${index}`;
    frame.setAttribute("role", "tabpanel");
    frame.setAttribute("aria-labelledby", tab.id);
    tab.setAttribute("aria-controls", frame.id);
    panel.replaceWith(frame);
    frame.append(panel);
    heading.classList.add("visually-hidden");
    panel.addEventListener("input", () => mark(tab, panel));
    tab.addEventListener("click", () => show(tabs, index));
    mark(tab, panel);
    strip.append(tab);
    return tab;
  });
  strip.addEventListener("keydown", (event) => move(event, tabs));
  panels[0].parentElement.before(strip);
  strip.setAttribute("aria-label", document.querySelector("[data-languages-label]")?.dataset.languagesLabel ?? "");
  show(tabs, start());
}

function start() {
  const faulty = panels.findIndex(wrong);
  const language = document.documentElement.lang.toLowerCase();
  const own = panels.findIndex((panel) => panel.querySelector("[lang]")?.lang.toLowerCase() === language);
  return faulty >= 0 ? faulty : Math.max(own, 0);
}

function mark(tab, panel) {
  tab.classList.toggle("is-filled", filled(panel));
  tab.classList.toggle("is-wrong", wrong(panel));
}

function show(tabs, chosen) {
  tabs.forEach((tab, index) => {
    tab.setAttribute("aria-selected", String(index === chosen));
    tab.tabIndex = index === chosen ? 0 : -1;
    panels[index].parentElement.hidden = index !== chosen;
  });
}

function move(event, tabs) {
  const forward = getComputedStyle(event.currentTarget).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  if (!["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  event.preventDefault();
  const now = tabs.indexOf(document.activeElement);
  const last = tabs.length - 1;
  let next = { Home: 0, End: last }[event.key];
  if (next === undefined) next = (now + (event.key === forward ? 1 : -1) + tabs.length) % tabs.length;
  show(tabs, next);
  tabs[next].focus();
}

if (panels.length) build();
