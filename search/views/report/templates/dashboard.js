// Shows the sections that have changed as the server sends them.
const connection = document.getElementById("connection");
const source = new EventSource("events");

source.addEventListener("open", () => {
  connection.textContent = "Connected: the page follows by itself.";
});
source.addEventListener("error", () => {
  connection.textContent = "Not connected: the page shows what was last seen.";
});
// What the reader has opened or closed, by what it is about.
const choices = new Map();

source.addEventListener("message", ({ data }) => {
  for (const [name, text] of Object.entries(JSON.parse(data))) {
    const section = document.getElementById(`${name}-section`);
    const details = () => section.querySelectorAll("details[data-key]");
    for (const element of details()) {
      choices.set(element.dataset.key, element.open);
    }
    section.innerHTML = text;
    for (const element of details()) {
      element.open = choices.get(element.dataset.key) ?? element.open;
    }
  }
});
