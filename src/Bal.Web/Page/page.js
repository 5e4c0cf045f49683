// Follows bal: asks for its status once a second and shows what has changed. Nothing is ever sent to it.
'use strict';

const EVERY_MS = 1000;
const HIDDEN_MS = 10000;
const PATIENCE_MS = 4000;
// Of a service with more backends, those that are not up come first, and the rest on demand.
const FEW = 50;

const at = id => document.getElementById(id);
const open = new Set();
const all = new Set();
let before = null;
let answeredAt = null;

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === 'click') element.addEventListener('click', value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Only what differs is changed, so that the focus and what is selected stay.
function update(place, children) {
  const next = make('div', {}, ...children);
  if (place.shown === next.innerHTML) return;
  const focused = document.activeElement && place.contains(document.activeElement)
    ? document.activeElement.dataset.key : null;
  place.shown = next.innerHTML;
  place.replaceChildren(...next.childNodes);
  if (focused) {
    const again = [...place.querySelectorAll('[data-key]')].find(e => e.dataset.key === focused);
    if (again) again.focus();
  }
}

function span(ms) {
  const s = Math.floor(ms / 1000);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

function bytes(n) {
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (n < 1000) return `${n < 10 && unit !== 'B' ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} TB`;
}

const count = n => Math.round(n).toLocaleString('en');
const rate = n => n === null ? '–' : n < 10 ? n.toFixed(1) : count(n);
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;

// How fast something rises; null before there are two answers, and where it was reset.
function perSecond(now, then, seconds) {
  return then === undefined || seconds <= 0 || now < then ? null : (now - then) / seconds;
}

const keyOf = b => `${b.service}/${b.address}`;

async function ask(path) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const response = await fetch(path, { signal: stop.signal, cache: 'no-store' });
    if (!response.ok) throw new Error((await response.text()).trim());
    return await response.json();
  } finally {
    clearTimeout(timer);
  }
}

function showHead(status) {
  const badge = at('overall');
  const word = status.overall === 'ok' ? 'OK' : status.overall.toUpperCase();
  if (badge.textContent !== word) badge.textContent = word;
  badge.className = `badge ${status.overall}`;
  document.title = status.overall === 'ok' ? 'bal: OK' : `${word}: bal`;
  at('version').textContent = status.version;
  at('facts').textContent = `${count(status.backend_reachable)} of `
    + `${plural(status.backend_total, 'backend', 'backends')} reachable · ${plural(status.active_connections, 'open connection', 'open connections')}`
    + ` · running for ${span(status.uptime_ms)}${status.stopping ? ' · stopping' : ''}`
    + status.previous.map(p => ` · process ${p.pid} drains ${plural(p.active_connections, 'connection', 'connections')}`)
      .join('');
}

function showProblems(status) {
  update(at('wrong'), status.problems.length === 0
    ? [make('p', { class: 'ok' }, 'Nothing is wrong.')]
    : status.problems.map(p => make('div', { class: 'problem' },
      make('h3', {}, p.what_happened),
      make('dl', {},
        make('dt', {}, 'why, likely'), make('dd', {}, p.why_likely),
        make('dt', {}, 'do this now'), make('dd', { class: 'now' }, p.do_this_now)))));
}

// Since when and why, in bal's own words: one sentence for each backend that is not up.
async function showSince(status) {
  const bad = status.backends.filter(b => b.state !== 'up').slice(0, 10);
  const lines = await Promise.all(bad.map(async b => {
    const explained = await ask(`explain.json?of=${encodeURIComponent(keyOf(b))}`).catch(() => null);
    const summary = explained && explained.backends && explained.backends[0] && explained.backends[0].summary;
    return make('li', {}, make('span', { class: 'address' }, keyOf(b)), ': ', summary || b.state);
  }));
  update(at('since'), lines.length === 0 ? [] : [make('ul', {}, ...lines)]);
}

function backendRow(b, seconds, then) {
  const key = keyOf(b);
  const old = then && then.backends.get(key);
  const failed = b.connect_failures.timeout + b.connect_failures.refused + b.connect_failures.other;
  const cell = (name, text) => make('td', { class: 'number', 'data-name': name }, text);
  const limit = b.max_connections === null ? '' : ` / ${count(b.max_connections)}`;
  const rows = [make('tr', {},
    make('td', { class: 'wide' }, make('button', {
      class: 'address', 'data-key': key, 'aria-expanded': String(open.has(key)), click: () => toggle(key),
    }, b.address), b.backup ? make('span', { class: 'soft' }, ' backup') : ''),
    make('td', { class: b.state }, make('strong', {}, b.state)),
    cell('open', count(b.active_connections) + limit),
    cell('new/s', rate(old ? perSecond(b.total_connections, old.total_connections, seconds) : null)),
    cell('in/s', old ? bytes(perSecond(b.bytes_in, old.bytes_in, seconds) || 0) : '–'),
    cell('out/s', old ? bytes(perSecond(b.bytes_out, old.bytes_out, seconds) || 0) : '–'),
    cell('weight', count(b.weight)),
    cell('failed connects', count(failed)))];
  if (open.has(key))
    rows.push(make('tr', {}, make('td', { class: 'wide', colspan: '8' },
      make('pre', { 'data-explains': key }, explained.get(key) || 'asking…'))));
  return rows;
}

const explained = new Map();

function toggle(key) {
  if (!open.delete(key)) open.add(key);
  if (before) show(before.status, before.seconds, before.then);
  explainOpen();
}

async function explainOpen() {
  for (const key of [...open].slice(0, 10)) {
    const answer = await ask(`explain.json?of=${encodeURIComponent(key)}`).catch(() => null);
    if (answer && answer.text) explained.set(key, answer.text.join('\n'));
  }
}

function service(s, status, seconds, then) {
  const old = then && then.services.get(s.name);
  const its = status.backends.filter(b => b.service === s.name);
  const order = [...its].sort((a, b) => (a.state === 'up') - (b.state === 'up'));
  const shown = all.has(s.name) || its.length <= FEW ? its : order.slice(0, FEW);
  const per = name => old ? perSecond(s[name], old[name], seconds) : null;
  const figure = (label, value) => make('span', {}, make('span', { class: 'soft' }, `${label} `),
    make('span', { class: 'number' }, value));
  const figures = [
    figure('open', `${count(s.active_connections)} / ${count(s.max_concurrent_connections)}`),
    figure('new/s', rate(per('total_connections'))),
    figure('in/s', old ? bytes(per('bytes_in') || 0) : '–'),
    figure('out/s', old ? bytes(per('bytes_out') || 0) : '–'),
    figure('failovers', count(s.failovers)),
  ];
  if (s.queue_length > 0) figures.push(figure('waiting', count(s.queue_length)));
  if (s.protection_mode.enabled) figures.push(make('strong', { class: 'warn' }, 'protection mode'));
  return make('div', { class: 'service' },
    make('h3', {}, make('span', { class: s.level }, s.level === 'ok' ? '● ' : '▲ '), s.name, ' ',
      make('span', { class: 'soft' }, `${s.bind_addresses.map(a => `${a}:${s.port}`).join(', ')} · ${s.method}`
        + `${s.removed ? ' · removed, draining' : ''}`)),
    make('div', { class: 'figures' }, ...figures),
    make('div', { class: 'scroll' }, make('table', {},
      make('thead', {}, make('tr', {},
        ...['backend', 'state'].map(h => make('th', { scope: 'col' }, h)),
        ...['open', 'new/s', 'in/s', 'out/s', 'weight', 'failed connects']
          .map(h => make('th', { scope: 'col', class: 'number' }, h)))),
      make('tbody', {}, ...shown.flatMap(b => backendRow(b, seconds, then))))),
    shown.length < its.length
      ? make('button', {
        'data-key': `all ${s.name}`,
        click: () => { all.add(s.name); show(before.status, before.seconds, before.then); },
      }, `show all ${count(its.length)} backends`)
      : '');
}

function show(status, seconds, then) {
  showHead(status);
  showProblems(status);
  const order = [...status.services].sort((a, b) => (a.level === 'ok') - (b.level === 'ok'));
  // One place a service, so that a change in one leaves the others as they are.
  const places = at('services');
  const known = new Map([...places.children].map(c => [c.dataset.service, c]));
  order.forEach((s, i) => {
    const place = known.get(s.name) || make('div', { 'data-service': s.name });
    known.delete(s.name);
    if (places.children[i] !== place) places.insertBefore(place, places.children[i] || null);
    update(place, [service(s, status, seconds, then)]);
  });
  known.forEach(gone => gone.remove());
}

function remember(status) {
  return {
    services: new Map(status.services.map(s => [s.name, s])),
    backends: new Map(status.backends.map(b => [keyOf(b), b])),
  };
}

async function follow() {
  try {
    const status = await ask('status.json');
    const now = performance.now();
    const then = before && before.memory;
    const seconds = before ? (now - before.now) / 1000 : 0;
    before = { status, seconds, then, now, memory: remember(status) };
    answeredAt = Date.now();
    at('stale').hidden = true;
    show(status, seconds, then);
    await explainOpen();
    await showSince(status);
  } catch (problem) {
    at('stale').hidden = false;
    at('stale').textContent = `No answer from bal${answeredAt
      ? ` since ${new Date(answeredAt).toLocaleTimeString()}: what is below is older` : ''}. It may be stopped, or be `
      + `restarting. Run 'bal status' on its machine. (${problem.message})`;
  }
  at('fresh').textContent = answeredAt ? `as of ${new Date(answeredAt).toLocaleTimeString()}` : '';
  setTimeout(follow, document.hidden ? HIDDEN_MS : EVERY_MS);
}

follow();
