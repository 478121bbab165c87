/** Small improvements of pages that already work. Words come from the data-text- attributes of the body. */

const words = document.body.dataset;
const all = (selector, root = document) => root.querySelectorAll(selector);

const formatted = (date, style) =>
  new Intl.DateTimeFormat([document.documentElement.lang.replace(/^en$/, "en-GB")], { numberingSystem: "latn", ...style }).format(date);

function button(text, className, act) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = `button button--quiet ${className}`;
  element.textContent = text;
  element.addEventListener("click", () => act(element));
  return element;
}

function addCopyButton(source) {
  const copy = button(words.textCopy, "button--small copy-button", async (self) => {
    await navigator.clipboard.writeText(source.dataset.copy || source.textContent.trim());
    self.textContent = words.textCopied;
    setTimeout(() => { self.textContent = words.textCopy; }, 3000);
  });
  copy.setAttribute("aria-live", "polite");
  source.after(" ", copy);
}

function addShowPassword(input) {
  const row = document.createElement("div");
  row.className = "password-row";
  input.replaceWith(row);
  row.append(input, button(words.textShowPassword, "", (self) => {
    const hidden = input.type === "password";
    input.type = hidden ? "text" : "password";
    self.textContent = hidden ? words.textHidePassword : words.textShowPassword;
  }));
  // A password shown on the screen is sent as a password, so that the browser does not keep it as text.
  input.form?.addEventListener("submit", () => { input.type = "password"; });
}

/** A box above a long group of values that hides those without the typed letters. */
function addNarrow(group) {
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const label = document.createElement("label");
  label.className = "facet__narrow meta";
  label.textContent = group.dataset.narrow;
  const box = document.createElement("input");
  box.type = "search";
  box.className = "input";
  box.autocomplete = "off";
  label.append(box);
  box.addEventListener("input", () => {
    const typed = plain(box.value.trim());
    const more = group.querySelector("details");
    if (more && typed) more.open = true;
    for (const option of all(".facet__option", group)) {
      option.hidden = !plain(option.querySelector(".facet__label").textContent).includes(typed);
    }
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  group.querySelector("legend").after(label);
}

/** The same instant in the reader's own zone, where it differs from what the page says. */
function addLocalTime(time) {
  const instant = new Date(time.dateTime);
  const [, sign, hours, minutes] = time.dateTime.match(/([+-])(\d\d):?(\d\d)$/) ?? [null, "+", 0, 0];
  if (-instant.getTimezoneOffset() === Number(`${sign}1`) * (hours * 60 + Number(minutes))) return;
  const local = formatted(instant, { dateStyle: "medium", timeStyle: "short" });
  const note = document.createElement("span");
  note.className = "meta";
  note.textContent = ` (${words.textLocalTime}: ${local})`;
  time.after(note);
}

export function enhance(root = document) {
  if (navigator.clipboard) all("[data-copy]", root).forEach(addCopyButton);
  all("input[type=password]", root).forEach(addShowPassword);
  all("[data-narrow]", root).forEach(addNarrow);
  all("time[data-local-time]", root).forEach(addLocalTime);
}

enhance();
document.querySelector("[data-error-summary]")?.focus();

// Menus that are details close on a click outside and on Escape.
function closeMenus(except) {
  for (const menu of all("details[data-menu][open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.activeElement?.closest("details[data-menu][open]");
  closeMenus(null);
  menu?.querySelector("summary").focus();
});

// A GET form leaves empty fields out of the address.
document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const name of new Set(event.formData.keys())) {
    const filled = event.formData.getAll(name).filter((value) => value !== "");
    event.formData.delete(name);
    for (const value of filled) event.formData.append(name, value);
  }
});

// An open drawer or menu closes where the wide layout shows it in place.
for (const [query, selector] of [["(width >= 48em)", ".nav"], ["(width >= 64em)", ".filters"]]) {
  matchMedia(query).addEventListener("change", () => {
    const panel = document.querySelector(selector);
    if (panel?.matches(":popover-open")) panel.hidePopover();
  });
}

window.addEventListener("beforeprint", () => {
  for (const time of all("[data-print-date]")) time.textContent = formatted(new Date(), { dateStyle: "long" });
});
