"""What the page of `ft.visualize` looks like: style and script. Imports nothing."""

STYLE = """
:root { color-scheme: light dark; --back: #fbfbfa; --card: #fff; --ink: #22252a; --dim: #6a6f78;
  --line: #e3e4e6; --mark: #fff3c4; --sat: 62%; --light: 42%; --tint: 95%; }
@media (prefers-color-scheme: dark) { :root { --back: #16181c; --card: #1e2126; --ink: #e4e6ea;
  --dim: #9097a3; --line: #32363d; --mark: #4a4220; --sat: 55%; --light: 68%; --tint: 17%; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 28px 32px 60px; background: var(--back); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: auto; }
h1 { font-size: 22px; margin: 0 0 2px; } h1 code { font-size: 21px; }
.sub { color: var(--dim); margin: 0 0 18px; }
code, pre, .code { font: 12.5px/1.6 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
section, .fold { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  margin: 14px 0; overflow: hidden; }
summary { cursor: pointer; padding: 9px 14px; font-weight: 600; }
summary small { font-weight: 400; color: var(--dim); margin-left: 8px; }
.body { border-top: 1px solid var(--line); padding: 10px 0; overflow-x: auto; }
.row { display: flex; gap: 12px; padding: 0 14px 0 11px; border-left: 3px solid transparent;
  align-items: baseline; }
.row .text { flex: 1 1 0; min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere;
  padding-left: 6em; text-indent: -6em; }
.row .note { color: var(--dim); flex: none; }
.step { border-left-color: hsl(var(--hue) var(--sat) var(--light)); }
.tinted { background: hsl(var(--hue) var(--sat) var(--tint)); }
.quiet .text { color: var(--dim); }
.lit { background: var(--mark) !important; }
.chip { display: inline-block; font: 11.5px/1.35 ui-monospace, "DejaVu Sans Mono", monospace;
  padding: 0 7px; margin: 1px 4px 1px 0; align-self: center; border-radius: 9px;
  text-decoration: none;
  color: hsl(var(--hue) var(--sat) var(--light)); white-space: nowrap;
  border: 1px solid hsl(var(--hue) var(--sat) var(--light)); }
.inner { margin: 4px 14px 8px 34px; border: 1px dashed var(--line); border-radius: 6px; }
.inner > summary { padding: 3px 10px; font-weight: 400; color: var(--dim); font-size: 13px; }
table { border-collapse: collapse; width: 100%; } td { padding: 2px 14px; vertical-align: top; }
td.place { color: var(--dim); white-space: nowrap; width: 1%; } td code { white-space: pre-wrap; }
pre { margin: 0; padding: 0 16px; } .dim { color: var(--dim); }
.kernel { border-left: 3px solid hsl(var(--hue) var(--sat) var(--light)); margin: 8px 14px; }
.kernel > summary { padding: 3px 10px; font-weight: 500; }
@media (max-width: 760px) { body { padding: 16px 12px 40px; } .inner { margin: 4px 8px 8px 14px; }
  .row { flex-wrap: wrap; gap: 0 8px; } .row .text + * { margin-left: auto; }
  .row .text { flex-basis: 100%; padding-left: 4em; text-indent: -4em; }
  .row .note { font-size: 11.5px; } td { padding: 2px 6px; } pre { padding: 0 8px; } }
"""

SCRIPT = """
document.querySelectorAll("[data-step]").forEach(function (node) {
  function set(on) {
    document.querySelectorAll('[data-step="' + node.dataset.step + '"]').forEach(
      function (other) { other.classList.toggle("lit", on); });
  }
  node.addEventListener("mouseenter", function () { set(true); });
  node.addEventListener("mouseleave", function () { set(false); });
});
document.querySelectorAll("a.chip").forEach(function (link) {
  link.addEventListener("click", function () {
    var place = document.getElementById(link.getAttribute("href").slice(1));
    for (var node = place; node; node = node.parentElement)
      if (node.tagName === "DETAILS") node.open = true;
  });
});
"""
