// The pages that a phone builds by itself, from what queue.js keeps: the list of what has not been sent, and without network also the
// day's floors and one floor (patrol.js asks the six questions). Every text from people is a text node.
(() => {
  const queue = window.zhibanQueue, box = document.querySelector('[data-phone]');
  if (!box) return;
  const w = JSON.parse(document.querySelector('[data-phone-words]').dataset.phoneWords);
  const fill = (text, given) => Object.entries(given).reduce((t, [key, value]) => t.replace(`{${key}}`, value), text);
  const icon = name => document.querySelector(`template[data-icon="${name}"]`)?.content.cloneNode(true) || '';
  const alone = box.dataset.phone === 'alone';

  function node(tag, given = {}, ...children) {
    const made = document.createElement(tag);
    for (const [key, value] of Object.entries(given)) {
      if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
      else if (value !== null && value !== false) made.setAttribute(key, value === true ? '' : value);
    }
    made.append(...children.filter(c => c !== null && c !== undefined && c !== false));
    return made;
  }
  const two = n => String(n).padStart(2, '0');
  const time = at => `${two(new Date(at).getHours())}:${two(new Date(at).getMinutes())}`;
  const empty = (title, hint) => node('section', { class: 'z-panel' }, node('div', { class: 'z-empty' }, node('div', { class: 'z-strong z-dark' }, title), node('div', {}, hint)));

  // --- what is not sent ------------------------------------------------------------------------------------------------

  const TOLD = { walked: w.toldWalked, over: w.toldOver };
  function about(entry) {
    const body = JSON.parse(entry.body), facts = [time(entry.made_at)];
    if (body.findings.length) facts.push(fill(w.findings, { n: body.findings.length }));
    if (entry.photos.length) facts.push(fill(w.photos, { n: entry.photos.length }));
    if (entry.state === 'waiting' && entry.tries) facts.push(fill(w.tried, { n: entry.tries }));
    return facts.join(w.comma);
  }

  function drop(entry) {
    return node('button', { type: 'button', class: 'z-btn', onclick: event => {
      if (event.target.dataset.sure) queue.dismiss(entry.id);
      else { event.target.dataset.sure = '1'; event.target.textContent = w.dropSure; }
    } }, w.drop);
  }

  function row(entry) {
    const said = entry.state === 'refused' ? fill(w.refused, { why: entry.why }) : entry.state === 'told' ? fill(TOLD[entry.outcome] || '', { by: entry.by }) : w.waiting;
    const acts = entry.state === 'told' ? [node('button', { type: 'button', class: 'z-btn', onclick: () => queue.dismiss(entry.id) }, icon('check'), w.seen)]
      : entry.state === 'refused' ? [node('button', { type: 'button', class: 'z-btn', onclick: () => queue.again(entry.id) }, w.again), drop(entry)] : [];
    return node('li', { 'data-entry': entry.id, 'data-state': entry.state },
      node('div', { class: 'z-grow' }, node('b', {}, `${entry.floor.label}${w.comma}${entry.floor.slot}`), node('div', { class: 'z-hint' }, about(entry)), node('div', { class: entry.state === 'waiting' ? 'z-hint' : 'z-break' }, said)),
      acts.length ? node('div', { class: 'z-row z-wrap' }, ...acts) : null);
  }

  function queuePage(entries) {
    const list = node('section', { class: 'z-panel', 'aria-label': w.queueTitle }, node('ol', { class: 'z-floors z-queued' }, ...entries.map(row)));
    const go = node('button', { type: 'button', class: 'z-btn main wide', 'data-send-now': true, onclick: async event => {
      const button = event.currentTarget;
      button.disabled = true;
      await queue.flush(true).catch(() => {});
      button.disabled = false;
    } }, icon('send'), w.sendNow);
    const parts = [alone ? heading(w.queueTitle) : null, entries.length ? list : empty(w.queueEmpty, w.queueEmptyHint)];
    if (entries.some(e => e.state === 'waiting')) parts.push(node('p', { class: 'z-gap' }, go));
    box.replaceChildren(...parts.filter(Boolean));
  }

  const heading = text => node('header', { class: 'z-alonehead' }, text === w.patrols ? '' : node('a', { class: 'z-btn quiet', href: '/patrols' }, icon('chevron-left'), w.patrols), node('h1', { class: 'z-head z-grow' }, text));

  // --- today's floors --------------------------------------------------------------------------------------------------

  function span(minutes) {
    return minutes < 60 ? fill(w.minutes, { n: minutes }) : `${Math.floor(minutes / 60)}:${two(minutes % 60)}`;
  }
  function clock(patrol) {
    if (patrol.over) return node('span', { class: 'z-clock done' }, icon('check'), node('span', {}, w.over));
    const now = (Date.now() + (queue.day()?.offset || 0)) / 1000, left = patrol.ends - now;
    const kind = left < 0 ? 'over' : now >= patrol.starts + 0.8 * (patrol.ends - patrol.starts) ? 'soon' : 'mine';
    const text = left < 0 ? fill(w.past, { t: span(Math.max(1, Math.ceil(-left / 60))) }) : fill(w.left, { t: span(Math.ceil(left / 60)) });
    return node('span', { class: `z-clock ${kind}` }, icon({ over: 'alert-triangle', soon: 'clock-exclamation', mine: 'clock' }[kind]), node('span', {}, text));
  }

  function patrolPanel(patrol, queued) {
    const left = patrol.floors.filter(f => !queued.has(f.id)), sent = patrol.floors.length - left.length, id = `patrol-${patrol.number}`;
    const rows = [...left.filter(f => f.mine), ...left.filter(f => !f.mine)].map(f => node('li', {}, node('a', { href: `/patrols/floors/${f.id}` }, node('b', {}, f.label), node('span', { class: 'z-hint' }, f.mine ? w.mine : f.who), icon('chevron-right'))));
    return node('section', { class: 'z-panel z-patrol', 'aria-labelledby': id },
      node('div', { class: 'z-ph' }, node('h2', { id }, patrol.name), node('span', { class: 'z-count' }, fill(w.count, { done: patrol.done + sent, all: patrol.all })), node('span', { class: 'z-right z-row' }, clock(patrol))),
      rows.length ? node('ol', { class: 'z-floors' }, ...rows) : null,
      sent ? node('p', { class: 'z-more' }, node('a', { href: '/patrols/queue' }, fill(w.queued, { n: sent }))) : null,
      patrol.all - patrol.floors.length ? node('p', { class: 'z-more z-hint' }, fill(w.walked, { n: patrol.all - patrol.floors.length })) : null);
  }

  let said = ''; // why it is the list and not a floor
  function listPage(entries) {
    const patrols = queue.day()?.patrols || [], queued = new Set(entries.map(e => e.floor.id));
    box.replaceChildren(heading(w.patrols), ...(said ? [node('div', { class: 'z-offer', role: 'status' }, said)] : []),
      ...(patrols.length ? patrols.map(p => patrolPanel(p, queued)) : [empty(w.empty, w.emptyHint)]));
  }

  // --- one floor -------------------------------------------------------------------------------------------------------

  function step(group, n, floor, all) {
    const lines = floor.office ? [...group.lines, ...group.office] : group.lines;
    const open = floor.open.filter(f => f.group === group.key).map(f => node('div', { class: 'z-before' }, node('b', {}, w.open), node('div', { class: 'z-small z-break' }, `${f.words}${w.comma}${f.number}`)));
    const hanging = group.key === 'notices' ? floor.postings.map(posting) : [];
    return node('section', { class: 'z-step', 'data-group': group.key, 'data-department': group.department, 'aria-labelledby': `g-${group.key}`, hidden: true },
      node('div', { class: 'z-hint' }, fill(w.item, { n: n + 1, all })), node('h2', { class: 'z-item', id: `g-${group.key}`, tabindex: '-1' }, group.name),
      node('ul', { class: 'z-look' }, ...lines.map(line => node('li', {}, line))), ...open, ...hanging);
  }
  function posting(p) {
    const pick = (value, text) => node('label', {}, node('input', { type: 'radio', name: `posting-${p.id}`, value }), node('span', {}, text));
    return node('fieldset', { class: 'z-before', 'data-posting': p.id }, node('legend', { class: 'z-strong' }, fill(w.expired, p)), node('div', { class: 'z-hint' }, fill(w.until, { day: p.until })), node('div', { class: 'z-seg' }, pick('down', w.down), pick('finding', w.still)));
  }

  function floorPage(patrol, floor, tag) {
    const page = document.querySelector('template[data-walk]').content.cloneNode(true).firstElementChild, one = s => page.querySelector(s);
    Object.assign(page.dataset, { floor: floor.id, label: floor.label, slot: patrol.slot, back: '/patrols', tag, post: '', photo: '' });
    one('[data-title]').textContent = `${floor.label}${w.comma}${patrol.slot}`;
    one('[data-clock]').replaceWith(clock(patrol));
    one('[data-notag]').hidden = Boolean(tag);
    const { groups, departments } = queue.day();
    one('[data-departments]').append(...Object.entries(departments).map(([value, text]) => node('label', {}, node('input', { type: 'radio', name: 'department', value }), node('span', {}, text))));
    groups.forEach((group, n) => { one('[data-bars]').append(node('li')); one('[data-finding]').before(step(group, n, floor, groups.length)); });
    if (floor.photo_item) one('#proof-head').textContent = fill(w.proof, { item: floor.photo_item }); else one('[data-proof]').remove();
    document.body.classList.add('z-has-foot');
    box.replaceChildren(page);
    window.zhibanWalk(page);
  }

  // --- which page it is ------------------------------------------------------------------------------------------------

  async function find() {
    const floors = (queue.day()?.patrols || []).filter(p => !p.over).flatMap(patrol => patrol.floors.map(floor => ({ patrol, floor })));
    const scanned = location.pathname.match(/^\/(?:p|patrols\/tags)\/([\w-]+)/)?.[1], opened = location.pathname.match(/^\/patrols\/floors\/(\d+)/)?.[1];
    if (scanned) {
      const known = await queue.hash(new TextEncoder().encode(scanned));
      return { scanned, found: floors.find(f => f.floor.tags.includes(known)) };
    }
    return { opened, scanned: new URLSearchParams(location.search).get('tag') || '', found: floors.find(f => String(f.floor.id) === opened) };
  }

  async function show() {
    const entries = await queue.mine();
    if (location.pathname === '/patrols/queue') return queuePage(entries);
    const { scanned, opened, found } = await find();
    if (found && !entries.some(e => e.floor.id === found.floor.id)) return floorPage(found.patrol, found.floor, scanned);
    said = found || opened ? w.nothingHere : scanned ? w.noSuchTag : '';
    return listPage(entries);
  }

  async function begin() {
    if (!queue) { listPage([]); return; }
    await queue.loaded;
    const day = queue.day();
    if (alone && day && day.theme !== 'auto') document.documentElement.dataset.bsTheme = day.theme;
    if (alone) queue.hello().then(queue.flush).catch(() => {});
    await show();
    document.addEventListener('zhiban-queue', event => {
      if (location.pathname === '/patrols/queue') queuePage(event.detail);
      else if (!box.querySelector('[data-floor]')) listPage(event.detail);
    });
  }
  begin();
})();
