// The sandbox's side of the protocol: one request in (JSON text), one reply out (JSON text).
// Reply: {v: value} or {e: message, k: kind, p: position, at: place} or {l: "memory" | "depth"} for a limit.
import './intl.js'; // first: feelin looks for Intl when it is loaded
import { StrictError } from 'feelin';
import { CallError } from './host.js';
import { defineFunctions, evaluate, functionsOf, unary } from './expressions.js';
import { decide } from './dmn/graph.js';
import { load } from './dmn/load.js';
import { Failure } from './dmn/texts.js';
import { lint, unknown } from './lint.js';
import { fromWire } from './values.js';

const models = new Map();

const REQUESTS = {
  functions: (key, list) => { defineFunctions(key, list); return null; },
  evaluate,
  unary,
  check(key, text, names, kind) {
    const scope = { ...functionsOf(key), ...Object.fromEntries(names.map(name => [name, null])) };
    if (kind === 'u') scope['?'] = null;
    const { faults, names: used } = lint(kind, text, scope);
    return { faults, unknown: unknown(used, scope) };
  },
  names(key, text, kind) {
    const { faults, names } = lint(kind, text, functionsOf(key));
    return { faults, names: unknown(names, functionsOf(key)).map(({ name }) => name) };
  },
  load(id, model) {
    models.set(id, { model, found: load(model) });
    return null;
  },
  found: id => models.get(id).found,
  decide: (id, decisionId, given) => decide(models.get(id).model, decisionId, fromWire(given)),
};

function limit(error) {
  if (error.name === 'InternalError') return 'memory';
  return error instanceof RangeError && /call stack/.test(error.message) ? 'depth' : null;
}

function failed(error) {
  const cause = error instanceof Failure ? error.cause : error;
  const reached = limit(cause) ?? limit(error);
  if (reached) {
    return { l: reached };
  }
  const kind = cause instanceof CallError ? 'CALL' : cause instanceof StrictError ? cause.kind : cause.name;
  const place = error instanceof Failure ? [error.decision, error.at].filter(Boolean).join(', ') : '';
  return { e: String(cause.message ?? cause), k: kind, p: cause.position ?? null, at: place, text: error.text ?? null };
}

globalThis.__run = line => {
  try {
    const [request, ...args] = JSON.parse(line);
    return JSON.stringify({ v: REQUESTS[request](...args) });
  } catch (error) {
    return JSON.stringify(failed(error));
  }
};
