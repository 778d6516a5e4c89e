"use strict";
// Sort a table by a column: numbers by value, text by letters, empty cells last.
const numberOf = (text) => {
  const value = Number(text.replace("−", "-"));
  return text === "" || Number.isNaN(value) ? null : value;
};

const compare = (a, b) => {
  if (a.text === "" || b.text === "") return 0;
  if (a.number !== null && b.number !== null) return a.number - b.number;
  return a.text.localeCompare(b.text, undefined, { numeric: true });
};

const sortBy = (table, column, up) => {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => {
    const text = row.cells[column].textContent.trim();
    return { row, text, number: numberOf(text) };
  });
  rows.sort((a, b) => (a.text === "") - (b.text === "") || (up ? 1 : -1) * compare(a, b));
  body.append(...rows.map((entry) => entry.row));
};

const announce = (text) => {
  document.querySelector(".announce").textContent = text;
};

for (const table of document.querySelectorAll("table.sortable")) {
  const headings = Array.from(table.tHead.rows[0].cells);
  headings.forEach((heading, column) => {
    heading.querySelector("button").addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of headings) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      table.classList.toggle("sorted", column > 0);
      sortBy(table, column, up);
      const name = heading.textContent.trim();
      announce(`Sorted by ${name}, ${up ? "ascending" : "descending"}.`);
    });
  });
}
