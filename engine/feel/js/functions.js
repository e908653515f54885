// Appended to feelin's module by build.mjs: the standard's functions that feelin has not, or that it computes in binary.

// ---- numbers
sum = list => list.reduce((total, item) => total === null ? item : plus(total, item), null);
offsetted = (round, n, scale) => {
  const unit = 10 ** scale;
  const result = over(round(times(n, unit)), unit);
  return Number.isNaN(result) ? n : result;
};
median = list => {
  const sorted = list.slice().sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Number.isInteger(middle) ? over(plus(sorted[middle - 1], sorted[middle]), 2) : sorted[Math.floor(middle)];
};

function halves(away) {
  return fn((n, scale) => {
    if (n === null || scale === null) return null;
    return offsetted(units => {
      const size = Math.abs(units);
      const half = tidy(size - Math.floor(size)) === 0.5;
      return Math.sign(units) * (half && !away ? Math.floor(size) : Math.floor(plus(size, 0.5)));
    }, n, scale);
  }, ['number', 'number'], ['n', 'scale']);
}

const whole = round => fn((n, scale = 0) => scale === null ? null : offsetted(round, n, scale),
  ['number', 'number?'], ['n', 'scale']);

Object.assign(builtins, {
  mean: listFn((...list) => list.length ? over(sum(list), list.length) : null, 'number', ['...list']),
  product: listFn((...list) => list.length ? list.reduce(times, 1) : null, 'number', ['...list']),
  floor: whole(Math.floor),
  ceiling: whole(Math.ceil),
  'round half up': halves(true),
  'round half down': halves(false),
  modulo: fn((dividend, divisor) => {
    if (!divisor) return invalidArguments('modulo(dividend, divisor) needs a divisor other than 0');
    return minus(dividend, times(divisor, Math.floor(over(dividend, divisor))));
  }, ['number', 'number'], ['dividend', 'divisor']),
});

// ---- least and greatest of whatever has an order
const ORDERED = new Set(['number', 'string', 'date', 'time', 'date time', 'duration']);

function extreme(name, sign) {
  return listFn((...list) => {
    if (!list.length) return null;
    const types = new Set(list.map(getType));
    if (types.size > 1 || !ORDERED.has(getType(list[0]))) {
      return invalidArguments(`${name}(list) needs values of one type that has an order, got ${[...types].join(', ')}`);
    }
    return list.reduce((best, item) => sign * cmp(item, best) > 0 ? item : best);
  }, 'any', ['...list']);
}

Object.assign(builtins, { min: extreme('min', -1), max: extreme('max', 1) });

yearsAndMonthsDuration = (from, to) => ofAmount(from.value.until(to.value, { largestUnit: 'month' }).months, true);

// ---- ranges: the relations of Allen's algebra that feelin leaves out
const starts = (a, b) => cmp(a.start, b.start) === 0 && a['start included'] === b['start included'];
const ends = (a, b) => cmp(a.end, b.end) === 0 && a['end included'] === b['end included'];
const endsNoLater = (a, b) => cmp(a.end, b.end) < 0
  || (cmp(a.end, b.end) === 0 && (!a['end included'] || b['end included']));
const startsNoEarlier = (a, b) => cmp(a.start, b.start) > 0
  || (cmp(a.start, b.start) === 0 && (!a['start included'] || b['start included']));
const startsEarlier = (a, b) => cmp(a.start, b.start) < 0
  || (cmp(a.start, b.start) === 0 && a['start included'] && !b['start included']);
const reaches = (a, b) => cmp(a.end, b.start) > 0
  || (cmp(a.end, b.start) === 0 && a['end included'] && b['start included']);

const finishes = (a, b) => isRange(a) ? ends(a, b) && startsNoEarlier(a, b) : cmp(a, b.end) === 0 && b['end included'];
const begins = (a, b) => isRange(a) ? starts(a, b) && endsNoLater(a, b) : cmp(a, b.start) === 0 && b['start included'];
const overlapsBefore = (a, b) => startsEarlier(a, b) && reaches(a, b) && endsNoLater(a, b);

/** Both sides have to be of one type, and ranges need both ends. */
function related(name, types, params, holds) {
  return fn((a, b) => {
    const unbounded = [a, b].some(side => isRange(side) && (side.start === null || side.end === null));
    const kinds = [a, b].map(side => isRange(side) ? getType(side.start) : getType(side));
    if (unbounded || kinds[0] !== kinds[1]) {
      return invalidArguments(`${name}(${params.join(', ')}) needs two sides of one type, and ranges with both ends`);
    }
    return holds(a, b);
  }, types, params);
}

const RELATIONS = {
  'overlaps before': [['range', 'range'], ['range1', 'range2'], overlapsBefore],
  'overlaps after': [['range', 'range'], ['range1', 'range2'], (a, b) => overlapsBefore(b, a)],
  finishes: [['any', 'range'], ['point', 'range'], finishes],
  'finished by': [['range', 'any'], ['range', 'point'], (a, b) => finishes(b, a)],
  starts: [['any', 'range'], ['point', 'range'], begins],
  'started by': [['range', 'any'], ['range', 'point'], (a, b) => begins(b, a)],
  during: [['any', 'range'], ['point', 'range'], (a, b) => includes(b, a)],
  coincides: [['any', 'any'], ['point1', 'point2'],
    (a, b) => isRange(a) && isRange(b) ? starts(a, b) && ends(a, b) : !isRange(a) && !isRange(b) && cmp(a, b) === 0],
};
for (const [name, [types, params, holds]] of Object.entries(RELATIONS)) {
  builtins[name] = related(name, types, params, holds);
}

const END = String.raw`\s*(?:-?\d+(?:\.\d+)?|"[^"\\]*"|@"[^"\\]*"|(?:date|time|date and time|duration)\("[^"\\]*"\))?\s*`;
const RANGE = new RegExp(String.raw`^[[(\]]${END}\.\.${END}[\])[]$`);

builtins.range = fn(text => {
  const range = RANGE.test(text.trim()) ? built('e', text.trim(), {})({}) : null;
  return isRange(range) ? range : invalidArguments('range(from) needs the text of a range, such as "[1..5]", got {text}', { text });
}, ['string'], ['from']);
