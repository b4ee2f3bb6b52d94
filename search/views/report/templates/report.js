// Sorts and filters the table of trials.
const table = document.querySelector("#trials table");
if (table) {
  const body = table.tBodies[0];
  const headers = [...table.tHead.rows[0].cells];
  const rows = [...body.rows];

  // A number if the text is one; missing values come last either way.
  const compare = (a, b, sign) => {
    if (!a || !b) return !a - !b;
    const difference = a.replaceAll(",", "") - b.replaceAll(",", "");
    return sign * (Number.isNaN(difference) ? a.localeCompare(b) : difference);
  };

  headers.forEach((header, column) => {
    header.querySelector("button")?.addEventListener("click", () => {
      const before = header.getAttribute("aria-sort");
      const order = before === "ascending" ? "descending" : "ascending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const text = (row) => row.cells[column].textContent.trim();
      const keyed = rows.map((row) => [text(row), row]);
      keyed.sort(([a], [b]) => compare(a, b, sign));
      body.replaceChildren(...keyed.map(([, row]) => row));
    });
  });

  const form = document.querySelector("#trials form");
  const found = form.querySelector("output");
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const filter = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/);
    const chosen = ["run", "state"].map((name) => form.elements[name]?.value);
    let count = 0;
    rows.forEach((row, index) => {
      row.hidden = !(
        words.every((word) => texts[index].includes(word)) &&
        (!chosen[0] || row.dataset.run === chosen[0]) &&
        (!chosen[1] || row.dataset.state === chosen[1])
      );
      count += !row.hidden;
    });
    found.textContent = `${count} of ${rows.length} rows`;
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter(); // A reload keeps what was typed.
}
