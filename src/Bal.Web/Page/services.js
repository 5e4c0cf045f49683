// The services and their backends. There are never more rows than bal sends: those with something wrong come first.
import { ask, at, bytes, count, make, mark, ms, plural, rate, say, span, time } from './words.js';
import { Rates, keyOf } from './rates.js';

const STATES = { up: '●', cooling: '▲', down: '✕', draining: '◌' };
const MOST_OPEN = 10;
const COLUMNS = [
  ['open', 'open connections'], ['new/s', 'new connections a second'], ['in/s', 'bytes from clients a second'],
  ['out/s', 'bytes to clients a second'], ['connect', 'how long connects to it take, on average'],
  ['check', 'how long its health checks take, on average'], ['weight', 'its share'],
  ['failed', 'client connects that failed, so far'],
];

const cards = new Map();
// What 'bal explain' says of the backends whose rows are open.
const opened = new Map();

class Row {
  constructor(key, columns) {
    this.key = key;
    this.button = make('button', { type: 'button', class: 'address', 'aria-expanded': 'false' });
    this.button.addEventListener('click', () => this.toggle());
    this.note = make('span', { class: 'soft' });
    this.state = make('span', {});
    this.since = make('span', { class: 'soft since' });
    this.cells = columns.map(([name]) => make('td', { class: 'number', 'data-name': name }));
    this.element = make('tr', { 'data-backend': key },
      make('th', { scope: 'row', class: 'wide' }, this.button, ' ', this.note),
      make('td', { class: 'how' }, this.state, ' ', this.since), ...this.cells);
    this.text = make('pre', { tabindex: '0', 'aria-label': `What bal explains of ${key}` }, 'asking…');
    this.more = make('tr', { class: 'more', hidden: '' },
      make('td', { colspan: String(columns.length + 2) }, this.text));
  }

  toggle() {
    if (!opened.delete(this.key)) {
      if (opened.size >= MOST_OPEN) opened.delete(opened.keys().next().value);
      opened.set(this.key, this.text);
      explain(this.key);
    }
    this.showMore();
  }

  showMore() {
    const open = opened.has(this.key);
    if (this.more.hidden !== open) return;
    this.more.hidden = !open;
    this.button.setAttribute('aria-expanded', String(open));
  }

  show(b, now, rates) {
    const before = rates.before('backends', this.key);
    say(this.button, b.address);
    say(this.note, [b.backup ? 'backup' : '', b.override ? `by order of ${b.override.by}` : '',
      b.slow_start ? `slow start, ${b.slow_start.share_percent} %` : ''].filter(t => t).join(', '));
    say(this.state, `${STATES[b.state] || ''} ${b.state}`);
    mark(this.state, `state ${b.state}`);
    say(this.since, b.since === null ? '' : `for ${span(now - Date.parse(b.since))}`);
    if (b.since !== null) this.since.title = `since ${time(b.since, now)}`;
    const failed = b.connect_failures.timeout + b.connect_failures.refused + b.connect_failures.other;
    [
      count(b.active_connections) + (b.max_connections === null ? '' : ` / ${count(b.max_connections)}`),
      rate(Rates.rise(before, b, 'total_connections')), bytes(Rates.rise(before, b, 'bytes_in')),
      bytes(Rates.rise(before, b, 'bytes_out')),
      ms(Rates.mean(before, b, 'connect_ms', 'total_connections')), ms(Rates.mean(before, b, 'probe_ms', 'probes')),
      count(b.weight), count(failed),
    ].forEach((text, i) => say(this.cells[i], text));
    this.showMore();
  }
}

class Card {
  constructor(name) {
    this.rows = new Map();
    this.level = make('span', {});
    this.title = make('span', {}, name);
    this.about = make('p', { class: 'soft' });
    this.bar = make('span', { class: 'bar', 'aria-hidden': 'true' }, make('span', {}));
    this.figures = new Map();
    this.list = make('dl', { class: 'figures' });
    this.body = make('tbody', {});
    this.left = make('p', { class: 'soft' });
    this.element = make('article', { class: 'service', 'data-service': name },
      make('h3', {}, this.level, ' ', this.title), this.about, this.list,
      make('table', {},
        make('caption', { class: 'unseen' }, `Backends of ${name}`),
        make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'backend'), make('th', { scope: 'col' }, 'state'),
          ...COLUMNS.map(([word, title]) => make('th', { scope: 'col', class: 'number', title }, word)))),
        this.body),
      this.left);
  }

  figure(name, text, className, extra) {
    if (!this.figures.has(name)) {
      const value = make('dd', {});
      this.figures.set(name, value);
      this.list.append(make('div', {}, make('dt', {}, name), value, ...(extra ? [extra] : [])));
    }
    say(this.figures.get(name), text);
    mark(this.figures.get(name), className || '');
  }

  show(s, its, now, rates) {
    const before = rates.before('services', s.name);
    say(this.level, { ok: '●', warn: '▲', critical: '✕' }[s.level]);
    mark(this.level, s.level);
    this.level.title = s.level.toUpperCase();
    say(this.about, `${s.bind_addresses.map(a => s.port ? `${a}:${s.port}` : a).join(', ')} · ${s.method} · `
      + `${count(s.backend_reachable)} of ${plural(s.backend_total, 'backend', 'backends')} reachable`
      + `${s.server_names.length > 0 ? ` · ${s.server_names.slice(0, 5).join(', ')}` : ''}`
      + `${s.protection_mode.enabled ? ' · protection mode' : ''}${s.removed ? ' · removed, draining' : ''}`);
    const connects = this.connects(its, rates);
    const unserved = Object.values(s.unserved_last_minute).reduce((sum, n) => sum + n, 0);
    const full = s.active_connections / Math.max(1, s.max_concurrent_connections);
    this.figure('open', `${count(s.active_connections)} / ${count(s.max_concurrent_connections)}`,
      full >= 1 ? 'critical' : full > 0.8 ? 'warn' : '', this.bar);
    this.bar.firstChild.style.width = `${Math.min(100, 100 * full)}%`;
    this.figure('new/s', rate(Rates.rise(before, s, 'total_connections')));
    this.figure('in/s', bytes(Rates.rise(before, s, 'bytes_in')));
    this.figure('out/s', bytes(Rates.rise(before, s, 'bytes_out')));
    this.figure('connect', ms(connects));
    this.figure('waiting', count(s.queue_length), s.queue_length > 0 ? 'warn' : '');
    this.figure('not served, last min', count(unserved), unserved > 0 ? 'critical' : '');
    this.figure('failovers', count(s.failovers));
    this.showRows(its, now, rates);
    const left = s.backend_total - its.length;
    say(this.left, left > 0 ? `and ${plural(left, 'other backend', 'other backends')}: find them by name, address or `
      + 'state' : '');
    this.left.hidden = left <= 0;
  }

  connects(its, rates) {
    let [sum, number] = [0, 0];
    for (const b of its) {
      const before = rates.before('backends', keyOf(b));
      if (before === null || b.total_connections < before.of.total_connections) continue;
      number += b.total_connections - before.of.total_connections;
      sum += b.connect_ms - before.of.connect_ms;
    }
    return number > 0 && sum >= 0 ? sum / number : null;
  }

  showRows(its, now, rates) {
    const gone = new Map(this.rows);
    let next = this.body.firstChild;
    for (const b of its) {
      const key = keyOf(b);
      const row = this.rows.get(key) || new Row(key, COLUMNS);
      this.rows.set(key, row);
      gone.delete(key);
      row.show(b, now, rates);
      // Moved only where the order has changed: what has the focus would lose it.
      if (next === row.element) next = row.more.nextSibling;
      else {
        const focused = row.element.contains(document.activeElement) ? document.activeElement : null;
        this.body.insertBefore(row.element, next);
        this.body.insertBefore(row.more, next);
        if (focused) focused.focus({ preventScroll: true });
      }
    }
    for (const [key, row] of gone) {
      row.element.remove();
      row.more.remove();
      this.rows.delete(key);
    }
  }
}

async function explain(key) {
  const answer = await ask(`explain.json?of=${encodeURIComponent(key)}`).catch(() => null);
  const text = opened.get(key);
  if (text && answer && answer.text) say(text, answer.text.join('\n'));
}

export function showServices(answer, now, rates, search) {
  const status = answer.status;
  const place = at('services');
  const gone = new Map(cards);
  status.services.forEach((s, i) => {
    const card = cards.get(s.name) || new Card(s.name);
    cards.set(s.name, card);
    gone.delete(s.name);
    card.show(s, status.backends.filter(b => b.service === s.name), now, rates);
    if (place.children[i] !== card.element) place.insertBefore(card.element, place.children[i] || null);
  });
  for (const [name, card] of gone) {
    card.element.remove();
    cards.delete(name);
  }
  const shown = `${count(status.backends.length)} of ${plural(answer.matching_backends, 'backend', 'backends')}`;
  const left = answer.matching_services - status.services.length;
  say(at('found'), search
    ? `${shown} that match "${search}"${left > 0 ? `, in ${status.services.length} of `
      + `${answer.matching_services} services` : ''}`
    : status.backends.length < answer.matching_backends
      ? `${shown}, those with something wrong first` : '');
  for (const key of opened.keys()) explain(key);
}
