// Shows the sections that have changed as the server sends them.
const connection = document.getElementById("connection");
const source = new EventSource("events");

source.addEventListener("open", () => {
  connection.textContent = "Connected: the page follows by itself.";
});
source.addEventListener("error", () => {
  connection.textContent = "Not connected: the page shows what was last seen.";
});
source.addEventListener("message", ({ data }) => {
  for (const [name, text] of Object.entries(JSON.parse(data))) {
    const section = document.getElementById(`${name}-section`);
    const details = () => [...section.querySelectorAll("details")];
    const open = details().map((element) => element.open);
    section.innerHTML = text;
    // What the reader has opened or closed stays so.
    details().slice(0, open.length).forEach((element, index) => {
      element.open = open[index];
    });
  }
});
