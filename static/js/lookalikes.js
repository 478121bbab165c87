/** While a name is typed: entities that may be the same, as links below the field. The page works without it. */

const WAIT = 350; // milliseconds after the last letter

for (const place of document.querySelectorAll("[data-look-alikes]")) {
  const box = document.createElement("div");
  box.className = "field";
  box.setAttribute("role", "status");
  const value = (name) => place.querySelector(`[name="${name}"]`)?.value ?? "";
  let timer;
  let asked;

  async function ask(field) {
    asked?.abort();
    const words = field.value.trim();
    if (words.length < 3) return box.replaceChildren();
    asked = new AbortController();
    const query = new URLSearchParams({ q: words, country: value("country"), website: value("website") });
    try {
      const answer = await fetch(`${place.dataset.lookAlikes}?${query}`, { signal: asked.signal });
      if (answer.ok) show(field, (await answer.json()).entities);
    } catch (error) {
      if (error.name !== "AbortError") box.replaceChildren();
    }
  }

  function show(field, entities) {
    if (!entities.length) return box.replaceChildren();
    const title = document.createElement("p");
    title.className = "field__hint";
    title.textContent = place.dataset.lookAlikesLabel;
    const list = document.createElement("ul");
    for (const entity of entities) {
      const link = document.createElement("a");
      link.href = entity.url;
      const name = document.createElement("bdi");
      name.textContent = entity.name;
      link.append(name);
      const about = document.createElement("span");
      about.className = "meta";
      about.textContent = ` ${entity.about}`;
      const item = document.createElement("li");
      item.append(link, about);
      list.append(item);
    }
    (field.closest(".field") ?? field.closest(".search-box") ?? field).after(box);
    box.replaceChildren(title, list);
  }

  place.addEventListener("input", (event) => {
    if (!/^(q|official_name_\w+|short_name_\w+)$/.test(event.target.name)) return;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT, event.target);
  });
}
