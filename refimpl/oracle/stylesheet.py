"""How the page of a report looks: light or dark as the reader has it, on a wide screen, a phone and paper."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #ffffff; --raised: #f6f7f9; --ink: #1b1f24; --soft: #57606a; --rule: #d5dae0;
  --pass: #18794e; --fail: #c4232b; --error: #96500b; --unsupported: #57606a; --expected: #6b46c1;
  --pass-back: #e3f4ea; --fail-back: #fdeaea; --error-back: #fdf0dc; --unsupported-back: #eceff2;
  --expected-back: #f0eafc;
}
@media screen and (prefers-color-scheme: dark) { :root {
  --paper: #14171b; --raised: #1d2127; --ink: #e6e9ed; --soft: #a0a9b4; --rule: #353b44;
  --pass: #5fd19a; --fail: #ff8a8a; --error: #f2b15c; --unsupported: #a0a9b4; --expected: #b9a0f5;
  --pass-back: #15332a; --fail-back: #43201f; --error-back: #3c2c12; --unsupported-back: #2a2f36;
  --expected-back: #2e2547;
} }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; overflow-wrap: anywhere; }
section + section { margin-top: 3.5rem; padding-top: 2rem; border-top: 3px solid var(--rule); }
h1 { font-size: 1.05rem; font-weight: 600; color: var(--soft); margin: 0; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .75rem; }
h3 { font-size: 1.1rem; margin: 0 0 .5rem; }
h4 { font-size: 1rem; margin: 0; }
p { margin: .35rem 0; }
small { display: inline-block; font-weight: 400; font-size: .875rem; color: var(--soft); margin-left: .35rem; }
code, th, .overview a, h3, summary {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
h3 small, summary small { font-family: system-ui, sans-serif; }
.verdict { font-size: 2rem; line-height: 1.2; font-weight: 700; margin: .25rem 0 .75rem; }
.counts, .overview { list-style: none; margin: 0; padding: 0; }
.counts { display: flex; flex-wrap: wrap; gap: .5rem; }
.counts li { padding: .15rem .7rem; border-radius: 1rem; background: var(--raised); border: 1px solid var(--rule); }
.counts .none { background: none; color: var(--soft); }
.overview { margin-top: 1.25rem; border: 1px solid var(--rule); border-radius: .5rem; }
.overview li { display: grid; grid-template-columns: minmax(0, 2fr) minmax(9rem, 1fr) minmax(0, 2fr);
  gap: .25rem 1rem; align-items: center; padding: .3rem .75rem; font-size: .9rem; }
.overview li + li { border-top: 1px solid var(--rule); }
.overview a { color: inherit; text-decoration: none; }
.overview a:hover, .overview a:focus { text-decoration: underline; }
.squares { display: flex; flex-wrap: wrap; gap: 2px; }
.squares i, .mark { display: inline-block; min-width: 1.15rem; height: 1.15rem; line-height: 1.15rem;
  text-align: center; font-style: normal; font-size: .75rem; font-weight: 700; border-radius: 3px; }
.mark { font-family: system-ui, sans-serif; vertical-align: .1em; }
article, details { border: 1px solid var(--rule); border-radius: .5rem; padding: 1rem 1.1rem; margin: 0 0 1rem; }
details { padding: .5rem 1.1rem; margin-bottom: .4rem; }
details[open] { padding-bottom: 1rem; }
summary { cursor: pointer; }
.pass { color: var(--pass); } .fail, .unexpected-pass { color: var(--fail); } .error { color: var(--error); }
.unsupported { color: var(--unsupported); } .expected-failure { color: var(--expected); }
.counts .pass, .squares .pass, .mark.pass { background: var(--pass-back); }
.counts .fail, .squares .fail, .mark.fail { background: var(--fail-back); }
.counts .unexpected-pass, .squares .unexpected-pass, .mark.unexpected-pass { background: var(--fail-back); }
.counts .error, .squares .error, .mark.error { background: var(--error-back); }
.counts .unsupported, .squares .unsupported, .mark.unsupported { background: var(--unsupported-back); }
.counts .expected-failure, .squares .expected-failure, .mark.expected-failure { background: var(--expected-back); }
.equation { display: flex; flex-wrap: wrap; gap: .15rem 1rem; align-items: baseline; }
.equation code { font-size: .95rem; }
.equation span { color: var(--soft); font-size: .85rem; }
.finding { border-left: 4px solid var(--error); background: var(--raised); padding: .6rem .9rem; margin: .75rem 0;
  border-radius: 0 .4rem .4rem 0; }
.finding h4 { color: var(--error); }
.finding.mistake { border-color: var(--fail); } .finding.mistake h4 { color: var(--fail); }
.evidence { color: var(--soft); font-size: .9rem; }
.rows { border-collapse: collapse; width: 100%; font-size: .9rem; margin: .75rem 0; }
.rows td, .rows th { text-align: left; vertical-align: top; font-weight: 400; padding: .2rem .75rem .2rem 0;
  border-top: 1px solid var(--rule); }
.rows td:first-child { white-space: nowrap; width: 10.5rem; }
.rows th { width: 11rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem 1.5rem; }
figure { margin: 0; flex: 1 1 17rem; max-width: 20rem; }
figcaption { color: var(--soft); font-size: .85rem; line-height: 1.35; }
svg { display: block; width: 100%; height: auto; }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; }
svg line, svg polyline { fill: none; stroke-width: 1; stroke: var(--rule); }
svg .right { stroke: var(--pass); stroke-width: 1.5; }
svg .wrong { stroke: var(--fail); stroke-width: 2.5; }
svg circle { fill: currentColor; fill-opacity: .6; }
svg .ring { fill: none; stroke: currentColor; stroke-width: 1.5; }
svg .point { color: var(--ink); }
footer { margin-top: 2rem; padding-top: .75rem; border-top: 1px solid var(--rule); color: var(--soft);
  font-size: .85rem; }
@media (max-width: 40rem) {
  main { padding: 1rem .8rem 2rem; }
  .verdict { font-size: 1.6rem; }
  .overview li { grid-template-columns: minmax(0, 1fr); }
  .rows, .rows tbody { display: block; }
  .rows tr { display: grid; grid-template-columns: auto 1fr; gap: 0 .75rem; padding: .35rem 0;
    border-top: 1px solid var(--rule); }
  .rows td, .rows th, .rows td:first-child { border: 0; padding: 0; width: auto; }
  .rows td:last-child { grid-column: 1 / -1; }
  article { padding: .8rem; }
  h3 small { display: block; margin: 0; }
  figure { max-width: none; }
}
@media print {
  :root { color-scheme: light; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  .finding, figure, tr { break-inside: avoid; }
  details::details-content { content-visibility: visible; height: auto; }
}
"""
