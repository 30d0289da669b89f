// Small comforts on top of pages that work without them.
"use strict";

// A form is sent once: the button shows that it is on its way and does not take a second press.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.dataset.sent) {
    if (form.dataset.sent) event.preventDefault();
    return;
  }
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (button) button.setAttribute("aria-busy", "true");
  document.getElementById("top-progress").classList.add("on");
});

// Coming back by the back button finds a form that can be sent again.
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  document.querySelectorAll("[aria-busy=true]").forEach((button) => button.removeAttribute("aria-busy"));
  document.getElementById("top-progress").classList.remove("on");
});

// An open menu closes on Escape and on a click elsewhere.
document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    menu.open = false;
    menu.querySelector("summary").focus();
  });
});

// Amount buttons fill in the field they belong to.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-fill]");
  if (!button) return;
  const field = document.getElementById(button.dataset.fill);
  field.value = button.dataset.amount;
  field.focus();
  field.dispatchEvent(new Event("change", { bubbles: true }));
});

// Typing an amount chooses the amount over the parts offered beside it.
document.addEventListener("input", (event) => {
  const chosen = event.target.dataset && event.target.dataset.chooses;
  if (chosen) document.getElementById(chosen).checked = true;
});
