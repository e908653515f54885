// One floor: six questions, one at a time; a tap answers and goes on, the last one sends. What is sent is one JSON entry with an id
// made here, kept once however often it comes. With the phone's queue (queue.js) the entry and its photos go there, and what is
// answered so far survives a tab that the camera killed; without (plain http) they are sent at once from here.
(() => {
  const queue = window.zhibanQueue;
  const now = () => new Date().toISOString();
  const id = () => (crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, '0')).join(''));
  const wait = ms => new Promise(resolve => { setTimeout(resolve, ms); });
  const SEND_PATIENCE = 5000; // ms that the last tap waits for the server before it goes on; the queue keeps trying

  async function walk(page) {
    const all = s => [...page.querySelectorAll(s)], one = s => page.querySelector(s);
    const groups = all('[data-group]'), bars = all('[data-bars] li'), floor = page.dataset.floor;
    let entry = { id: id(), answers: {}, findings: [], postings: {}, opened_at: now() }, at = 0, proof = null;
    const before = queue && await queue.draft(floor).catch(() => null);
    if (before) ({ entry, at } = before);
    if (page.dataset.tag && !entry.tag) Object.assign(entry, { tag: page.dataset.tag, scanned_at: page.dataset.scanned || now() });
    const keepDraft = () => { queue?.keepDraft(floor, entry, at).catch(() => {}); };

    function show(section, foot) {
      all('.z-step').forEach(s => { s.hidden = s !== section; });
      all('.z-foot').forEach(f => { f.hidden = f !== foot; });
      bars.forEach((bar, n) => { bar.className = n < at ? 'done' : n === at ? 'now' : ''; });
      window.scrollTo(0, 0);
      section.querySelector('h2')?.focus({ preventScroll: true });
    }

    function ask() {
      if (at < groups.length) { show(groups[at], one('[data-answers]')); one('[data-step-back]').disabled = at === 0; }
      else if (one('[data-proof]') && !entry.proof_photo && !proof) show(one('[data-proof]'), one('[data-go]'));
      else send();
    }
    function goOn() { at += 1; if (at < groups.length) keepDraft(); ask(); }

    function answer(value) {
      const key = groups[at].dataset.group;
      entry.answers[key] = value;
      if (value !== 'finding') entry.findings = entry.findings.filter(f => f.group !== key || f.posting);
      if (value === 'finding') { keepDraft(); find(); } else goOn();
    }

    function postings() {
      all('[data-posting]').forEach(box => {
        const picked = box.querySelector('input:checked')?.value;
        if (!picked) return;
        entry.postings[box.dataset.posting] = picked;
        entry.findings = entry.findings.filter(f => String(f.posting) !== box.dataset.posting);
        if (picked === 'finding') entry.findings.push({ group: 'notices', severity: 'minor', department: 'specialist', place: '', words: box.querySelector('legend').textContent, photos: [], posting: Number(box.dataset.posting) });
      });
    }

    const form = one('[data-finding-form]'), bad = one('[data-finding-bad]');
    function find() {
      form.reset(); bad.hidden = true;
      const usual = form.querySelector(`[name="department"][value="${groups[at].dataset.department}"]`);
      if (usual) usual.checked = true;
      show(one('[data-finding]'), one('[data-keep]'));
    }

    // What the entry names a photo by: its hash where the queue holds it, its id where it was sent at once.
    const keepPhoto = file => (queue ? queue.keepPhoto(entry.id, file).catch(() => { throw new Error(page.dataset.full); }) : upload(file));
    async function upload(file) {
      const body = new FormData();
      body.append('photo', file);
      const sent = await fetch(page.dataset.photo, { method: 'POST', body, headers: { 'X-CSRF-Token': token(), Accept: 'application/json' } });
      if (!sent.ok) throw new Error(sent.status === 422 ? page.dataset.wrong : page.dataset.failed);
      return (await sent.json()).id;
    }
    const token = () => JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token'];

    let keeping = false;
    async function keep(more) {
      const said = form.elements.words.value.trim(), file = form.elements.photo.files[0];
      if (!said) return say(page.dataset.needs);
      if (keeping) return undefined;
      keeping = true;
      try {
        const found = { group: groups[at].dataset.group, words: said, place: form.elements.place.value.trim(), severity: form.elements.severity.value, department: form.elements.department.value, photos: [] };
        if (file) found.photos.push(await keepPhoto(file));
        entry.findings.push(found);
      } catch (error) { return say(error.message); } finally { keeping = false; }
      if (more) { keepDraft(); return find(); }
      return goOn();
    }
    function say(text) { bad.textContent = text; bad.hidden = false; }

    async function send() {
      postings();
      entry.sent_at = entry.sent_at || now();
      const wrong = one('[data-send-bad]');
      wrong.hidden = true;
      show(one('[data-send]'), null);
      bars.forEach(bar => { bar.className = 'done'; });
      try {
        if (proof && !entry.proof_photo) entry.proof_photo = await keepPhoto(proof);
        if (queue) {
          await queue.add({ id: Number(floor), label: page.dataset.label, slot: page.dataset.slot }, entry).catch(() => { throw new Error(page.dataset.full); });
          await Promise.race([queue.flush(true).catch(() => {}), wait(SEND_PATIENCE)]);
          return location.assign(page.dataset.back);
        }
        const sent = await fetch(page.dataset.post, { method: 'POST', body: JSON.stringify(entry), headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token() } });
        if (!sent.ok) throw new Error(page.dataset.failed);
        location.assign((await sent.json()).next);
      } catch (error) {
        wrong.textContent = error instanceof TypeError ? page.dataset.failed : error.message; wrong.hidden = false;
        one('[data-go]').hidden = false;
      }
      return undefined;
    }

    page.addEventListener('click', event => {
      const button = event.target.closest('button');
      if (!button) return;
      if (button.dataset.answer) answer(button.dataset.answer);
      else if ('stepBack' in button.dataset) { at = Math.max(0, at - 1); ask(); }
      else if ('keepFinding' in button.dataset) keep(false);
      else if ('moreFinding' in button.dataset) keep(true);
      else if ('dropFinding' in button.dataset) { delete entry.answers[groups[at].dataset.group]; ask(); }
      else if ('proofGo' in button.dataset) send();
    });
    form.addEventListener('submit', event => { event.preventDefault(); keep(false); });
    one('[data-proof-file]')?.addEventListener('change', event => { proof = event.target.files[0] || null; });
    ask();
  }

  window.zhibanWalk = walk;
  const page = document.querySelector('[data-floor]');
  if (!page?.querySelector('[data-answers]')) return;
  (queue ? queue.mine().catch(() => []) : Promise.resolve([])).then(waiting => {
    // a floor that lies in the queue is answered: walking it twice would only make a second entry
    if (waiting.some(e => String(e.floor.id) === page.dataset.floor && e.state === 'waiting')) location.replace('/patrols/queue');
    else walk(page);
  });
})();
