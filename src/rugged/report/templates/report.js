"use strict";
// The page is whole without this script; it adds sorting, reading values off charts and tables, choosing and the theme.

const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, text = "", name = "") => Object.assign(document.createElement(tag), { textContent: text, className: name });
const stored = (id) => {
  const element = document.getElementById(id);
  return element && JSON.parse(element.textContent);
};
const data = stored("data");

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
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent;
    if (cell.tagName === "TH" || cell.matches(".words")) return text;
    return text === "" || text === "–" ? null : Number(text);
  };
  const compare = (a, b, sign) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  };
  for (const table of all("table.sortable")) {
    const heads = all("thead th", table);
    const body = table.tBodies[0];
    heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
      const named = column === 0 || body.rows[0]?.cells[column].matches(".words");
      const ascending = head.ariaSort === "none" ? named : head.ariaSort === "descending";
      for (const other of heads) other.ariaSort = "none";
      head.ariaSort = ascending ? "ascending" : "descending";
      const rows = [...body.rows];
      rows.sort((a, b) => compare(valueOf(a, column), valueOf(b, column), ascending ? 1 : -1));
      body.append(...rows);
    }));
  }
}

// What is read off a chart or a table.
const tip = document.getElementById("tip");
const placeTip = (x, y) => {
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = x + 14 + box.width > innerWidth ? x - 14 - box.width : x + 14;
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${Math.max(6, Math.min(y - box.height / 2, innerHeight - box.height - 6))}px`;
};
const tipLine = (left, right) => {
  const row = make("span");
  row.append(make("em", left), make("i", right));
  return row;
};

// Charts: pointer or arrow keys read the values at one x.
{
  const say = (reading, index) => {
    const title = make("b", `${reading.title}, ${reading.heads[index]}`);
    const lines = reading.lines.map((line) => tipLine(line.name, line.text[index]));
    tip.replaceChildren(title, ...lines);
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
      placeTip(box.left + reading.x[index] * scale, clientY ?? box.top + box.height / 2);
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

// Thumbnails of the classes: cut from sheets that are decoded when they are first needed.
const thumbnails = (() => {
  let table = null;
  const images = [];
  const sheet = (index) => {
    images[index] ??= (async () => {
      const image = new Image();
      image.src = table.sheets[index];
      await image.decode();
      return image;
    })();
    return images[index];
  };
  return {
    // Draws one class as it is clean (0) or under a corruption (1 and up); hides the canvas where there is no picture.
    async draw(canvas, label, index) {
      table ??= stored("thumbnails");
      canvas.hidden = !table || !table.sheets[index] || !table.known[label];
      if (canvas.hidden) return;
      const { columns, width, height } = table;
      Object.assign(canvas, { width, height });
      const image = await sheet(index);
      canvas.getContext("2d").drawImage(
        image, (label % columns) * width, Math.floor(label / columns) * height, width, height, 0, 0, width, height,
      );
    },
    get severity() { return table?.severity; },
  };
})();
{
  const observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      thumbnails.draw(target, Number(target.dataset.label), 0);
    }
  }, { rootMargin: "600px" });
  for (const canvas of all("canvas.thumb")) observer.observe(canvas);
}

// Heat map: pointer or arrow keys read a class under a corruption.
{
  const heat = document.getElementById("heat");
  const shot = (label, index, words) => {
    const figure = make("figure");
    const canvas = make("canvas");
    figure.append(canvas, make("span", words));
    const drawn = thumbnails.draw(canvas, label, index);
    figure.hidden = canvas.hidden;
    return { figure, drawn };
  };
  const say = (cell) => {
    const row = cell.parentElement;
    const label = Number(row.dataset.label);
    const corruption = cell.cellIndex - 3;  // Class, clean and mean come before.
    const head = heat.tHead.rows[0].cells[cell.cellIndex].textContent.trim();
    const what = corruption < 0 ? head.toLowerCase() : head;
    const error = cell.textContent;  // A dash where the class has no picture.
    const parts = [make("b", data.names[label]), tipLine(`Error, ${what}`, error === "–" ? error : `${error}%`)];
    const shots = make("div", "", "shots");
    shots.append(shot(label, 0, "clean").figure);
    if (corruption >= 0) {
      shots.append(shot(label, corruption + 1, `severity ${thumbnails.severity ?? ""}`).figure);
      const { severities, errors } = data.heat;
      severities.forEach((severity, index) => {
        const error = errors[label][corruption][index];
        parts.push(tipLine(`severity ${severity}`, error < 0 ? "–" : `${error}%`));
      });
    }
    tip.replaceChildren(...parts, shots);
  };
  const show = (cell, y) => {
    say(cell);
    const box = cell.getBoundingClientRect();
    placeTip(box.right - 10, y ?? box.top);
  };
  const hide = () => { tip.hidden = true; };
  if (heat) {
    const reach = (cell) => {
      heat.querySelector("td[tabindex='0']")?.setAttribute("tabindex", "-1");
      cell.tabIndex = 0;
    };
    const first = heat.querySelector("td");
    if (first) reach(first);
    heat.addEventListener("pointermove", (event) => {
      const cell = event.target.closest("td");
      if (cell) show(cell, event.clientY);
      else hide();
    });
    heat.addEventListener("pointerleave", hide);
    heat.addEventListener("click", (event) => {
      const cell = event.target.closest("td");
      if (!cell) return;
      reach(cell);
      cell.focus({ preventScroll: true });
      show(cell);
    });
    heat.addEventListener("focusin", (event) => { if (event.target.matches("td:focus-visible")) show(event.target); });
    heat.addEventListener("focusout", hide);
    heat.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td");
      if (!cell) return;
      if (event.key === "Escape") hide();
      const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
      if (down === undefined) return;
      event.preventDefault();
      const rows = heat.tBodies[0].rows;
      const next = rows[cell.parentElement.sectionRowIndex + down]?.cells[cell.cellIndex + right];
      if (next?.tagName !== "TD") return;
      reach(next);
      next.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
      next.focus({ preventScroll: true });
      show(next);
    });
  }
}

// Explorer: one class, what it is taken for and what is taken for it.
{
  const explorer = document.getElementById("explorer");
  if (explorer) {
    const { names, explorer: counts } = data;
    const select = document.getElementById("explorer-class");
    const order = names.map((_, label) => label).sort((a, b) => names[a].localeCompare(names[b]));
    select.append(...order.map((label) => Object.assign(make("option", names[label]), { value: label })));
    const share = (count, of) => `${count.toLocaleString("en")} (${(100 * count / of).toFixed(count / of < 0.0995 ? 1 : 0)}%)`;
    const entry = (other, count, of, most) => {
      const item = make("li");
      const canvas = make("canvas", "", "thumb");
      canvas.setAttribute("aria-hidden", "true");
      thumbnails.draw(canvas, other, 0);
      const button = Object.assign(make("button", "", "s0"), { type: "button", title: names[other] });
      const name = make("bdi", names[other], "class");
      button.append(name);
      button.style.setProperty("--p", count / most);
      button.addEventListener("click", () => {
        select.value = other;
        apply();
        select.focus();
      });
      item.append(canvas, button, make("span", share(count, of), "sure"));
      return item;
    };
    const list = (way, pairs, of) => {
      const items = [];
      for (let i = 0; i < pairs.length; i += 2) items.push(entry(pairs[i], pairs[i + 1], of(pairs[i]), pairs[1]));
      explorer.querySelector(`[data-way=${way}]`).replaceChildren(...(items.length ? items : [make("li", "nothing", "none")]));
    };
    const apply = () => {
      const label = Number(select.value);
      const level = Number(explorer.querySelector("[name=level]:checked").value);
      const by = explorer.querySelector("[name=by]:checked").value;
      const answers = counts.answers[level];
      const name = names[label].length > 60 ? `${names[label].slice(0, 60)}…` : names[label];
      document.getElementById("explorer-told").textContent = answers[label]
        ? `Of ${answers[label].toLocaleString("en")} answers to pictures of ${name}, ${share(counts.right[level][label], answers[label])} are right.`
        : `There are no pictures of ${name}.`;
      document.getElementById("explorer-for").textContent = by === "for1" ? "Its pictures are taken for" : "Above it in the five most probable stand";
      document.getElementById("explorer-as").textContent = "Taken for it are pictures of";
      list("for", counts[by][level][label], () => answers[label]);
      list("as", counts.as1[level][label], (other) => answers[other]);
    };
    explorer.addEventListener("change", apply);
    // The class with most mistakes comes first: there is most to see.
    const wrong = counts.answers[0].map((total, label) => total - counts.right[0][label]);
    select.value = wrong.indexOf(Math.max(...wrong));
    explorer.hidden = false;
    apply();
  }
}

// Pictures: one corruption and one model at a time.
{
  const choose = (field, selector, name) => {
    if (!field) return;
    const apply = () => {
      const chosen = field.querySelector("input:checked").value;
      for (const one of all(selector, document.getElementById("samples"))) one.hidden = one.dataset[name] !== chosen;
    };
    field.hidden = false;
    field.addEventListener("change", apply);
    apply();
  };
  choose(document.getElementById("pick-corruption"), "tbody[data-corruption]", "corruption");
  choose(document.getElementById("pick-model"), ".answer", "model");
}

// The section being read is marked in the contents, which close when one is chosen.
{
  const contents = document.getElementById("contents");
  const links = new Map(all(".side nav a").map((link) => [link.hash.slice(1), link]));
  const here = document.getElementById("here");
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      const link = links.get(entry.target.id);
      for (const other of links.values()) other.removeAttribute("aria-current");
      link?.setAttribute("aria-current", "true");
      if (link) here.textContent = link.textContent;
    }
  }, { rootMargin: "-20% 0px -70% 0px" });
  for (const section of all("main section")) observer.observe(section);
  contents?.addEventListener("click", (event) => {
    if (event.target.closest("a") && contents.matches(":popover-open")) contents.hidePopover();
  });
}
