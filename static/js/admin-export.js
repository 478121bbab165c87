// Export page: one check box that chooses all columns, or none.
const all = document.querySelector("[data-select-all]");
if (all) {
  all.hidden = false;
  all.querySelector("input").addEventListener("change", (event) => {
    for (const box of document.querySelectorAll(".selectable-field-export-row input[type=checkbox]")) {
      box.checked = event.target.checked;
    }
  });
}
