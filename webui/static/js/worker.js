// The service worker: keeps the static files and the page without network, and answers with that page when a page of the patrol
// cannot be fetched. It keeps nothing of anybody: whose floors they are stands in the browser's own store (queue.js).
// VERSION, FILES and PAGES come before this text, from the server; another content of a file makes another VERSION.
const KEPT = `zhiban-${VERSION}`, WORDS = 'zhiban-words'; // WORDS: only which language the page without network is in
const PATROL = /^\/(patrols(\/queue|\/floors\/\d+|\/tags\/[\w-]+)?|p\/[\w-]+)\/?$/;
const PATIENCE = 8000; // ms; in a basement a request may hang for long
const UNREACHED = [502, 503, 504]; // what a proxy says when the server is down

self.addEventListener('install', event => event.waitUntil(keep()));
self.addEventListener('activate', event => event.waitUntil(begin()));
self.addEventListener('fetch', event => {
  const { request } = event, url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (url.pathname.startsWith('/static/')) event.respondWith(fromKept(request));
  else if (request.mode === 'navigate' && PATROL.test(url.pathname)) event.respondWith(page(request));
});

async function keep() {
  const kept = await caches.open(KEPT);
  const wanted = [...FILES, ...Object.values(PAGES)].map(address => new Request(address, { cache: 'reload', credentials: 'omit' }));
  await kept.addAll(wanted);
  await self.skipWaiting();
}

async function begin() {
  const names = await caches.keys();
  await Promise.all(names.filter(name => name !== KEPT && name !== WORDS).map(name => caches.delete(name)));
  await self.clients.claim();
}

async function fromKept(request) {
  return (await (await caches.open(KEPT)).match(request)) || fetch(request);
}

async function page(request) {
  const late = new Promise((_, reject) => { setTimeout(reject, PATIENCE); });
  try {
    const answer = await Promise.race([fetch(request), late]);
    if (!UNREACHED.includes(answer.status)) return answer;
  } catch { /* no network: below */ }
  const language = await (await (await caches.open(WORDS)).match('/language'))?.text();
  return (await (await caches.open(KEPT)).match(PAGES[language] || PAGES.zh)) || Response.error();
}
