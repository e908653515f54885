// One floor: six questions, one at a time; a tap answers and goes on, the last one sends. What is sent is one JSON entry with an id
// made here, so that it can be sent again (and queued by somebody else) without being kept twice.
(() => {
  const page = document.querySelector('[data-floor]');
  if (!page || !page.querySelector('[data-answers]')) return;
  const all = s => [...page.querySelectorAll(s)], one = s => page.querySelector(s);
  const groups = all('[data-group]'), bars = all('[data-bars] li');
  const now = () => new Date().toISOString();
  const id = () => (crypto.randomUUID ? crypto.randomUUID() : [...crypto.getRandomValues(new Uint8Array(16))].map(b => b.toString(16).padStart(2, '0')).join(''));
  const entry = { id: id(), answers: {}, findings: [], postings: {}, opened_at: now() };
  if (page.dataset.tag) Object.assign(entry, { tag: page.dataset.tag, scanned_at: entry.opened_at });
  let at = 0, proof = null;

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

  function answer(value) {
    const key = groups[at].dataset.group;
    entry.answers[key] = value;
    if (value !== 'finding') entry.findings = entry.findings.filter(f => f.group !== key || f.posting);
    if (value === 'finding') return find();
    at += 1; ask();
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

  async function upload(file) {
    const body = new FormData();
    body.append('photo', file);
    const answer = await fetch(page.dataset.photo, { method: 'POST', body, headers: { 'X-CSRF-Token': token(), Accept: 'application/json' } });
    if (!answer.ok) throw new Error(answer.status === 422 ? page.dataset.wrong : page.dataset.failed);
    return (await answer.json()).id;
  }
  const token = () => JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token'];

  async function keep(more) {
    const words = form.elements.words.value.trim(), file = form.elements.photo.files[0];
    if (!words) return say(page.dataset.needs);
    const found = { group: groups[at].dataset.group, words, place: form.elements.place.value.trim(), severity: form.elements.severity.value, department: form.elements.department.value, photos: [] };
    try { if (file) found.photos.push(await upload(file)); } catch (error) { return say(error.message); }
    entry.findings.push(found);
    if (more) return find();
    at += 1; ask();
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
      if (proof && !entry.proof_photo) entry.proof_photo = await upload(proof);
      const answer = await fetch(page.dataset.post, { method: 'POST', body: JSON.stringify(entry), headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': token() } });
      if (!answer.ok) throw new Error();
      location.href = (await answer.json()).next;
    } catch (error) {
      wrong.textContent = error.message || page.dataset.failed; wrong.hidden = false;
      one('[data-go]').hidden = false;
    }
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
})();
