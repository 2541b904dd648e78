// The operations of client.mjs held against test vectors, in JavaScript without a library; Node 18 or later:
//
//     refimpl vectors export --out vectors
//     node vectors.mjs vectors
//
// It is to be read by whoever reads the vectors in another language (derivations/vectors.md): first the files, then
// a case, then how far an answer is away, and the hashes that prove that nothing was lost.
//
// Exit status: 0 if all is right, 1 if something is not, 2 if no case was checked, which proves nothing.

import { createHash } from "node:crypto";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

import { evaluate, operations } from "./client.mjs";

const FORMAT = "refimpl-vectors/1";
const NO_VECTORS = ["schema.json", "manifest.json"];

// ---- Files ----------------------------------------------------------------------------------------------------------

function main(paths) {
  const results = paths.flatMap((path) => (isFolder(path) ? folder(path) : [file(path)]));
  const lines = results.flatMap(({ line, problems }) => (line ? [line, ...problems] : problems));
  const files = results.filter(({ line }) => line).length;
  const others = results.filter(({ line, operation }) => operation && !line).length;
  const cases = results.reduce((total, { checked }) => total + checked, 0);
  const problems = results.reduce((total, result) => total + result.problems.length, 0);
  lines.push(
    `${files} files, ${cases} cases, ${problems} problems` +
      (others ? `; ${others} files are of operations that this program does not have` : ""),
  );
  if (!cases) lines.push("no case was checked: name a folder or files of vectors");
  console.log(lines.join("\n"));
  return !cases ? 2 : problems ? 1 : 0;
}

const isFolder = (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory();

function folder(path) {
  const names = readdirSync(path).filter((name) => name.endsWith(".json") && !NO_VECTORS.includes(name));
  const files = names.sort().map((name) => file(join(path, name)));
  return readdirSync(path).includes("manifest.json") ? [...files, manifest(join(path, "manifest.json"), files)] : files;
}

// What is found in a file: how many cases it has, how many were checked, a line about them, and problems.
function file(path) {
  return attempt(path, () => {
    const { format, operation, number_of_cases, cases } = parsed(path);
    if (format !== FORMAT) throw new Error(`it has the format ${format}; it needs ${FORMAT}`);
    if (cases.length !== number_of_cases) throw new Error(`it has ${cases.length} cases; it needs ${number_of_cases}`);
    if (!operations[operation]) return { operation, cases: cases.length, checked: 0, problems: [] };
    return { operation, cases: cases.length, checked: cases.length, ...held(operation, cases) };
  });
}

// What the folder lacks of what its manifest lists.
function manifest(path, files) {
  return attempt(path, () => {
    const there = Object.fromEntries(files.map(({ operation, cases }) => [operation, cases]));
    const lost = Object.entries(parsed(path).operations).filter(([name, cases]) => there[name] !== cases);
    const said = ([name, cases]) => `${path}: of ${name} it lists ${cases} cases, and ${there[name] ?? 0} are there`;
    return { checked: 0, problems: lost.map(said) };
  });
}

function attempt(path, find) {
  try {
    return find();
  } catch (error) {
    return { checked: 0, problems: [`${path}: ${error.message}`] };
  }
}

const parsed = (path) => JSON.parse(readFileSync(path, "utf8"));

// ---- A file and its cases -------------------------------------------------------------------------------------------

// The line about an operation, and what is wrong in its cases.
function held(operation, cases) {
  const found = cases.map((given) => [given, heldCase(operation, given)]);
  const problems = found.flatMap(([given, { wrong }]) => wrong.map((what) => `  ${given.id}: ${what}`));
  if (new Set(cases.map(({ id }) => id)).size < cases.length) problems.push("  an id stands twice");
  const worst = Math.max(0, ...found.map(([, { units }]) => units));
  const tolerance = Math.min(...cases.map((given) => given.tolerance));
  return { line: `${operation}  ${cases.length} cases, worst ${worst.toPrecision(2)} of ${tolerance} units`, problems };
}

// How far the operation is away at a case, in value and gradient, and what is wrong.
function heldCase(operation, given) {
  const wrong = wrongHashes(given);
  if (wrong.length) return { units: 0, wrong }; // nobody knows what the numbers were
  let got;
  try {
    got = evaluate({ operation, ...given, gradient: given.trained.length > 0 });
  } catch (error) {
    return { units: 0, wrong: given.finite ? [`the operation throws: ${error.message}`] : [] };
  }
  if (!given.finite) {
    const numbers = [...entries(got.value), ...entries(got.gradient ?? [])].some(Number.isFinite);
    return { units: 0, wrong: numbers ? ["the model answers NaN, and the operation numbers"] : [] };
  }
  const { outputs, scale, trained } = given;
  const averaged = trained.length && typeof got.value === "number"; // an objective's mean over the rows
  const away = { value: distance(got.value, averaged ? mean(entries(outputs.value)) : outputs.value, scale.value) };
  if (trained.length) away.gradient = distance(got.gradient, outputs.gradient, scale.gradient);
  const missed = Object.entries(away).filter(([, units]) => !(units <= given.tolerance));
  const said = ([part, units]) => `the ${part} is ${units.toPrecision(3)} units away; ${given.tolerance} are allowed`;
  return { units: Math.max(...Object.values(away)), wrong: missed.map(said) };
}

// ---- How far away, and whether nothing was lost ---------------------------------------------------------------------

// In units of the machine epsilon times the size of the terms.
function distance(got, want, scale) {
  const [given, wanted] = [entries(got), entries(want)];
  if (form(got) !== form(want) || ![...given, ...wanted].every(Number.isFinite)) return Infinity;
  return Math.max(...given.map((entry, i) => Math.abs(entry - wanted[i]))) / (Number.EPSILON * scale);
}

const mean = (numbers) => numbers.reduce((a, b) => a + b) / numbers.length;

// A number, nested lists, several arrays, or an object with shape and values: its entries, row by row.
function entries(given) {
  if (Array.isArray(given)) return given.flatMap(entries);
  return typeof given === "object" ? entries(given.tuple ?? given.values) : [Number(given)];
}

function wrongHashes(given) {
  const parts = ["arguments", "at", "outputs"].flatMap((part) => [...arrays(part, given[part])]);
  const found = Object.fromEntries(parts.map(([field, array]) => [field, digest(entries(array))]));
  const fields = new Set([...Object.keys(found), ...Object.keys(given.hashes)]);
  return [...fields].filter((field) => found[field] !== given.hashes[field]).map((field) => {
    if (!(field in found)) return `there is no array ${field}`;
    if (!(field in given.hashes)) return `${field} has no hash`;
    return `${field} has the hash ${found[field]}; it needs ${given.hashes[field]}: its numbers were changed`;
  });
}

// Every array under a field, by its own field. Nested lists are one array if they have a shape; the layers of a network
// have none, since a W has another than a b.
function* arrays(field, given) {
  if (typeof given !== "object") return;
  if (shape(given)) {
    yield [field, given];
    return;
  }
  for (const [name, part] of Object.entries(given)) {
    yield* arrays(Array.isArray(given) ? `${field}[${name}]` : `${field}.${name}`, part);
  }
}

// [] of a number, [2, 3] of two rows of three; undefined where there is none.
function shape(given) {
  if (Array.isArray(given)) {
    const parts = given.map(shape);
    const same = parts.length && parts.every((part) => part && String(part) === String(parts[0]));
    return same ? [parts.length, ...parts[0]] : undefined;
  }
  return typeof given === "object" ? given.shape : []; // an object without one is none
}

// The shape of an array, or those of several, as text.
const form = (given) => JSON.stringify(given?.tuple?.map(shape) ?? shape(given));

function digest(numbers) {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, i) => bytes.writeDoubleLE(number, 8 * i));
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

process.exitCode = main(process.argv.slice(2));
