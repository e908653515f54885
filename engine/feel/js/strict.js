// Not a module of its own: build.mjs appends this text to feelin's module, behind arithmetic.js and functions.js, so it
// sees feelin's inner names (evalNode, getType, builtins, ...) and may replace its functions. What it changes: a warning
// becomes an error, a wrong type is an error and not null, `and` / `or` stop at the side that decides, the clock is taken
// away, and a tree is built once per text and names in scope.

/** What stops an evaluation. `kind` is feelin's warning type; `position` is {from, to} in the expression. */
export class StrictError extends Error {
  constructor(kind, message, position = null) {
    super(message);
    this.kind = kind;
    this.position = position;
  }
}

// Time is given to a process, never read from the machine: the engine supplies a variable `now` instead.
delete builtins.now;
delete builtins.today;
// or `instance of constructor` would find what every JavaScript object inherits
Object.setPrototypeOf(NAMED_TYPE_CHECKS, null);

InterpreterContext.prototype.addWarning = function (node, type, details) {
  // an operator's own place says little: the expression around it (see `placed`) gives its place instead
  throw new StrictError(type, warningText(node, type, details), node.name === 'ArithOp' ? null : node.position);
};

function warningText(node, type, details) {
  const target = details.values.target;
  switch (type) {
  case 'NO_VARIABLE_FOUND':
    return `unknown name '${normalizeContextKey(node.input)}'`;
  case 'NO_CONTEXT_ENTRY_FOUND':
    return `unknown entry '${node.input}'; the entries are: ${Object.keys(target).join(', ') || 'none'}`;
  case 'NO_PROPERTY_FOUND':
    return target === null ? `'${node.input}' is asked of null` : `a ${kindOf(target)} has no '${node.input}'`;
  case 'NO_FUNCTION_FOUND':
    return `'${shortened(node.input)}' calls something that is not a function`;
  case 'INVALID_TYPE':
    return formatDetails(details.template, details.values);
  default:
    return `${formatDetails(details.template, details.values)} in '${shortened(node.input)}'`;
  }
}

/** feelin calls its own functions "literal". */
function kindOf(value) {
  return typeof value === 'function' ? 'function' : getType(value);
}

function shortened(text) {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Called from feelin's argument checks (see build.mjs): null in gives null out, any other misfit is an error. */
function wrongArguments(args, expected) {
  if (args.some(arg => arg === null)) {
    return null;
  }
  return invalidArguments(`Expected (${expected.join(', ')}), got (${args.map(getType).join(', ')})`);
}

// ---- what may be read of a value: FEEL's own properties, nothing of the JavaScript object behind it
const READABLE = new Set([
  'year', 'month', 'day', 'weekday', 'hour', 'minute', 'second', 'time offset', 'timezone',
  'years', 'months', 'days', 'hours', 'minutes', 'seconds', 'start', 'end', 'start included', 'end included',
]);
const stockGetFromContext = getFromContext;
getFromContext = function (name, context) {
  if (isContext(context)) {
    return stockGetFromContext(name, context);
  }
  const readable = READABLE.has(name) && !isArray(context) && getType(context) !== 'literal';
  return readable ? stockGetFromContext(name, context) : undefined;
};

// ---- comparing
const stockRangeIncludes = rangeIncludes;
rangeIncludes = function (range, value) {
  if (!isNil(value) && !isRange(value) && range.valueType !== null && getType(value) !== range.valueType) {
    throw mismatch(value, range.start ?? range.end);
  }
  return stockRangeIncludes(range, value);
};

const stockCompareValue = compareValue;
compareValue = function (test, value) {
  const result = stockCompareValue(test, value);
  if (result === null && !isNil(value) && !isArray(value) && !isRange(test) && !isNil(test)) {
    throw mismatch(value, test);
  }
  return result;
};

function mismatch(value, other) {
  const against = typeof other === 'function' ? 'another type' : `a ${getType(other)}`;
  return new StrictError('INVALID_TYPE', `a ${getType(value)} (${formatValue(value)}) is compared with ${against}`);
}

// Stock subtracts the wall clocks of two zones; the same instant written in two zones must give PT0S.
const stockSubtractTemporals = subtractTemporals;
subtractTemporals = function (a, b) {
  if (isDateTime(a) && isDateTime(b) && a.zone !== b.zone) {
    if (!isZoned(a) || !isZoned(b)) {
      throw new StrictError('INVALID_TYPE', 'one of the two has a time zone, the other has none');
    }
    return duration(toComparable(a) - toComparable(b));
  }
  return stockSubtractTemporals(a, b);
};

// ---- nodes of the tree that are replaced or wrapped
const NODES = {
  Conjunction: (args, node) => logic(args, node, 'and', false),
  Disjunction: (args, node) => logic(args, node, 'or', true),
  ArithOp: (args, node, stock) => context => (a, b) => {
    const left = a(context);
    const right = b(context);
    if (right === 0 && node.input === '/') {
      throw new StrictError('INVALID_TYPE', 'division by zero');
    }
    const result = isNumber(left) && isNumber(right) ? OPERATORS[node.input](left, right)
      : scaled(node.input, left, right) ?? stock(context)(() => left, () => right);
    if (typeof result === 'number' && !Number.isFinite(result)) {
      throw new StrictError('INVALID_TYPE', 'the number is too large');
    }
    return result;
  },
  IfExpression: (args, node, stock) => {
    const condition = args[1];
    const checked = [args[0], tag(context => truth(condition(context), 'if'), condition.type), ...args.slice(2)];
    const built = stock(checked);
    return tag(placed(built, node), built.type);
  },
  ContextEntry: (args, node, stock) => context => {
    const entry = stock(context);
    if (entry[0] === '__proto__') {
      throw new StrictError('UNSUPPORTED', "'__proto__' cannot be a key", node.position);
    }
    return entry;
  },
  '?': (args, node, stock) => context => {
    const value = stock(context);
    if (value === undefined) {
      throw new StrictError('NO_VARIABLE_FOUND', "unknown name '?': it exists in unary tests only", node.position);
    }
    return value;
  },
  Comparison: (args, node, stock) => tag(placed(stock, node), 'test'),
  ArithmeticExpression: (args, node, stock) => stock && tag(placed(args.length === 2 ? sign(args) : stock, node), stock.type),
  NumericLiteral: (args, node) => constant(literalNumber(node.input), 'number'),
};
const REBUILT = new Set(['IfExpression']); // these call feelin's builder themselves, with other arguments

const stockEvalNode = evalNode;
evalNode = function (node, args, interpreterContext) {
  const replace = NODES[node.name];
  if (!replace) {
    return stockEvalNode(node, args, interpreterContext);
  }
  if (REBUILT.has(node.name)) {
    return replace(args, node, changed => stockEvalNode(node, changed, interpreterContext));
  }
  return replace(args, node, stockEvalNode(node, args, interpreterContext));
};

/** -x, also of a duration. */
function sign([operator, operand]) {
  return context => {
    const value = operand(context);
    return isDuration(value) ? negated(value) : operator(context)(() => 0, () => value);
  };
}

function truth(value, word) {
  if (value === true || value === false || isNil(value)) {
    return value ?? null;
  }
  const got = `${getType(value)} (${formatValue(value)})`;
  throw new StrictError('INVALID_TYPE', `'${word}' needs true or false, got a ${got}`);
}

/** Three-valued `and` / `or`; the right side is not evaluated when the left one decides. */
function logic(args, node, word, decisive) {
  return tag(placed(context => {
    const left = truth(args[0](context), word);
    if (left === decisive) {
      return decisive;
    }
    const right = truth(args[2](context), word);
    return right === decisive ? decisive : left === null || right === null ? null : !decisive;
  }, node), 'test');
}

/** Gives an error that knows no place the place of its node. */
function placed(fn, node) {
  return context => {
    try {
      return fn(context);
    } catch (error) {
      if (error instanceof StrictError && error.position === null) {
        error.position = node.position;
        error.message += ` in '${shortened(node.input)}'`;
      }
      throw error;
    }
  };
}

// Stock gives every node of a tree a toString of its own, for debugging; that doubles what a kept tree weighs.
tag = function (fn, type) {
  fn.type = type;
  return fn;
};

// ---- trees are built once; the names in scope belong to the key, as names with spaces decide how a text is read
const trees = new Map();
const KEPT = 150_000; // characters of text; a character's share of its tree is about 0.25 kB
const SHARE = 40; // what a tree weighs beyond its text, in characters
let kept = 0;

/**
 * The evaluation function of a text: context -> value, for unary tests context -> (value -> boolean).
 * A text that is not kept yet is read inside `reading`.
 */
export function compile(kind, text, context, reading) {
  const key = `${kind}${text}\0${Object.keys(context).join('\0')}`;
  let root = trees.get(key);
  if (root === undefined) {
    root = reading(() => built(kind, text, context));
    for (const oldest of trees.keys()) {
      if (kept < KEPT) break;
      trees.delete(oldest);
      kept -= oldest.length + SHARE;
    }
    trees.set(key, root);
    kept += key.length + SHARE;
  }
  return root;
}

/** The same, not kept here: for who keeps it. */
export function built(kind, text, context) {
  const tree = kind === 'u' ? parseUnaryTests(text, context) : parseExpression(text, context);
  return interpreter._buildExecutionTree(tree, text, new InterpreterContext()).root;
}

/** The syntax tree, also of a faulty text, and what is wrong with it. */
export function parsed(kind, text, context) {
  const tree = kind === 'u' ? parseUnaryTests(text, context) : parseExpression(text, context);
  const faults = [];
  tree.iterate({ enter(node) { if (node.type.isError) faults.push(lintError(text, node)); } });
  return { tree, faults };
}

export function isBuiltin(name) {
  return Object.prototype.hasOwnProperty.call(builtins, name);
}

export { cmp, equals, getType, normalizeContextKey, sum };
