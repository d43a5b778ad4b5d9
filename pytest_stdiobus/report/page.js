"use strict";
const form = document.querySelector(".filter");
const none = document.querySelector(".none");
const rows = [...document.querySelectorAll("tbody[data-outcomes]")].map((body) => ({
  body,
  text: body.textContent.toLowerCase(),
  outcomes: body.dataset.outcomes.split(" "),
}));

function show() {
  const text = form.text.value.trim().toLowerCase();
  const wanted = form.outcome.value;
  let shown = 0;
  for (const row of rows) {
    const fits = wanted === "!pass" ? row.outcomes.some((one) => one !== "pass") : !wanted || row.outcomes.includes(wanted);
    row.body.hidden = !fits || !row.text.includes(text);
    shown += row.body.hidden ? 0 : 1;
  }
  none.hidden = shown > 0;
}

form.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
show();
