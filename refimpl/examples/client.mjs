// A program that the oracle can ask, in JavaScript without a library; Node 18 or later:
//
//     refimpl check --exec "node client.mjs"
//
// It is to be read by whoever writes one in another language: first the loop of the protocol (`refimpl explain
// protocol`), then what a case hands over, then differentiation, and at the end the operations, which are what is
// checked.

import { createInterface } from "node:readline";

const PROTOCOL = 1;

// ---- The protocol: a line in, a line out ----------------------------------------------------------------------------

async function main() {
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    process.stdout.write(JSON.stringify({ id: request.id, ...answer(request) }) + "\n");
  }
}

function answer(request) {
  try {
    return request.request === "hello" ? hello() : evaluate(request);
  } catch (error) {
    return { status: error instanceof Unsupported ? "unsupported" : "error", message: String(error.message) };
  }
}

class Unsupported extends Error {}

function hello() {
  return {
    status: "ok",
    protocol: PROTOCOL,
    name: "the example client",
    language: "JavaScript",
    operations: Object.keys(operations),
    conventions: { reduction: "mean" },
  };
}

function evaluate(request) {
  const operation = operations[request.operation];
  if (!operation) throw new Unsupported(`no operation ${request.operation}`);
  const parameters = []; // of all trained arguments, in their order
  const handed = {};
  for (const [name, given] of Object.entries(request.arguments)) {
    handed[name] = argument(given, parameters, request.trained.includes(name), request.finite);
  }
  let value = operation(handed);
  if (typeof value === "function") value = value(read(request.at.x), read(request.at.t));
  const result = { status: "ok", value: written(value) };
  if (request.gradient) result.gradient = gradient(value, parameters).map((slope) => written(slope));
  return result;
}

// ---- What a case hands over -----------------------------------------------------------------------------------------

// Every number is a node of the graph below; an array is nested lists of them.
function argument(given, parameters, trained, finite) {
  if (given.network) return network(given, parameters, trained, finite);
  if (given.sde) return sdes[given.sde](given);
  if (given.callable === "weight") return (t) => add(constant(given.a), mul(constant(given.b), mul(t, t)));
  if (given.callable) throw new Unsupported(`no ${given.callable}`);
  return read(given);
}

function read(given) {
  if (Array.isArray(given)) return given.map(read);
  if (given.shape) return given.shape.length ? shaped(given.shape, given.values.map(read)) : read(given.values[0]);
  return constant(Number(given)); // Number("NaN") is NaN, Number("-Infinity") is −∞
}

function shaped(shape, values) {
  if (shape.length === 1) return values;
  const each = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) => shaped(shape.slice(1), values.slice(i * each, (i + 1) * each)));
}

function written(value) {
  if (Array.isArray(value)) return value.map(written);
  if (value.tuple) return { tuple: value.tuple.map(written) };
  return Number.isFinite(value.value) ? value.value : String(value.value);
}

// A row x in, a row or a number out. u is x, or (x, t); N(u) has tanh between its layers u W + b.
function network(given, parameters, trained, finite) {
  const layers = given.weights.map(([weight, bias]) => [read(weight), read(bias)]);
  if (trained) parameters.push(...layers.flat(3));
  const scale = constant(trained && !finite ? NaN : 1); // a model that has lost itself
  const output = (u) => {
    let h = u;
    layers.forEach(([weight, bias], depth) => {
      const a = bias.map((b, j) => add(b, sum(h.map((entry, i) => mul(entry, weight[i][j])))));
      h = depth < layers.length - 1 ? a.map(tanh) : a;
    });
    return h.map((entry) => mul(scale, entry));
  };
  const energy = (u) => add(output(u)[0], mul(constant(given.confinement / 2), dot(u, u)));
  const score = {
    score: output,
    energy: (u, x) => gradient(energy(u), x).map(negative), // −∇E
    log_density: (u, x) => gradient(negative(energy(u)), x), // ∇f, f = −E
  }[given.network];
  if (!score) throw new Unsupported(`no ${given.network} network`);
  return (x, t) => score(given.timed ? [...x, t] : x, x);
}

const sdes = {
  VE: ({ sigma_min, sigma_max }) => ve(constant(sigma_min), constant(sigma_max)),
  VP: ({ beta_0, beta_1 }) => vp(constant(beta_0), constant(beta_1)),
  SubVP: ({ beta_0, beta_1 }) => subVP(constant(beta_0), constant(beta_1)),
};

// ---- Differentiation: numbers that know what they were made of ------------------------------------------------------

// A node has a value and its parents, each with the function that carries a slope back to it. Slopes are nodes again,
// so that a gradient in x can be differentiated in the parameters.
const node = (value, parents = []) => ({ value, parents });
const constant = (value) => node(value);
const add = (a, b) => node(a.value + b.value, [[a, (g) => g], [b, (g) => g]]);
const sub = (a, b) => node(a.value - b.value, [[a, (g) => g], [b, negative]]);
const mul = (a, b) => node(a.value * b.value, [[a, (g) => mul(g, b)], [b, (g) => mul(g, a)]]);
const div = (a, b) => {
  const y = node(a.value / b.value, [[a, (g) => div(g, b)], [b, (g) => negative(div(mul(g, y), b))]]);
  return y;
};
const negative = (a) => node(-a.value, [[a, negative]]);
const tanh = (a) => {
  const y = node(Math.tanh(a.value), [[a, (g) => mul(g, sub(constant(1), mul(y, y)))]]);
  return y;
};
// No operation here is differentiated through these three.
const sqrt = (a) => node(Math.sqrt(a.value));
const exp = (a) => node(Math.exp(a.value));
const expm1 = (a) => node(Math.expm1(a.value));

const half = constant(0.5);
const two = constant(2);
const sum = (list) => list.reduce(add);
const mean = (list) => div(sum(list), constant(list.length));
const dot = (a, b) => sum(a.map((entry, i) => mul(entry, b[i])));
const scaled = (factor, list) => list.map((entry) => mul(factor, entry));
const plus = (a, b) => a.map((entry, i) => add(entry, b[i]));

// ∂y/∂x for every x of a list; y may be a list itself, and the mean of its entries is meant.
function gradient(y, xs) {
  const top = Array.isArray(y) ? mean(y.flat(Infinity)) : y;
  const slopes = new Map([[top, constant(1)]]);
  for (const current of order(top)) {
    const slope = slopes.get(current);
    for (const [parent, back] of current.parents) {
      const more = back(slope);
      slopes.set(parent, slopes.has(parent) ? add(slopes.get(parent), more) : more);
    }
  }
  return xs.map((x) => slopes.get(x) ?? constant(0));
}

// The nodes that y was made of, every one before its parents.
function order(y) {
  const found = [];
  const seen = new Set([y]);
  const stack = [[y, 0]];
  while (stack.length) {
    const top = stack.at(-1);
    if (top[1] === top[0].parents.length) {
      found.push(stack.pop()[0]);
      continue;
    }
    const parent = top[0].parents[top[1]++][0];
    if (!seen.has(parent)) {
      seen.add(parent);
      stack.push([parent, 0]);
    }
  }
  return found.reverse();
}

// ---- The operations -------------------------------------------------------------------------------------------------

// A number for all rows, or a column with one for each: the number of row i.
const row = (value, i) => (Array.isArray(value) ? value[i][0] : value);
// The same for a function of a number or a column.
const each = (f, t) => (Array.isArray(t) ? t.map((entry) => entry.map(f)) : f(t));
const squared = (a) => dot(a, a);

// vᵀ (∂s/∂x) v
function curvature(score, x, v) {
  return dot(gradient(dot(v, score(x)), x), v);
}

// ∇·s
function divergence(score, x) {
  return sum(score(x).map((entry, i) => gradient(entry, x)[i]));
}

function ve(sigmaMin, sigmaMax) {
  const ratio = constant(Math.log(sigmaMax.value / sigmaMin.value));
  return {
    drift: (x) => scaled(constant(0), x),
    diffusion: (t) => mul(mul(sigmaMin, exp(mul(t, ratio))), sqrt(mul(two, ratio))),
    marginal: (t) => [constant(1), mul(sigmaMin, sqrt(expm1(mul(two, mul(t, ratio)))))],
  };
}

const beta = (beta0, beta1, t) => add(beta0, mul(t, sub(beta1, beta0)));
const integral = (beta0, beta1, t) => add(mul(beta0, t), mul(half, mul(mul(t, t), sub(beta1, beta0))));

function vp(beta0, beta1) {
  return {
    drift: (x, t) => scaled(negative(mul(half, beta(beta0, beta1, t))), x),
    diffusion: (t) => sqrt(beta(beta0, beta1, t)),
    marginal: (t) => {
      const b = integral(beta0, beta1, t);
      return [exp(negative(mul(half, b))), sqrt(negative(expm1(negative(b))))];
    },
  };
}

function subVP(beta0, beta1) {
  return {
    drift: vp(beta0, beta1).drift,
    diffusion: (t) => {
      const b = integral(beta0, beta1, t);
      return sqrt(mul(beta(beta0, beta1, t), negative(expm1(negative(mul(two, b))))));
    },
    marginal: (t) => {
      const b = integral(beta0, beta1, t);
      return [exp(negative(mul(half, b))), negative(expm1(negative(b)))];
    },
  };
}

// Drift, diffusion and marginal of an SDE, the constants first.
function members(prefix, made) {
  const marginals = (sde, t, which) => each((entry) => sde.marginal(entry)[which], t);
  return {
    [`${prefix}_drift`]: (given) => given.x.map((x, i) => made(given).drift(x, row(given.t, i))),
    [`${prefix}_diffusion`]: (given) => each(made(given).diffusion, given.t),
    [`${prefix}_marginal`]: (given) => ({ tuple: [0, 1].map((which) => marginals(made(given), given.t, which)) }),
  };
}

function langevinStep(score, x, z, step) {
  return x.map((at, i) => {
    const h = row(step, i);
    return plus(plus(at, scaled(mul(half, h), score(at))), scaled(sqrt(h), z[i]));
  });
}

const operations = {
  ...members("ve", ({ sigma_min, sigma_max }) => ve(sigma_min, sigma_max)),
  ...members("vp", ({ beta_0, beta_1 }) => vp(beta_0, beta_1)),
  ...members("sub_vp", ({ beta_0, beta_1 }) => subVP(beta_0, beta_1)),

  // f − ½ g² s: a function of x and t, which is asked for at the case's
  probability_flow: ({ sde, score }) => (xs, t) =>
    xs.map((x, i) => {
      const at = row(t, i);
      const g = sde.diffusion(at);
      return plus(sde.drift(x, at), scaled(negative(mul(half, mul(g, g))), score(x, at)));
    }),

  explicit_score_matching: ({ score, data_score, x }) =>
    mean(x.map((at) => mul(half, squared(plus(score(at), data_score(at).map(negative)))))),

  implicit_score_matching: ({ score, x }) =>
    mean(x.map((at) => add(divergence(score, at), mul(half, squared(score(at)))))),

  sliced_score_matching: ({ score, x, v }) =>
    mean(
      v.flatMap((slices) =>
        x.map((at, i) => {
          const projection = dot(slices[i], score(at));
          return add(curvature(score, at, slices[i]), mul(half, mul(projection, projection)));
        }),
      ),
    ),

  sliced_score_matching_vr: ({ score, x, v }) =>
    mean(
      v.flatMap((slices) => x.map((at, i) => add(curvature(score, at, slices[i]), mul(half, squared(score(at)))))),
    ),

  denoising_score_matching: ({ score, x, z, sigma }) =>
    mean(
      x.map((at, i) => {
        const level = row(sigma, i);
        const noisy = plus(at, scaled(level, z[i]));
        const target = scaled(div(constant(-1), level), z[i]);
        return mul(half, squared(plus(score(noisy), target.map(negative))));
      }),
    ),

  continuous_denoising: ({ score, sde, x, z, t, weight }) =>
    mean(
      x.map((at, i) => {
        const time = row(t, i);
        const [alpha, sigma] = sde.marginal(time);
        const noisy = plus(scaled(alpha, at), scaled(sigma, z[i]));
        const residual = plus(score(noisy, time), scaled(div(constant(1), sigma), z[i]));
        return mul(mul(half, weight(time)), squared(residual));
      }),
    ),

  langevin_step: ({ score, x, z, step }) => langevinStep(score, x, z, step),

  langevin: ({ score, x, z, step }) => z.reduce((at, draw) => langevinStep(score, at, draw, step), x),
};

main();
