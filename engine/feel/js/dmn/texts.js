// The FEEL texts of a decision model. A text is an object {text, at}: `at` says where it stands ("rule 3, input 类别"),
// so that whatever fails can name the place. Its tree is kept on the object after its first use.
import { built } from 'feelin';

/** What failed and where: `at` grows from the cell outwards. */
export class Failure extends Error {
  constructor(at, error, text) {
    super(error.message);
    this.at = at;
    this.cause = error;
    this.text = text;
  }
}

function run(expression, kind, scope) {
  try {
    expression.root ??= built(kind, expression.text, scope);
    return expression.root(scope);
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(expression.at, error, expression.text);
  }
}

export function value(expression, scope) {
  return run(expression, 'e', scope);
}

/** Whether the unary tests hold for '?' of the scope. */
export function holds(expression, scope) {
  if (expression.any) { // empty or "-"
    return true;
  }
  try {
    return run(expression, 'u', scope)(scope['?'] ?? null) === true;
  } catch (error) {
    throw error instanceof Failure ? error : new Failure(expression.at, error, expression.text);
  }
}

/** Runs `body`; an error that knows no place gets this one. */
export function placed(at, body) {
  try {
    return body();
  } catch (error) {
    throw error instanceof Failure || error instanceof RangeError ? error : new Failure(at, error, null);
  }
}
