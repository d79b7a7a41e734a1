// What allauth's script for passkeys leaves out: it tells faults to the console only, and Enter sends its form empty.
"use strict";

document.addEventListener("allauth.error", (event) => {
  const told = document.getElementById("passkey_told");
  event.preventDefault();
  if (!window.PublicKeyCredential) told.textContent = told.dataset.missing;
  told.hidden = false;
});

const add = document.getElementById("mfa_webauthn_add");
add?.form.addEventListener("submit", (event) => {
  event.preventDefault();
  add.click();
});
