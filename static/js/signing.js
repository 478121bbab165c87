/** The Head's page. A tap on the button makes a passkey and signs the letter with it; without that tap nothing is done.
 *  Without this script, or without passkeys, the same form asks for a code by e-mail. */

const form = document.querySelector("form[data-sign]");
const print = document.querySelector("[data-print]");

if (print) {
  print.hidden = false;
  print.addEventListener("click", () => window.print());
}

// Bytes travel as base64url, with which WebAuthn's JSON is written; not every phone has the browser's own functions for it.
const toBytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

/** What the portal refused, in its own words. */
class Refusal extends Error {}

async function post(address, data) {
  const answer = await fetch(address, { method: "POST", body: data, headers: { Accept: "application/json" } });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(content.error ?? form.dataset.textFailed);
  return content;
}

/** A new passkey for this signature: its public key goes into the evidence. */
async function makeKey(options) {
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: [],
  };
  const credential = await navigator.credentials.create({ publicKey });
  const answer = {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: {
      clientDataJSON: toText(credential.response.clientDataJSON),
      attestationObject: toText(credential.response.attestationObject),
    },
    clientExtensionResults: {},
  };
  return [credential.rawId, answer];
}

/** The key signs the statement: its hash is the challenge. */
async function signWith(id, challenge, rpId) {
  const credential = await navigator.credentials.get({
    publicKey: {
      challenge: toBytes(challenge),
      rpId,
      allowCredentials: [{ type: "public-key", id }],
      userVerification: "required",
    },
  });
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: {
      clientDataJSON: toText(credential.response.clientDataJSON),
      authenticatorData: toText(credential.response.authenticatorData),
      signature: toText(credential.response.signature),
    },
    clientExtensionResults: {},
  };
}

async function sign() {
  const prepared = await post(form.dataset.prepare, new FormData(form));
  const [id, registration] = await makeKey(prepared.options);
  const assertion = await signWith(id, prepared.challenge, prepared.options.rp.id);
  const proof = new FormData();
  proof.set("sealed", prepared.sealed);
  proof.set("state", prepared.state);
  proof.set("registration", JSON.stringify(registration));
  proof.set("assertion", JSON.stringify(assertion));
  return post(form.dataset.passkey, proof);
}

if (form?.dataset.prepare && window.PublicKeyCredential && window.isSecureContext) {
  const part = (name) => form.querySelector(`[data-${name}]`);
  const [button, byCode, trouble, state] = ["with-passkey", "with-code", "trouble", "state"].map(part);
  byCode.hidden = part("hint-passkey").hidden = false;
  part("hint-code").hidden = true;

  form.addEventListener("submit", async (event) => {
    if (event.submitter === byCode) return;
    event.preventDefault();
    if (button.disabled || !form.reportValidity()) return;
    button.disabled = true;
    trouble.hidden = true;
    state.textContent = form.dataset.textWait;
    try {
      const { done } = await sign();
      location.assign(done);
    } catch (error) {
      button.disabled = false;
      state.textContent = "";
      trouble.textContent = error instanceof Refusal ? error.message : error instanceof TypeError ? form.dataset.textFailed : form.dataset.textStopped;
      trouble.hidden = false;
      trouble.focus();
    }
  });
}
