"use strict";
// The page is whole without this script; it adds sorting, reading values off charts, choosing pictures and the theme.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];

// Theme: automatic, light, dark. "#theme=dark" in the address sets it for one visit.
{
  const order = ["automatic", "light", "dark"];
  const button = document.getElementById("theme");
  let theme = "automatic";
  const apply = () => {
    if (theme === "automatic") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.textContent = `Theme: ${theme}`;
  };
  try {
    theme = localStorage.getItem("rugged-theme") ?? theme;
  } catch { /* A browser may refuse storage to a local file. */ }
  theme = /#theme=(\w+)/.exec(location.hash)?.[1] ?? theme;
  if (!order.includes(theme)) theme = "automatic";
  button.addEventListener("click", () => {
    theme = order[(order.indexOf(theme) + 1) % order.length];
    try {
      localStorage.setItem("rugged-theme", theme);
    } catch { /* Then it lasts for this visit. */ }
    apply();
  });
  button.hidden = false;
  apply();
}

// Sorting. Numbers start descending, names ascending; what has no value stays at the end.
{
  const valueOf = (row, column) => {
    const text = row.cells[column].dataset.value;
    return row.cells[column].tagName === "TH" ? text : text === "" ? null : Number(text);
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  };
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    const body = table.tBodies[0];
    heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
      const ascending = head.ariaSort === "none" ? column === 0 : head.ariaSort === "descending";
      for (const other of heads) other.ariaSort = "none";
      head.ariaSort = ascending ? "ascending" : "descending";
      const rows = [...body.rows];
      rows.sort((a, b) => compare(valueOf(a, column), valueOf(b, column), ascending ? 1 : -1));
      body.append(...rows);
    }));
  }
}

// Charts: pointer or arrow keys read the values at one x.
{
  const tip = document.getElementById("tip");
  const say = (reading, index) => {
    const title = document.createElement("b");
    title.textContent = `${reading.title}, ${reading.heads[index]}`;
    const lines = reading.lines.map((line) => {
      const row = document.createElement("span");
      const name = document.createElement("em");
      const value = document.createElement("i");
      name.textContent = line.name;
      value.textContent = line.text[index];
      row.append(name, value);
      return row;
    });
    tip.replaceChildren(title, ...lines);
  };
  const place = (x, y) => {
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
    tip.style.left = `${Math.max(6, left)}px`;
    tip.style.top = `${Math.max(6, Math.min(y - box.height / 2, innerHeight - box.height - 6))}px`;
  };
  for (const chart of all("svg.chart")) {
    const reading = JSON.parse(chart.dataset.chart);
    const cursor = chart.querySelector(".cursor");
    let index = 0;
    const show = (clientY) => {
      const box = chart.getBoundingClientRect();
      const scale = box.width / chart.viewBox.baseVal.width;
      cursor.setAttribute("visibility", "visible");
      cursor.setAttribute("transform", `translate(${reading.x[index]} 0)`);
      say(reading, index);
      place(box.left + reading.x[index] * scale, clientY ?? box.top + box.height / 2);
    };
    const hide = () => {
      cursor.setAttribute("visibility", "hidden");
      tip.hidden = true;
    };
    const follow = (event) => {
      const box = chart.getBoundingClientRect();
      const x = (event.clientX - box.left) * chart.viewBox.baseVal.width / box.width;
      const distances = reading.x.map((place) => Math.abs(place - x));
      index = distances.indexOf(Math.min(...distances));
      show(event.clientY);
    };
    chart.addEventListener("pointermove", follow);
    chart.addEventListener("pointerdown", follow);
    chart.addEventListener("pointerleave", hide);
    chart.addEventListener("blur", hide);
    chart.addEventListener("focus", () => { if (chart.matches(":focus-visible")) show(); });
    chart.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      index = Math.max(0, Math.min(reading.x.length - 1, index + step));
      show();
    });
  }
}

// Pictures: one corruption and one model at a time.
{
  const choose = (field, selector, name) => {
    if (!field) return;
    const apply = () => {
      const chosen = field.querySelector("input:checked").value;
      for (const one of all(selector, document.getElementById("gallery"))) one.hidden = one.dataset[name] !== chosen;
    };
    field.hidden = false;
    field.addEventListener("change", apply);
    apply();
  };
  choose(document.getElementById("pick-corruption"), "tbody[data-corruption]", "corruption");
  choose(document.getElementById("pick-model"), ".answer", "model");
}

// The section being read is marked in the navigation.
{
  const links = new Map(all(".side nav a").map((link) => [link.hash.slice(1), link]));
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const section of all("main section")) observer.observe(section);
}
