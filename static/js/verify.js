/** Verification page: the chosen or dropped file is hashed here; only its fingerprint goes to the portal, as an address. */

const form = document.querySelector("[data-verify-file]");
const LARGEST = 10 * 1024 * 1024;

async function fingerprint(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The bytes from the start to where the file's first seal says that it ends; null without a seal, or if that is the end. */
function sealedPart(bytes) {
  const text = new TextDecoder("latin1").decode(bytes);
  const range = /\/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]/.exec(text);
  const end = range ? Number(range[2]) + Number(range[3]) : 0;
  return end > 0 && end < bytes.length ? bytes.subarray(0, end) : null;
}

async function check(file) {
  const status = form.querySelector("[data-verify-status]");
  if (file.size > LARGEST) {
    form.submit(); // the portal says what is wrong
    return;
  }
  status.textContent = status.dataset.textReading;
  const bytes = new Uint8Array(await file.arrayBuffer());
  const query = new URLSearchParams({ sha256: await fingerprint(bytes) });
  const part = sealedPart(bytes);
  if (part) query.set("part", await fingerprint(part));
  window.location.assign(`${form.getAttribute("action")}?${query}#answer`);
}

if (form && window.crypto?.subtle) {
  const input = form.querySelector("input[type=file]");
  form.querySelector("[data-without-script]").hidden = true;
  form.querySelector("[data-with-script]").hidden = false;
  form.addEventListener("submit", (event) => {
    const [file] = input.files;
    if (!file) return;
    event.preventDefault();
    check(file);
  });
  input.addEventListener("change", () => { if (input.files.length) check(input.files[0]); });
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => { event.preventDefault(); });
  }
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    if (event.dataTransfer.files.length) check(event.dataTransfer.files[0]);
  });
}

const answer = document.querySelector("#answer-section h2");
if (answer) answer.focus();
