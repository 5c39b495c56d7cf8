// Forms marked data-passkey ("create" or "get"): before they are sent, the browser's passkey answers the
// options that stand in the form (templates/parts/passkey.html), and its answer goes along.

const OLD = "This browser is too old for passkeys here. Update it, or use another way.";
const STOPPED = "It was stopped, took too long, or this device has no passkey for it. Try again, or use another way.";
const TWICE = "This device has a passkey for your account already.";

async function answerOf(kind, options) {
  if (kind === "create") {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const field = form.querySelector("[data-passkey-answer]");
  const told = form.querySelector("[data-passkey-told]");
  const say = (sentence) => {
    told.textContent = sentence;
    told.hidden = !sentence;
  };
  let busy = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
      say(OLD);
      return;
    }
    busy = true;
    say("");
    try {
      const credential = await answerOf(form.dataset.passkey, JSON.parse(field.dataset.options));
      field.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      say(error.name === "InvalidStateError" ? TWICE : STOPPED);
      busy = false;
    }
  });
}
