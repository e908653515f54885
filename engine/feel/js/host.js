// The ways out of the sandbox: a question as JSON to the parent process, which answers with a value or an error, and a word to
// child.py about the computing time. Both are taken off the global object before any expression runs.
const send = globalThis.__ask;
const allow = globalThis.__allow;
delete globalThis.__ask;
delete globalThis.__allow;

/** A function of ours failed in the parent. The parent keeps the original exception. */
export class CallError extends Error {}

/** Reading a text is slow, but its length is limited: it has a limit of its own, and running starts with the full one. */
export function reading(build) {
  allow('read');
  const result = build();
  allow('run');
  return result;
}

export function ask(question) {
  const answer = JSON.parse(send(JSON.stringify(question)));
  if ('e' in answer) {
    throw new CallError(answer.e);
  }
  return answer.v;
}
