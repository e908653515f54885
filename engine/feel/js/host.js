// The one way out of the sandbox: a question as JSON to the parent process, which answers with a value or an error.
// `__ask` is put there by child.py; it is taken off the global object before any expression runs.
const send = globalThis.__ask;
delete globalThis.__ask;

/** A function of ours failed in the parent. The parent keeps the original exception. */
export class CallError extends Error {}

export function ask(question) {
  const answer = JSON.parse(send(JSON.stringify(question)));
  if ('e' in answer) {
    throw new CallError(answer.e);
  }
  return answer.v;
}
