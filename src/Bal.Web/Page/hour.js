// The last hour as a picture: rows over the same time, read at any moment by the pointer or with the arrow keys.
import { ask, at, bytes, count, make, mark, ms, rate, say, span, time } from './words.js';

const EVERY_MS = 10000;
const HEIGHT = 40;
// How many points are shown: ten minutes, half an hour, or all of it, as there is something to see.
const SCALES = [60, 180, 360];
const LEVELS = ['OK', 'WARN', 'CRITICAL'];
const ROWS = [
  { key: 'level', name: 'state', text: n => LEVELS[n], most: 2 },
  { key: 'new_per_s', name: 'new connections', text: n => `${rate(n)} /s` },
  { key: 'open', name: 'open connections', text: count },
  { key: 'waiting', name: 'waiting for a backend', text: count, rare: true },
  { key: 'not_served', name: 'clients not served', text: n => `${count(n)} in 10 s`, bad: true, rare: true },
  { key: 'connect_ms', name: 'time to connect', text: ms },
  { key: 'bytes_per_s', name: 'bytes', text: n => `${bytes(n)}/s` },
];

const views = [];
let hour = null;
let timer = 0;

function svg(tag, attributes) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function build() {
  for (const row of ROWS) {
    const value = make('span', { class: 'value' });
    const most = make('span', { class: 'soft most' });
    const picture = svg('svg', { preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    at('charts').append(make('div', { class: `chart ${row.key}` },
      make('p', {}, make('span', { class: 'name' }, row.name), ' ', value, ' ', most), picture));
    picture.addEventListener('pointermove', e => point(e, picture));
    picture.addEventListener('pointerdown', e => point(e, picture));
    picture.addEventListener('pointerleave', () => { at('moment').value = at('moment').max; read(); });
    views.push({ row, value, most, picture });
  }
}

function point(e, picture) {
  const box = picture.getBoundingClientRect();
  at('moment').value = String(Math.round((e.clientX - box.left) / box.width * Number(at('moment').max)));
  read();
}

// The place of a point: the last one is at the right end.
const placeOf = i => hour.shown - hour.level.length + i;

function steps(values, top) {
  let path = '';
  let from = -1;
  for (let i = 0; i <= values.length; i++) {
    const known = i < values.length && values[i] !== null;
    if (known && from < 0) {
      from = i;
      path += `M${placeOf(i)} ${HEIGHT}`;
    }
    if (known) {
      const y = (HEIGHT - 1 - (HEIGHT - 3) * values[i] / top).toFixed(1);
      path += `V${y}H${placeOf(i) + 1}`;
    } else if (from >= 0) {
      path += `V${HEIGHT}Z`;
      from = -1;
    }
  }
  return path;
}

function draw(view) {
  const { row, picture } = view;
  const values = hour[row.key];
  const known = values.filter(v => v !== null);
  const most = known.length > 0 ? Math.max(...known) : 0;
  picture.setAttribute('viewBox', `0 0 ${hour.shown} ${HEIGHT}`);
  // What hardly ever happens takes room only where it has.
  picture.classList.toggle('quiet', Boolean(row.rare) && most === 0);
  const parts = [svg('rect', { class: 'unwatched', x: 0, y: 0, width: Math.max(0, placeOf(0)), height: HEIGHT })];
  for (let sixth = 1; sixth < 6; sixth++) {
    const x = hour.shown * sixth / 6;
    parts.push(svg('line', { class: 'grid', x1: x, x2: x, y1: 0, y2: HEIGHT }));
  }
  parts.push(svg('line', { class: 'grid', x1: 0, x2: hour.shown, y1: HEIGHT - 0.5, y2: HEIGHT - 0.5 }));
  if (row.key === 'level') {
    values.forEach((v, i) => {
      if (v === null) return;
      const height = [HEIGHT * 0.25, HEIGHT * 0.6, HEIGHT][v];
      parts.push(svg('rect', {
        class: LEVELS[v].toLowerCase(), x: placeOf(i), width: 1.05, y: HEIGHT - height, height,
      }));
    });
    const bad = [2, 1].map(v => ({ v, n: known.filter(k => k === v).length })).filter(b => b.n > 0);
    say(view.most, bad.length === 0 ? ''
      : bad.map(b => `${LEVELS[b.v]} for ${span(b.n * hour.every_s * 1000)}`).join(', '));
  } else {
    parts.push(svg('path', { class: row.bad ? 'area bad' : 'area', d: steps(values, Math.max(most, 1e-9)) }));
    say(view.most, known.length === 0 ? 'not known yet' : most === 0 ? 'none' : `at most ${row.text(most)}`);
  }
  view.cursor = svg('line', { class: 'cursor', y1: 0, y2: HEIGHT });
  parts.push(view.cursor);
  picture.replaceChildren(...parts);
}

// Shows the values of the moment that is chosen.
function read() {
  if (!hour) return;
  const place = Number(at('moment').value);
  const i = place - placeOf(0);
  const last = place === hour.shown - 1;
  const when = Date.parse(hour.last) - (hour.shown - 1 - place) * hour.every_s * 1000;
  for (const view of views) {
    const value = i < 0 ? null : hour[view.row.key][i];
    say(view.value, value === null || value === undefined ? '–' : view.row.text(value));
    mark(view.value, `value ${view.row.key === 'level' && value !== null ? LEVELS[value]?.toLowerCase() || '' : ''}`);
    view.cursor.setAttribute('x1', place + 0.5);
    view.cursor.setAttribute('x2', place + 0.5);
    view.cursor.setAttribute('class', last ? 'cursor last' : 'cursor');
  }
  const backends = i < 0 || hour.backends[i] === null ? ''
    : `, ${count(hour.reachable[i])} of ${count(hour.backends[i])} backends reachable`;
  say(at('moment-text'), i < 0
    ? `${time(when, Date.now())}: not known. Watched since ${time(hour.watched_since, Date.now())}`
    : `${last ? 'Now' : `At ${time(when, Date.now())}`}${backends}`
      + (hour.level.length < hour.shown ? `. Watched since ${time(hour.watched_since, Date.now())}` : ''));
  at('moment').setAttribute('aria-valuetext', `${last ? 'now' : time(when, Date.now())}: `
    + views.map(view => `${view.row.name} ${view.value.textContent}`).join(', '));
}

function choices(services) {
  const select = at('hour-service');
  at('hour-of').hidden = services.length < 2;
  const wanted = ['', ...services];
  if ([...select.options].map(o => o.value).join('\n') === wanted.join('\n')) return;
  const chosen = select.value;
  select.replaceChildren(...wanted.map(name => make('option', { value: name }, name || 'all services')));
  select.value = wanted.includes(chosen) ? chosen : '';
}

// The last point is as old as 10 seconds; what is known of the present takes its place.
export function showNow(status) {
  if (!hour || hour.level.length === 0) return;
  const of = at('hour-service').value;
  const s = of ? status.services.find(known => known.name === of) : status;
  if (!s) return;
  const now = {
    level: LEVELS.indexOf((of ? s.level : status.overall).toUpperCase()), open: s.active_connections,
    waiting: s.queue_length, reachable: s.backend_reachable, backends: s.backend_total,
  };
  let changed = false;
  for (const [key, value] of Object.entries(now)) {
    const end = hour[key].length - 1;
    changed = changed || hour[key][end] !== value;
    hour[key][end] = value;
  }
  if (!changed) return;
  views.filter(view => view.row.key in now).forEach(draw);
  read();
}

export async function followHour() {
  clearTimeout(timer);
  if (views.length === 0) {
    build();
    at('moment').addEventListener('input', read);
    at('hour-service').addEventListener('change', followHour);
  }
  const of = at('hour-service').value;
  // What is shown stays where there is no answer: that bal does not answer is said elsewhere.
  const answer = await ask(of ? `hour.json?of=${encodeURIComponent(of)}` : 'hour.json').catch(() => null);
  if (answer) {
    const atEnd = at('moment').value === at('moment').max;
    hour = answer;
    hour.shown = SCALES.find(scale => hour.level.length <= scale) || hour.most;
    at('moment').max = String(hour.shown - 1);
    if (atEnd) at('moment').value = at('moment').max;
    const minutes = hour.shown * hour.every_s / 60;
    say(at('axis-from'), `${minutes} min ago`);
    say(at('axis-half'), String(minutes / 2));
    choices(hour.services);
    views.forEach(draw);
    read();
  }
  clearTimeout(timer);
  timer = setTimeout(followHour, answer ? EVERY_MS : 1000);
}
