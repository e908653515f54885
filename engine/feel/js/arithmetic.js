// Appended to feelin's module by build.mjs. FEEL's numbers are decimals, JavaScript's are doubles: here sums and products
// come out as the decimal that a person would write, so 0.1 + 0.2 = 0.3 and 0.29 * 100 = 29. Exact wherever the decimal
// result has at most 15 digits, which is money to ten thousand billion yuan; beyond that, and for thirds, it is a double.

const DIGITS = 15;
const WHOLE = 1e15; // from here on a double has no two decimals left to tidy

/** The decimal of 15 digits that a double stands for. */
function tidy(n) {
  return Number.isInteger(n) || Math.abs(n) >= WHOLE || !Number.isFinite(n) ? n : Number(n.toPrecision(DIGITS));
}

function decimals(n) {
  if (Number.isInteger(n)) {
    return 0;
  }
  const [digits, exponent = '0'] = String(n).split('e');
  return Math.max(0, (digits.split('.')[1] ?? '').length - Number(exponent));
}

/** Sums are made in whole units of the last decimal, or 1000000.1 - 1000000 would keep the noise of the larger one. */
function plus(a, b) {
  const places = Math.max(decimals(a), decimals(b));
  if (places === 0 || places > 22) {
    return a + b;
  }
  const unit = 10 ** places;
  const sum = Math.round(a * unit) + Math.round(b * unit);
  return Number.isSafeInteger(Math.round(a * unit)) && Number.isSafeInteger(Math.round(b * unit))
    ? tidy(sum / unit) : tidy(a + b);
}

const minus = (a, b) => plus(a, -b);
const times = (a, b) => tidy(a * b);

/** A quotient that has an end is given as it is written; a third keeps all its digits, so that 1 / 3 * 3 = 1. */
function over(a, b) {
  const written = tidy(a / b);
  return times(written, b) === a ? written : a / b;
}

function power(a, b) {
  if (Number.isInteger(a) || !Number.isInteger(b) || Math.abs(b) > 100) {
    return Math.pow(a, b);
  }
  let result = 1;
  for (let turn = 0; turn < Math.abs(b); turn++) {
    result = times(result, a);
  }
  return b < 0 ? over(1, result) : result;
}

const OPERATORS = { '+': plus, '-': minus, '*': times, '/': over, '**': power, '^': power };

/** feelin reads 1e3 as 1. */
function literalNumber(text) {
  return Number(text);
}

// ---- durations
const monthsOf = d => d.value.years * 12 + d.value.months;
const millisecondsOf = d => d.value.total('milliseconds');
const amount = d => d.yearsMonths ? monthsOf(d) : millisecondsOf(d);
const ofAmount = (n, yearsMonths) => yearsMonths
  ? new FeelDuration(Temporal.Duration.from({ months: Math.trunc(n) }), true)
  : duration(Math.round(n));

/** duration * number, number * duration, duration / number, duration / duration; undefined for anything else. */
function scaled(operator, a, b) {
  if (operator === '*' && isDuration(a) && isNumber(b)) return ofAmount(times(amount(a), b), a.yearsMonths);
  if (operator === '*' && isNumber(a) && isDuration(b)) return ofAmount(times(a, amount(b)), b.yearsMonths);
  if (operator === '/' && isDuration(a) && isNumber(b)) return ofAmount(over(amount(a), b), a.yearsMonths);
  if (operator === '/' && isDuration(a) && isDuration(b) && a.yearsMonths === b.yearsMonths) {
    return over(amount(a), amount(b));
  }
  return undefined;
}

const negated = d => new FeelDuration(d.value.negated(), d.yearsMonths);
