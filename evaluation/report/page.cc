#include "evaluation/report/page.h"

namespace tributary {
namespace {

constexpr std::string_view kPageHead = R"html(<!doctype html>
<html lang=en><head><meta charset=utf-8>
<meta http-equiv=Content-Security-Policy content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name=viewport content="width=device-width, initial-scale=1">
<title>Tributary: evaluation</title>
<style>
:root { color-scheme: light dark;
  --paper: #fff; --ink: #1c2430; --soft: #5d6875; --rule: #e3e7ec;
  --c0: #1f5fd0; --c1: #d1560f; --c2: #1b8a5a; --c3: #9440b8;
  --c4: #a87b00; --c5: #0b8796; --c6: #c93370; --c7: #8a929c;
  --c8: #6b4f2a; --c9: #5c7a00; --c10: #8a1f3d; --c11: #4b45b5;
  --c12: #c8963e; --c13: #00a878; --c14: #e06aa8; --c15: #46505c;
  --g0: #4e79a7; --g1: #f28e2b; --g2: #59a14f; --g3: #b07aa1;
  --g4: #d4ae2a; --g5: #5fa8a2; --g6: #e15759; --g7: #9c9ca0; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #12161c; --ink: #e6eaf0; --soft: #9aa5b2; --rule: #29313b;
  --c0: #6ea3ff; --c1: #ff9a57; --c2: #4fce95; --c3: #cf8cf0;
  --c4: #e3b93c; --c5: #43cbdb; --c6: #ff7fae; --c7: #8b95a1;
  --c8: #c9a27a; --c9: #b5cc4a; --c10: #d97a97; --c11: #a3a0ff;
  --c12: #f0cf8a; --c13: #6ff0c8; --c14: #ffb3d6; --c15: #c7d0da; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 32px 24px 64px; max-width: 1220px;
  background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif }
h1 { font-size: 26px; margin: 0 0 4px } h2 { font-size: 19px; margin: 44px 0 8px }
p { margin: 6px 0; max-width: 75ch } .note { color: var(--soft); font-size: 14px }
.tiles { display: flex; flex-wrap: wrap; gap: 12px 36px; margin: 18px 0 }
.tiles b { display: block; font-size: 26px; line-height: 1.2 }
.tiles span { color: var(--soft); font-size: 13px }
.plots { display: grid; gap: 28px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)) }
figure { margin: 0; min-width: 0 } svg { display: block; width: 100%; height: auto }
figcaption { color: var(--soft); font-size: 13px; margin-top: 6px }
.grid { stroke: var(--rule) } .axis { stroke: var(--soft) }
.frame { fill: none; stroke: var(--rule) }
.tick { fill: var(--soft); font-size: 11.5px } .label { fill: var(--ink); font-size: 12.5px }
.line { fill: none; stroke: var(--c); stroke-width: 2 }
.dot { fill: var(--c) } .mark { fill: var(--paper); stroke: var(--c); stroke-width: 2.5 }
.bar { fill: var(--c) } .bar:hover, .dot:hover { opacity: .65 }
.point { fill: var(--c); fill-opacity: .62 } .point:hover { stroke: var(--ink); fill-opacity: 1 }
.c0 { --c: var(--c0) } .c1 { --c: var(--c1) } .c2 { --c: var(--c2) } .c3 { --c: var(--c3) }
.c4 { --c: var(--c4) } .c5 { --c: var(--c5) } .c6 { --c: var(--c6) } .c7 { --c: var(--c7) }
.c8 { --c: var(--c8) } .c9 { --c: var(--c9) } .c10 { --c: var(--c10) } .c11 { --c: var(--c11) }
.c12 { --c: var(--c12) } .c13 { --c: var(--c13) } .c14 { --c: var(--c14) } .c15 { --c: var(--c15) }
.g0 { --c: var(--g0) } .g1 { --c: var(--g1) } .g2 { --c: var(--g2) } .g3 { --c: var(--g3) }
.g4 { --c: var(--g4) } .g5 { --c: var(--g5) } .g6 { --c: var(--g6) } .g7 { --c: var(--g7) }
.dashed .line { stroke-dasharray: 6 4 }
.legend { display: flex; flex-wrap: wrap; gap: 2px 16px; list-style: none; padding: 0; margin: 6px 0 0; font-size: 13px }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 5px; background: var(--c); margin-right: 6px }
.scroll { overflow-x: auto; margin: 8px 0 16px }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap }
th, td { padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--rule); font-weight: 400 }
thead th { color: var(--soft); white-space: normal; vertical-align: bottom; min-width: 64px; max-width: 132px }
th:first-child { text-align: left } tbody th { font-weight: 600 }
.verdict { font-size: 18px; margin: 14px 0 }
details { margin: 8px 0 16px } summary { cursor: pointer; color: var(--soft); font-size: 14px }
.users { display: grid; gap: 20px 28px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr)); font-size: 13px }
.users h3 { font-size: 14px; margin: 0 0 4px; overflow-wrap: anywhere } .users p, .users ol { margin: 2px 0; overflow-wrap: anywhere }
.users ol { padding-left: 2.2em } .users .soft { color: var(--soft) } .hit { font-weight: 600 }
#tip { position: fixed; pointer-events: none; background: var(--ink); color: var(--paper);
  padding: 5px 9px; border-radius: 5px; font-size: 12.5px; white-space: pre-line; max-width: 320px; z-index: 1 }
</style></head><body>
)html";

// Shows tooltips at once and near the pointer. Without the script the browser
// shows the titles itself, later.
constexpr std::string_view kPageFoot = R"html(<div id=tip hidden></div>
<script>
'use strict';
const tip = document.getElementById('tip');
let tips = 0;
for (const title of document.querySelectorAll('svg title')) {
  const owner = title.parentElement;
  owner.dataset.tip = title.textContent;
  owner.setAttribute('aria-label', title.textContent);
  title.remove();
  ++tips;
}
document.addEventListener('pointermove', event => {
  const text = event.target.dataset && event.target.dataset.tip;
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const room = innerWidth - tip.offsetWidth - 8;
  tip.style.left = Math.min(event.clientX + 14, room) + 'px';
  tip.style.top = Math.max(8, event.clientY - tip.offsetHeight - 10) + 'px';
});
document.documentElement.dataset.tips = tips;
</script></body></html>
)html";

}  // namespace

std::string_view PageHead() { return kPageHead; }
std::string_view PageFoot() { return kPageFoot; }

}  // namespace tributary
