// The phone's own queue of patrolled floors (T30). An entry and its photos lie in the browser's store, each by its sha-256, until the
// server has said that it holds them; only then does the phone let go. Tried again with growing pauses, when the network comes
// back, when a page opens, and by a button. Needs https or localhost; without it pages send at once and nothing is queued.
// Also here: the floors of the day that the phone carries along, cleared at log-out and when somebody else logs in.
(() => {
  if (!window.indexedDB || !window.crypto?.subtle || !navigator.locks) return;
  const STORES = { day: {}, entries: { keyPath: 'id' }, photos: { keyPath: 'key' }, drafts: { keyPath: 'key' } };
  const FIRST_PAUSE = 2000, LONGEST_PAUSE = 5 * 60000, ENTRY_PATIENCE = 20000, PHOTO_PATIENCE = 90000;
  const LONGEST_SIDE = 1600, QUALITY = 0.85, KEEP_DRAFTS = 2 * 24 * 3600000;
  const state = { csrf: '', offset: null, day: null, reached: null, login: false, tries: 0, next_at: 0 };

  class Unreached extends Error { // try again later; with a status the server was there, but this one entry did not go
    constructor(status = 0) { super(`not reached: ${status}`); this.status = status; }
  }
  class LoggedOut extends Error {}

  // --- the browser's store ---------------------------------------------------------------------------------------------

  const answerOf = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const opened = (() => {
    const request = indexedDB.open('zhiban-patrol', 1);
    request.onupgradeneeded = () => Object.entries(STORES).forEach(([name, how]) => request.result.createObjectStore(name, how));
    return answerOf(request);
  })();
  opened.catch(() => {});
  const get = async (store, key) => answerOf((await opened).transaction(store).objectStore(store).get(key));
  const all = async store => answerOf((await opened).transaction(store).objectStore(store).getAll());

  // One transaction over all stores: `act(tables)` writes, the promise holds when it is on the disk.
  async function write(act) {
    const change = (await opened).transaction(Object.keys(STORES), 'readwrite', { durability: 'strict' });
    const done = new Promise((resolve, reject) => { change.oncomplete = resolve; change.onabort = change.onerror = () => reject(change.error); });
    act(Object.fromEntries(Object.keys(STORES).map(name => [name, change.objectStore(name)])));
    return done;
  }

  const hash = async bytes => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))].map(b => b.toString(16).padStart(2, '0')).join('');
  const person = () => document.body.dataset.person || state.day?.person || '';
  const photosFor = entry => IDBKeyRange.bound(`${entry}/`, `${entry}/~`);
  const mine = async () => (await all('entries')).filter(e => e.owner === person()).sort((a, b) => a.made_at - b.made_at);

  // --- talking to the server -------------------------------------------------------------------------------------------

  async function ask(address, options = {}, patience = ENTRY_PATIENCE) {
    let answer;
    try {
      answer = await fetch(address, { redirect: 'manual', cache: 'no-store', signal: AbortSignal.timeout(patience), ...options });
    } catch { state.reached = false; throw new Unreached(); }
    if (answer.type === 'opaqueredirect' || answer.status === 401) { state.login = true; state.csrf = ''; throw new LoggedOut(); }
    state.reached = ![502, 503, 504].includes(answer.status);
    if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new Unreached(state.reached ? answer.status : 0);
    return answer;
  }

  async function send(address, body, headers, patience) {
    for (const again of [true, false]) {
      if (!state.csrf) await hello();
      const answer = await ask(address, { method: 'POST', body, headers: { ...headers, 'X-CSRF-Token': state.csrf, 'X-Phone-Now': new Date().toISOString(), Accept: 'application/json' } }, patience);
      if (answer.status !== 403 || !again) return answer;
      state.csrf = ''; // the session is a new one: ask for its token, then once more
    }
    throw new Unreached();
  }

  // Today's floors, the token for sending, and how far this phone's clock is off: the server's instant minus the middle of the request.
  async function hello() {
    const asked = Date.now(), answer = await ask('/patrols/day.json');
    if (!answer.ok) { await forget(); throw new LoggedOut(); }
    const day = await answer.json(), { csrf, ...kept } = day;
    if (document.body.dataset.person && document.body.dataset.person !== day.person) throw new LoggedOut();
    Object.assign(state, { csrf, login: false, offset: Date.parse(day.now) - (asked + Date.now()) / 2 });
    state.day = { ...kept, offset: state.offset };
    await write(({ day: table }) => { table.put(state.day, 'day'); });
    const words = await caches.open('zhiban-words');
    await words.put('/language', new Response(day.language));
    return state.day;
  }

  async function forget() {
    state.day = null;
    await write(({ day }) => { day.clear(); });
  }

  // --- what is walked --------------------------------------------------------------------------------------------------

  async function shrunk(file) {
    try {
      const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
      const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
      const canvas = Object.assign(document.createElement('canvas'), { width: Math.max(1, Math.round(picture.width * scale)), height: Math.max(1, Math.round(picture.height * scale)) });
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height);
      picture.close();
      const blob = await new Promise(resolve => { canvas.toBlob(resolve, 'image/jpeg', QUALITY); });
      if (blob) return blob;
    } catch { /* a kind that this browser cannot draw, such as HEIC: the server can */ }
    return new Blob([await file.arrayBuffer()], { type: file.type });
  }

  // Keep a photo of an entry that is being made; gives its hash. The bytes are copied: a file of the camera may be gone tomorrow.
  async function keepPhoto(entryId, file) {
    const blob = await shrunk(file), sha256 = await hash(await blob.arrayBuffer());
    await write(({ photos }) => { photos.put({ key: `${entryId}/${sha256}`, entry: entryId, sha256, blob }); });
    return sha256;
  }

  const draftKey = floor => `${person()}/${floor}`;
  const draft = async floor => { await loaded; return get('drafts', draftKey(floor)); };
  const keepDraft = (floor, entry, at) => write(({ drafts }) => { drafts.put({ key: draftKey(floor), entry, at, made_at: Date.now() }); });
  const photosOf = entry => [...new Set([...entry.findings.flatMap(f => f.photos), entry.proof_photo].filter(Boolean))];

  // The floor is walked: the entry is frozen, hashed, and waits. `floor`: { id, label, slot }.
  async function add(floor, entry) {
    await loaded;
    if (state.offset !== null) entry.offset_seconds = Math.round(state.offset / 1000);
    const body = JSON.stringify(entry), sha256 = await hash(new TextEncoder().encode(body));
    const item = { id: entry.id, owner: person(), floor, body, sha256, photos: photosOf(entry).map(photo => ({ sha256: photo, here: false })), made_at: Date.now(), tries: 0, state: 'waiting', why: '' };
    await write(({ entries, drafts }) => { entries.put(item); drafts.delete(draftKey(floor.id)); });
    navigator.storage?.persist?.().catch(() => {});
    await paint();
  }

  // --- sending ---------------------------------------------------------------------------------------------------------

  const flush = force => navigator.locks.request('zhiban-queue', () => run(force)).finally(paint);

  async function run(force) {
    await loaded;
    if (!force && Date.now() < state.next_at && state.next_at < Date.now() + 2 * LONGEST_PAUSE) return;
    let failed = false;
    for (const item of (await mine()).filter(e => e.state === 'waiting')) {
      try { await deliver(item); paint(); } catch (error) {
        if (error instanceof LoggedOut) return;
        if (!(error instanceof Unreached)) throw error;
        failed = true;
        await put({ ...item, tries: item.tries + 1 });
        if (!error.status) break;
      }
    }
    state.tries = failed ? state.tries + 1 : 0;
    state.next_at = failed ? Date.now() + Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (state.tries - 1)) * (0.75 + Math.random() / 2) : 0;
  }

  const put = item => write(({ entries }) => { entries.put(item); });
  async function refuse(item, why) { Object.assign(item, { state: 'refused', why }); await put(item); }
  async function whyOf(answer) {
    if (answer.status === 413) return words().tooBig;
    const said = await answer.json().catch(() => ({}));
    return [said.what, said.next].filter(Boolean).join(words().comma) || words().refused;
  }

  // Entry first, so that departments hear of it at once; then its photos; then the server is asked what it holds.
  async function deliver(item) {
    const quiet = item.tries || Date.now() - item.made_at > 8000 ? '?quiet=1' : '';
    const answer = await send(`/patrols/floors/${item.floor.id}${quiet}`, item.body, { 'Content-Type': 'application/json' });
    if (!answer.ok) return refuse(item, await whyOf(answer));
    let receipt = await answer.json();
    for (const photo of item.photos.filter(p => !receipt.photos.includes(p.sha256))) {
      if (!await deliverPhoto(item, photo)) return refuse(item, photo.why);
    }
    if (item.photos.length) {
      const now = await ask(`/patrols/entries/${item.id}`);
      if (!now.ok) throw new Unreached();
      receipt = await now.json();
    }
    if (receipt.sha256 !== item.sha256) return refuse(item, words().differs);
    if (!item.photos.every(p => receipt.photos.includes(p.sha256))) throw new Unreached();
    await letGo(item, receipt);
  }

  async function deliverPhoto(item, photo) {
    const kept = await get('photos', `${item.id}/${photo.sha256}`);
    if (!kept) { photo.why = words().photoGone; return false; }
    const form = new FormData();
    form.append('entry', item.id);
    form.append('photo', kept.blob, `${photo.sha256.slice(0, 8)}.jpg`);
    const answer = await send(`/patrols/floors/${item.floor.id}/photos`, form, {}, PHOTO_PATIENCE);
    if (!answer.ok) { photo.why = await whyOf(answer); return false; }
    if ((await answer.json()).sha256 !== photo.sha256) throw new Unreached(); // it was spoilt on the way
    return true;
  }

  // The floor is not to be walked again, though the day was fetched before.
  function without(floorId) {
    state.day.patrols.forEach(patrol => {
      const left = patrol.floors.filter(f => f.id !== floorId);
      patrol.done += patrol.floors.length - left.length;
      patrol.floors = left;
    });
    return state.day;
  }

  // The server holds all of it. What did not count stays on the list until somebody has read why.
  const letGo = (item, receipt) => write(({ day, entries, photos }) => {
    if (state.day) day.put(without(item.floor.id), 'day');
    photos.delete(photosFor(item.id));
    if (receipt.outcome === 'counted') entries.delete(item.id);
    else entries.put({ ...item, state: 'told', outcome: receipt.outcome, by: receipt.by });
  });

  const again = async id => { const item = await get('entries', id); if (item) await put({ ...item, state: 'waiting', why: '' }); return flush(true); };
  // Somebody has read it (told), or gives it up (refused) by a button of its own.
  async function dismiss(id) {
    const item = await get('entries', id);
    if (!item || item.state === 'waiting') return;
    await write(({ entries, photos }) => { entries.delete(id); photos.delete(photosFor(id)); });
    await paint();
  }

  // --- the strip on top ------------------------------------------------------------------------------------------------

  const strip = () => document.querySelector('[data-queue]');
  const words = () => JSON.parse(strip()?.dataset.words || '{}');
  let timer = 0;

  async function paint() {
    const entries = await mine(), others = (await all('entries')).filter(e => e.owner !== person() && e.state === 'waiting').length;
    const waiting = entries.filter(e => e.state === 'waiting'), look = entries.length - waiting.length, w = words(), box = strip();
    clearTimeout(timer);
    if (waiting.length && !state.login) timer = setTimeout(() => flush(false).catch(() => {}), Math.max(1000, Math.min(2 * LONGEST_PAUSE, state.next_at - Date.now())));
    document.body.dataset.unsent = waiting.length;
    document.dispatchEvent(new CustomEvent('zhiban-queue', { detail: entries }));
    if (!box) return;
    const off = state.reached === false || (state.reached === null && navigator.onLine === false);
    const n = waiting.length;
    const text = n ? (state.login ? w.login : off ? w.offline : w.waiting).replace('{n}', n) : off && box.dataset.always ? w.none : look ? w.look.replace('{n}', look) : others ? w.others.replace('{n}', others) : '';
    box.hidden = !text;
    box.querySelector('[data-off]').hidden = !off;
    box.querySelector('[data-on]').hidden = off;
    box.querySelector('[data-queue-text]').textContent = text;
    const link = box.querySelector('a');
    link.hidden = !n && !look;
    link.href = state.login ? `/login?next=${encodeURIComponent('/patrols/queue')}` : '/patrols/queue';
    link.textContent = state.login ? w.toLogin : w.see;
  }

  // --- a page opens ----------------------------------------------------------------------------------------------------

  const loaded = start();
  async function start() {
    state.day = (await get('day', 'day')) || null;
    state.offset = state.day?.offset ?? null;
    const now = Date.now() + (state.offset || 0), here = document.body.dataset.person;
    if (state.day && (now >= Date.parse(state.day.until) || (here && here !== state.day.person))) await forget();
    const entries = await all('entries'), old = (await all('drafts')).filter(d => Date.now() - d.made_at > KEEP_DRAFTS);
    const queued = new Set(entries.map(e => e.id)), dropped = old.map(d => d.entry.id).filter(id => !queued.has(id));
    if (old.length) await write(({ drafts, photos }) => { old.forEach(d => drafts.delete(d.key)); dropped.forEach(id => photos.delete(photosFor(id))); });
  }

  async function open() {
    await loaded;
    await paint();
    if (document.querySelector('[data-carries]')) {
      navigator.serviceWorker?.register('/sw.js', { updateViaCache: 'none' }).catch(() => {});
      await hello().catch(() => {});
    }
    await flush(true);
  }

  // Log-out clears all that the browser keeps, unless it holds the only copy of something: then only the day's floors go.
  document.addEventListener('submit', event => {
    const form = event.target;
    if (!form.matches('form[action$="/logout"]') || form.dataset.cleared) return;
    event.preventDefault();
    form.dataset.cleared = '1';
    (async () => {
      await forget();
      if ((await all('entries')).length || (await all('drafts')).length) form.append(Object.assign(document.createElement('input'), { type: 'hidden', name: 'keep', value: '1' }));
    })().catch(() => {}).finally(() => form.submit());
  });

  window.addEventListener('online', () => { flush(true).catch(() => {}); });
  window.addEventListener('offline', () => { state.reached = false; paint(); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) flush(false).catch(() => {}); });
  window.zhibanQueue = { loaded, hello, add, keepPhoto, shrunk, draft, keepDraft, flush, again, dismiss, mine, hash, day: () => state.day, words };
  if (document.body) open().catch(() => {}); else document.addEventListener('DOMContentLoaded', () => open().catch(() => {}));
})();
