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

const DAY = 86_400_000;
// Names of before that browsers still report.
const CITIES = { Calcutta: "Kolkata", Katmandu: "Kathmandu", Rangoon: "Yangon", Saigon: "Ho Chi Minh" };

/** The reader's place in words: the city in English, elsewhere what the language calls the zone. */
function placeOf(instant) {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const city = timeZone.split("/").pop().replaceAll("_", " ");
  if (document.documentElement.lang === "en") return CITIES[city] ?? city;
  const parts = new Intl.DateTimeFormat(document.documentElement.lang, { timeZoneName: "longGeneric" }).formatToParts(instant);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? city;
}

/** “18:00”, and “+1 day” where the reader's calendar shows another day than the written one. */
function hourOf(instant, writtenDay) {
  const two = (number) => String(number).padStart(2, "0");
  const midnight = Date.UTC(instant.getFullYear(), instant.getMonth(), instant.getDate());
  const days = (midnight - Date.parse(writtenDay)) / DAY;
  const note = { "1": words.textNextDay, "-1": words.textPreviousDay }[days] ?? formatted(instant, { dateStyle: "medium" });
  return { hour: `${two(instant.getHours())}:${two(instant.getMinutes())}`, note: days ? note : "" };
}

/** Adds the same instant, or span, in the reader's own zone, where its offset is another; the words stay as they are. */
function addLocalTime(time) {
  const written = [time.dateTime, time.dataset.until].filter(Boolean);
  const instants = written.map((text) => new Date(text));
  const offsets = written.map((text) => {
    const [, sign, hours, minutes] = text.match(/([+-])(\d\d):?(\d\d)$/) ?? [null, "+", 0, 0];
    return Number(`${sign}1`) * (hours * 60 + Number(minutes));
  });
  if (instants.every((instant, at) => -instant.getTimezoneOffset() === offsets[at])) return;
  // The end of less than a day is told from the first day, as the next morning belongs to the night before.
  const isShort = instants.at(-1) - instants[0] < DAY;
  const found = instants.map((instant, at) => hourOf(instant, written[isShort ? 0 : at].slice(0, 10)));
  const notes = new Set(found.map(({ note }) => note));
  const hours = notes.size > 1
    ? found.map(({ hour, note }) => (note ? `${hour} (${note})` : hour)).join(" – ")
    : found.map(({ hour }) => hour).join("–");
  const common = notes.size > 1 ? "" : found[0].note;
  const isolate = document.dir === "rtl" ? "\u2067" : "\u2066";  // in the order of reading, whatever stands around it
  const text = (common ? words.textLocalDay : words.textLocalTime)
    .replace("{hours}", `${isolate}${hours}\u2069`)
    .replace("{place}", `\u2068${placeOf(instants[0])}\u2069`)
    .replace("{day}", common);
  const note = document.createElement("span");
  note.className = "meta local-time";
  note.textContent = ` = ${text}`;
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
