/** The moderator's desk looks for news every ten seconds; without this script a link does it. */

const EVERY = 10_000;
const desk = document.querySelector("[data-desk]");

/** Nothing moves under a finger: while something in the desk has the focus, or the page is out of sight, it waits. */
const busy = () => document.hidden || desk.contains(document.activeElement) || Boolean(document.querySelector(":active"));

async function look() {
  if (busy()) return;
  const answer = await fetch(desk.dataset.desk, { cache: "no-store", referrerPolicy: "no-referrer" });
  if (answer.status === 410) location.reload();
  if (!answer.ok || busy()) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-desk]");
  if (!fresh || fresh.isEqualNode(desk)) return;
  const count = desk.querySelector("[data-desk-count]");
  const words = fresh.querySelector("[data-desk-count]");
  if (count.textContent !== words.textContent) count.textContent = words.textContent; // stays in place, so that it is announced
  words.replaceWith(count);
  desk.replaceChildren(...fresh.childNodes);
}

if (desk) setInterval(() => look().catch(() => {}), EVERY);
