"use strict";
function value(row, at) {
  var cell = row.cells[at];
  if (cell.hasAttribute("data-k")) return cell.getAttribute("data-k");
  return cell.hasAttribute("data-v") ? Number(cell.getAttribute("data-v")) : cell.textContent;
}
function sort(table, at) {
  var head = table.tHead.rows[0].cells[at], body = table.tBodies[0];
  var numbers = head.className === "n", up = head.getAttribute("aria-sort");
  up = up ? up === "descending" : !numbers;
  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (c) { c.removeAttribute("aria-sort"); });
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  Array.prototype.slice.call(body.rows).sort(function (a, b) {
    var x = value(a, at), y = value(b, at);
    return (x < y ? -1 : x > y ? 1 : 0) * (up ? 1 : -1);
  }).forEach(function (row) { body.appendChild(row); });
}
document.querySelectorAll("table.sort").forEach(function (table) {
  Array.prototype.forEach.call(table.tHead.rows[0].cells, function (cell, at) {
    cell.tabIndex = 0;
    cell.addEventListener("click", function () { sort(table, at); });
    cell.addEventListener("keydown", function (e) { if (e.key === "Enter") sort(table, at); });
  });
});
var filter = document.getElementById("filter");
function show() {
  var word = filter.value.trim().toLowerCase(), shown = 0;
  var rows = document.getElementById("clients").tBodies[0].rows;
  Array.prototype.forEach.call(rows, function (row) {
    row.hidden = row.textContent.toLowerCase().indexOf(word) < 0;
    shown += row.hidden ? 0 : 1;
  });
  document.getElementById("shown").textContent = shown + " of " + rows.length;
}
filter.addEventListener("input", show);
show();
