"use strict";
// Keeps a page true without reloading it: asks for the version of what it shows, and when that changes, fetches the
// page again and puts its fragments in place of the old ones. The server alone knows how anything looks.

const main = document.getElementById("main");
const sign = document.getElementById("live");
const SLOWEST = 30000;
const served = new Map();
let patience = 1;
let timer = 0;

function remember() {
  for (const part of document.querySelectorAll("[data-fragment]")) served.set(part.id, part.outerHTML);
}

function show(text, lost) {
  sign.hidden = !text;
  if (sign.textContent !== text) sign.textContent = text;
  sign.classList.toggle("lost", lost);
}

// What the reader has opened, scrolled or focused within a fragment stays so in the one that takes its place.
function replace(old, part) {
  const both = (selector) => {
    const parts = part.querySelectorAll(selector);
    return Array.from(old.querySelectorAll(selector), (was, i) => [was, parts[i]]).filter(([, is]) => is);
  };
  const reachable = both("a[href], button, summary, [tabindex]");
  const focused = reachable.find(([was]) => was === document.activeElement);
  const scrolled = both("[tabindex]").map(([was, is]) => [is, was.scrollLeft, was.scrollTop]);
  for (const [was, is] of both("details")) is.open = was.open;
  for (const [was, is] of both(".picture")) is.classList.toggle("fitted", was.classList.contains("fitted"));
  for (const [was, is] of both(".fit")) is.setAttribute("aria-pressed", was.getAttribute("aria-pressed"));
  old.replaceWith(part);
  for (const [is, left, top] of scrolled) is.scrollTo(left, top);
  focused?.[1].focus({ preventScroll: true });
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("[data-fragment]")) {
    const old = document.getElementById(part.id);
    const text = part.outerHTML;
    if (!old || served.get(part.id) === text) continue;
    served.set(part.id, text);
    replace(old, document.adoptNode(part));
  }
  const next = fresh.getElementById("main").dataset;
  for (const name of ["subject", "version", "every"]) {
    if (next[name]) main.dataset[name] = next[name];
    else delete main.dataset[name];
  }
  document.dispatchEvent(new Event("refreshed"));
}

async function look() {
  const { subject, version } = main.dataset;
  try {
    const answer = await fetch(`/api/v1/version?of=${encodeURIComponent(subject)}`);
    if (!answer.ok) throw new Error(String(answer.status));
    if ((await answer.json()).version !== version) await refresh();
    patience = 1;
    show(main.dataset.every ? "live" : "", false);
  } catch {
    patience = Math.min(patience * 2, SLOWEST / 2000);
    show("connection lost", true);
  }
  plan();
}

function plan() {
  clearTimeout(timer);
  const every = Number(main.dataset.every);
  if (every && !document.hidden) timer = setTimeout(look, Math.min(every * patience, SLOWEST));
}

async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed by the browser: the way below needs no permission
    }
  }
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "skip";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button?.classList.contains("copy")) {
    const from = document.getElementById(button.dataset.copyFrom);
    const done = await copy(from ? from.textContent : button.dataset.copy);
    const label = button.textContent;
    if (label !== "Copy") return;
    button.textContent = done ? "Copied" : "Not copied";
    setTimeout(() => { button.textContent = label; }, 1500);
  } else if (button?.classList.contains("fit")) {
    const fitted = button.closest("section, .card").querySelector(".picture").classList.toggle("fitted");
    button.setAttribute("aria-pressed", String(fitted));
  }
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else if (main.dataset.every) look();
});

window.addEventListener("online", () => { if (main.dataset.every) look(); });

remember();
if (main.dataset.every) show("live", false);
plan();
