// The diagram of a procedure with what happened on it: walked path, where it stands now, what is late, one token per open task.
// Reads everything from the element: data-diagram (address of the BPMN text), data-state (address of the JSON below), data-watch
// (seconds between looks). State: {done: [ids], now: [ids], late: [ids], tokens: [{element, face, text, kind}], version}.
import NavigatedViewer from 'bpmn-js/lib/NavigatedViewer';

const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function viewer(container) {
  return new NavigatedViewer({
    container,
    textRenderer: { defaultStyle: { fontFamily: css('--z-font'), fontSize: 16, fontWeight: '400' }, externalStyle: { fontSize: 15 } },
    bpmnRenderer: { defaultFillColor: css('--z-dg-fill'), defaultStrokeColor: css('--z-dg-stroke'), defaultLabelColor: css('--z-dg-text') },
  });
}

// A pill above the task. Built node by node: what comes from people is text, never markup.
function token({ face, text, kind }) {
  const pill = document.createElement('div');
  pill.className = `z-token ${kind || ''}`;
  if (face) {
    const initial = document.createElement('i');
    initial.textContent = face;
    pill.append(initial);
  }
  pill.append(document.createTextNode(text));
  return pill;
}

const MARKS = { done: 'z-done', now: 'z-now', late: 'z-late' };

function show(view, state, before) {
  const canvas = view.get('canvas'), overlays = view.get('overlays'), elements = view.get('elementRegistry');
  for (const [key, mark] of Object.entries(MARKS)) {
    for (const id of before[key] || []) if (elements.get(id)) canvas.removeMarker(id, mark);
    for (const id of state[key] || []) if (elements.get(id)) canvas.addMarker(id, mark);
  }
  overlays.clear();
  for (const t of state.tokens || []) {
    const shape = elements.get(t.element);
    if (shape) overlays.add(t.element, { position: { top: -34, left: shape.width / 2 }, html: token(t), scale: false, show: {} });
  }
}

// Shows the whole diagram when its names stay readable, else the part around the tokens at a readable size.
function fit(view, element, state) {
  const canvas = view.get('canvas');
  const whole = canvas.viewbox().inner;
  const box = element.getBoundingClientRect();
  const readable = 13 / 16;
  const all = Math.min(box.width / (whole.width + 60), box.height / (whole.height + 110));
  const stands = [...(state.late || []), ...(state.now || [])][0];
  if (all >= readable || !stands) {
    const s = Math.min(all, 1.1);
    canvas.viewbox({ x: whole.x - (box.width / s - whole.width) / 2, y: whole.y - 50 - (box.height / s - whole.height - 80) / 2, width: box.width / s, height: box.height / s });
    return;
  }
  const shape = view.get('elementRegistry').get(stands);
  if (!shape) return;
  const width = box.width / readable, height = box.height / readable;
  const clamp = (v, low, high) => Math.max(low, Math.min(v, Math.max(low, high)));
  canvas.viewbox({
    x: clamp(shape.x + shape.width / 2 - width / 2, whole.x - 30, whole.x + whole.width + 30 - width),
    y: clamp(shape.y + shape.height / 2 - height / 2, whole.y - 50, whole.y + whole.height + 30 - height), width, height,
  });
}

async function draw(element) {
  const [xml, first] = await Promise.all([
    fetch(element.dataset.diagram).then(r => r.ok ? r.text() : Promise.reject(new Error(r.statusText))),
    fetch(element.dataset.state).then(r => r.ok ? r.json() : {}),
  ]);
  element.replaceChildren();
  const view = viewer(element);
  await view.importXML(xml);
  let state = first;
  show(view, state, {});
  fit(view, element, state);
  new ResizeObserver(() => { view.get('canvas').resized(); }).observe(element);
  document.addEventListener('zhiban:theme', () => location.reload());
  const picture = element.querySelector('svg[data-element-id], .djs-container svg'); // what it shows stands in words below it
  picture?.setAttribute('role', 'img');
  picture?.setAttribute('aria-label', element.getAttribute('aria-label'));
  const seconds = Number(element.dataset.watch || 0);
  if (!seconds) return;
  const watch = setInterval(async () => {
    if (!element.isConnected) return clearInterval(watch);
    if (document.hidden) return;
    const next = await fetch(element.dataset.state).then(a => a.ok ? a.json() : null).catch(() => null);
    if (!next) return;
    document.dispatchEvent(new CustomEvent('zhiban:state', { detail: next })); // who else is here: presence.js
    if (JSON.stringify(next) === JSON.stringify(state)) return;
    show(view, next, state);
    const moved = next.version !== state.version;
    state = next;
    if (moved) document.dispatchEvent(new CustomEvent('zhiban:moved', { bubbles: true }));
  }, seconds * 1000);
}

function all(root) {
  for (const element of root.querySelectorAll('[data-diagram]:not([data-drawn])')) {
    element.dataset.drawn = '1';
    draw(element).catch(() => { element.textContent = element.dataset.failed || ''; element.classList.add('z-empty'); });
  }
}

all(document);
document.addEventListener('htmx:afterSettle', event => all(event.target instanceof Element ? event.target : document));
