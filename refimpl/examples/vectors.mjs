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
  const count = { files: 0, cases: 0, problems: 0, others: 0 };
  const report = (problems) => {
    problems.forEach((problem) => console.log(problem));
    count.problems += problems.length;
  };
  for (const path of paths) {
    try {
      const isFolder = statSync(path).isDirectory();
      const documents = (isFolder ? filesIn(path) : [path]).map(read);
      if (isFolder) report(lost(path, documents).map((problem) => `${path}: ${problem}`));
      for (const document of documents) {
        if (operations[document.operation]) {
          const found = checked(document);
          console.log(found.line);
          report(found.problems);
          count.files += 1;
          count.cases += document.cases.length;
        } else {
          count.others += 1;
        }
      }
    } catch (error) {
      report([`${path}: ${error.message}`]);
    }
  }
  const others = count.others ? `; ${count.others} files are of operations that this program does not have` : "";
  console.log(`${count.files} files, ${count.cases} cases, ${count.problems} problems${others}`);
  if (!count.cases) console.log("no case was checked: name a folder or files of vectors");
  return !count.cases ? 2 : count.problems ? 1 : 0;
}

function filesIn(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith(".json") && !NO_VECTORS.includes(name));
  return names.sort().map((name) => join(folder, name));
}

function read(path) {
  const document = parsed(path);
  if (document?.format !== FORMAT) throw new Error(`${path} has the format ${document?.format}; it needs ${FORMAT}`);
  return document;
}

function parsed(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path} cannot be read: ${error.message}`);
  }
}

// What a folder lacks of what its manifest lists.
function lost(folder, documents) {
  if (!readdirSync(folder).includes("manifest.json")) return [];
  const there = Object.fromEntries(documents.map((document) => [document.operation, document.cases.length]));
  const listed = Object.entries(parsed(join(folder, "manifest.json")).operations);
  return listed
    .filter(([name, cases]) => there[name] !== cases)
    .map(([name, cases]) => `the manifest lists ${cases} cases of ${name}, of which ${there[name] ?? 0} are there`);
}

// ---- A file and its cases -------------------------------------------------------------------------------------------

// The line for a file, and what is wrong in it.
function checked({ operation, number_of_cases, cases }) {
  const found = cases.map((given) => [given, checkedCase(operation, given)]);
  const problems = found.flatMap(([given, { wrong }]) => wrong.map((what) => `  ${given.id}: ${what}`));
  if (cases.length !== number_of_cases) problems.push(`  it has ${cases.length} cases; it needs ${number_of_cases}`);
  if (new Set(cases.map(({ id }) => id)).size < cases.length) problems.push("  an id stands twice");
  const worst = Math.max(0, ...found.map(([, { units }]) => units));
  const tolerance = Math.min(...cases.map((given) => given.tolerance));
  return { line: `${operation}  ${cases.length} cases, worst ${worst.toPrecision(2)} of ${tolerance} units`, problems };
}

// How far the operation is away at a case, in value and gradient, and what is wrong.
function checkedCase(operation, given) {
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
  const away = Object.fromEntries(
    Object.entries(given.outputs).map(([part, want]) => [part, distance(got[part], want, given.scale[part])]),
  );
  const missed = Object.entries(away).filter(([, units]) => !(units <= given.tolerance));
  const said = ([part, units]) => `the ${part} is ${units.toPrecision(3)} units away; ${given.tolerance} are allowed`;
  return { units: Math.max(...Object.values(away)), wrong: missed.map(said) };
}

// ---- How far away, and whether nothing was lost ---------------------------------------------------------------------

// In units of the machine epsilon times the size of the terms. Who returns one number for rows has averaged them.
function distance(got, want, scale) {
  const wanted = typeof got === "number" ? [mean(entries(want))] : entries(want);
  const given = entries(got);
  if (given.length !== wanted.length || !given.every(Number.isFinite)) return Infinity;
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
  return [...fields]
    .filter((field) => found[field] !== given.hashes[field])
    .map((field) => `${field} has the hash ${found[field]}; it needs ${given.hashes[field]}: the numbers were changed`);
}

// Every array under a field, by its own field. Nested lists are one array if they have a shape; the layers of a network
// have none, since a W has another than a b.
function* arrays(field, given) {
  if (typeof given !== "object") return;
  if (shape(given)?.length) {
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
    const parts = given.map((part) => (part.shape ? undefined : shape(part)));
    const same = parts.length && parts.every((part) => part && String(part) === String(parts[0]));
    return same ? [parts.length, ...parts[0]] : undefined;
  }
  return typeof given === "object" ? given.shape : [];
}

function digest(numbers) {
  const bytes = Buffer.alloc(8 * numbers.length);
  numbers.forEach((number, i) => bytes.writeDoubleLE(number, 8 * i));
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

process.exitCode = main(process.argv.slice(2));
