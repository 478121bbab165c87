/** Facets that apply in place, and suggestions while typing. Without this script both are plain GET pages. */
import { enhance } from "./portal.js";

// Facets ------------------------------------------------------------------

const filters = document.querySelector("form[data-facets]");
const spoken = document.createElement("p");
spoken.className = "visually-hidden";
spoken.setAttribute("role", "status");

let shown = location.pathname + location.search;
let loading;

/** Put the parts of a fetched page in the place of ours; what was open stays open. */
function swap(page) {
  const open = new Set([...filters.querySelectorAll("details[open]")].map((details) => details.id));
  for (const id of ["filters", "results"]) {
    const part = page.getElementById(id);
    document.getElementById(id).replaceChildren(...part.childNodes);
    enhance(document.getElementById(id));
  }
  for (const details of filters.querySelectorAll("details[id]")) details.open ||= open.has(details.id);
  const lists = page.querySelectorAll("[data-languages]");
  document.querySelectorAll("[data-languages]").forEach((list, at) => list.replaceChildren(...lists[at].childNodes));
  for (const field of filters.elements) {
    if (field.type === "search" && field.name) field.value = new URLSearchParams(location.search).get(field.name) ?? "";
  }
  document.title = page.title;
  spoken.textContent = document.querySelector(".results__count")?.textContent.trim() ?? "";
}

async function show(address) {
  loading?.abort();
  loading = new AbortController();
  const answer = await fetch(address, { signal: loading.signal, headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(answer.statusText);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (!page.getElementById("results")) throw new Error("not a list");
  return page;
}

function addressOf(form) {
  const address = new URL(form.action);
  address.search = new URLSearchParams(new FormData(form)).toString();
  return address;
}

async function apply(event) {
  event.preventDefault();
  const address = addressOf(filters);
  const inDrawer = filters.matches(":popover-open");
  try {
    const page = await show(address);
    history.pushState(null, "", address);
    shown = location.pathname + location.search;
    if (inDrawer) filters.hidePopover();
    const inFilters = filters.contains(document.activeElement);
    swap(page);
    if (inDrawer) document.querySelector(".results__count")?.focus();
    else if (inFilters) filters.querySelector(".filters__apply .button")?.focus();
  } catch (error) {
    if (error.name !== "AbortError") location.assign(address);
  }
}

if (filters) {
  document.body.append(spoken);
  filters.addEventListener("submit", apply);
  window.addEventListener("popstate", async () => {
    if (location.pathname + location.search === shown) return;
    shown = location.pathname + location.search;
    try {
      swap(await show(location.href));
    } catch (error) {
      if (error.name !== "AbortError") location.reload();
    }
  });
}

// Suggestions: a combobox with a listbox (WAI-ARIA Authoring Practices) ----------

function suggest(input) {
  const list = document.createElement("ul");
  list.id = `${input.id}-suggestions`;
  list.className = "suggestions";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", input.dataset.suggestLabel);
  input.parentElement.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id,
  })) input.setAttribute(name, value);

  let timer;
  let request;
  let at = -1;

  function close() {
    clearTimeout(timer);
    request?.abort();
    at = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    at = index;
    [...list.children].forEach((option, position) => option.setAttribute("aria-selected", String(position === at)));
    if (at < 0) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", list.children[at].id);
    return list.children[at].scrollIntoView({ block: "nearest" });
  }

  function draw(suggestions) {
    list.replaceChildren(...suggestions.map(({ title, url, kind, lang, dir }, index) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${index}`;
      option.className = "suggestions__option";
      option.dataset.url = url;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      const name = document.createElement("bdi");
      name.textContent = title;
      if (lang) name.lang = lang;
      if (dir) name.dir = dir;
      option.append(name);
      if (kind) {
        const badge = document.createElement("span");
        badge.className = "badge";
        badge.textContent = kind;
        option.append(" ", badge);
      }
      return option;
    }));
    choose(-1);
    list.hidden = !suggestions.length;
    input.setAttribute("aria-expanded", String(Boolean(suggestions.length)));
  }

  async function ask() {
    const typed = input.value.trim();
    if (typed.length < 2) return close();
    request?.abort();
    request = new AbortController();
    try {
      const address = new URL(input.dataset.suggest, location.href);
      address.searchParams.set("q", typed);
      const answer = await fetch(address, { signal: request.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) return close();
      const { suggestions } = await answer.json();
      return document.activeElement === input ? draw(suggestions) : close();
    } catch (error) {
      return error.name === "AbortError" ? undefined : close();
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, 150);
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const count = list.hidden ? 0 : list.children.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (!count) return void (event.key === "ArrowDown" && ask());
      event.preventDefault();
      // One step beyond either end is the field itself.
      const steps = count + 1;
      choose((at + 1 + (event.key === "ArrowDown" ? 1 : -1) + steps) % steps - 1);
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      location.assign(list.children[at].dataset.url);
    } else if (event.key === "Enter") {
      close();
    } else if (event.key === "Escape" && count) {
      event.preventDefault();
      close();
    }
  });
  input.addEventListener("blur", close);
  // The field keeps the focus while the pointer chooses.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) location.assign(option.dataset.url);
  });
}

document.querySelectorAll("input[data-suggest]").forEach(suggest);
