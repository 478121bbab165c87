// The wall of a signing ceremony: asks every two seconds whether anybody signed; a 304 costs nothing.

const PAUSE = 2000;
const SLOWEST = 30_000;

const wall = document.querySelector("[data-wall]");
const status = document.querySelector("[data-wall-status]");
const stage = document.querySelector("[data-wall-stage]");

let shown = wall.dataset.version;
let pause = PAUSE;

async function ask() {
  try {
    const answer = await fetch(wall.dataset.wall, { cache: "no-cache", headers: { Accept: "text/html" } });
    if (!answer.ok) throw new Error(String(answer.status));
    pause = PAUSE;
    const version = answer.headers.get("ETag") ?? "";
    if (!version.includes(shown)) {
      show(await answer.text());
      shown = version;
    }
  } catch {
    pause = Math.min(pause * 2, SLOWEST); // the server rests: ask less often
  }
  setTimeout(ask, document.hidden ? SLOWEST : pause);
}

function show(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").body;
  wall.replaceChildren(...fresh.childNodes);
  status.textContent = [...wall.querySelectorAll("[data-wall-count]")].map((line) => line.textContent.trim()).join(" ");
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) pause = PAUSE;
});

if (document.fullscreenEnabled && stage) {
  stage.hidden = false;
  stage.addEventListener("click", () => wall.requestFullscreen());
}

ask();
