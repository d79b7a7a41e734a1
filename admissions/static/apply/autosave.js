// Says when what was typed could not be saved, and tries again once the connection is back.
"use strict";
const show = (failed) => { document.getElementById("unsaved").hidden = !failed; };
for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) document.addEventListener(name, () => show(true));
document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) show(false); });
window.addEventListener("online", () => document.querySelector("form.writing").dispatchEvent(new Event("input")));
