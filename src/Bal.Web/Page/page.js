// Follows bal: asks for what it shows about twice a second, and changes what differs. Nothing is ever sent to bal but
// what the reader looks for.
import { ask, at, count, make, mark, plural, say, sinceText, span, time, update } from './words.js';
import { Rates } from './rates.js';
import { showServices } from './services.js';
import { followHour, showNow } from './hour.js';

const EVERY_MS = 500;
const HIDDEN_MS = 10000;
// A page takes at most a fifth of the time of whoever answers it.
const SHARE = 5;

const DOTS = { ok: '%2316803c', warn: '%23c77700', critical: '%23c4211c' };

const rates = new Rates();
let answeredAt = null;
let asking = false;
let timer = 0;

function showHead(status) {
  const word = status.overall.toUpperCase();
  say(at('overall'), word);
  mark(at('overall'), `badge ${status.overall}`);
  mark(document.body, status.overall);
  document.title = status.overall === 'ok' ? 'bal: OK' : `${word}: bal`;
  const icon = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    + `<circle cx="8" cy="8" r="7" fill="${DOTS[status.overall]}"/></svg>`;
  if (at('icon').href !== icon) at('icon').href = icon;
  say(at('facts'), `${count(status.backend_reachable)} of `
    + `${plural(status.backend_total, 'backend', 'backends')} reachable · `
    + `${plural(status.active_connections, 'open connection', 'open connections')}`
    + ` · running for ${span(status.uptime_ms)}${status.stopping ? ' · stopping' : ''}`
    + status.previous.map(p =>
      ` · process ${p.pid} drains ${plural(p.active_connections, 'connection', 'connections')}`).join(''));
  say(at('version'), `bal ${status.version}, process ${status.pid}`);
}

function problem(p, now, level) {
  return make('article', { class: `problem ${level}` },
    make('h3', {}, p.what_happened),
    make('dl', {},
      ...(p.since ? [make('dt', {}, 'since'), make('dd', {},
        `${time(p.since, now)}, for ${span(now - Date.parse(p.since))}`)] : []),
      make('dt', {}, 'why, likely'), make('dd', {}, p.why_likely),
      make('dt', { class: 'now' }, 'do this now'), make('dd', { class: 'now' }, p.do_this_now)));
}

// Since when and why, in the words of 'bal explain': a sentence for each backend that gets no clients.
function reasons(answer, now) {
  if (answer.reasons.length === 0) return [];
  const several = answer.status.services.length > 1;
  return [make('h3', { class: 'in-detail' }, 'In detail'), make('ul', { class: 'reasons' }, ...answer.reasons.map(r =>
    make('li', {},
      make('span', { class: `state ${r.state}` }, r.state), ' ',
      make('strong', { class: 'address' }, several ? `${r.service}/${r.address}` : r.address), ' ',
      make('span', { class: 'soft' }, sinceText(r.since, now)),
      make('p', {}, r.why))))];
}

function showWrong(answer, now) {
  const status = answer.status;
  const level = status.overall === 'critical' ? 'critical' : 'warn';
  update(at('wrong'), [
    ...(status.problems.length > 0 ? status.problems.map(p => problem(p, now, level))
      : [make('p', { class: 'fine' }, status.overall === 'ok' ? 'Nothing is wrong.' : 'See below.')]),
    ...reasons(answer, now)]);
}

// Things that happened to several backends in the same second are one line.
function grouped(events) {
  const lines = [];
  for (const e of events) {
    const line = lines.length > 0 ? lines[lines.length - 1] : null;
    if (!line || line.text !== e.text || Date.parse(line.last) - Date.parse(e.last) > 1000)
      lines.push({ ...e, subjects: new Set([e.subject]) });
    else {
      line.subjects.add(e.subject);
      line.count += e.count;
      line.first = e.first < line.first ? e.first : line.first;
    }
  }
  return lines;
}

function showEvents(answer, now) {
  const one = answer.status.services.length === 1 ? `${answer.status.services[0].name}/` : '';
  update(at('events'), grouped(answer.events).map(e => make('li', { class: e.what },
    make('time', { datetime: e.last }, time(e.last, now)), ' ',
    make('span', {},
      make('span', { class: 'address' }, e.subject.startsWith(one) ? e.subject.slice(one.length) : e.subject),
      e.subjects.size > 1 ? ` and ${count(e.subjects.size - 1)} more` : '', ': ', e.text,
      e.count > e.subjects.size
        ? make('span', { class: 'soft' }, ` (${count(e.count)} times since ${time(e.first, now)})`) : ''))));
}

async function follow() {
  clearTimeout(timer);
  if (asking) return;
  asking = true;
  const begun = performance.now();
  try {
    const search = at('search').value.trim();
    const answer = await ask(search ? `page.json?find=${encodeURIComponent(search)}` : 'page.json');
    const now = Date.parse(answer.at);
    rates.add(answer.status);
    answeredAt = now;
    at('stale').hidden = true;
    showHead(answer.status);
    showWrong(answer, now);
    showEvents(answer, now);
    showServices(answer, now, rates, search);
    showNow(answer.status);
    say(at('fresh'), `as of ${time(now, now)}`);
  } catch (fault) {
    mark(document.body, 'unknown');
    at('stale').hidden = false;
    update(at('stale'), [
      make('h3', {}, `bal does not answer${answeredAt
        ? `: what is below is as of ${time(answeredAt, Date.now())}` : ''}`),
      make('dl', {},
        make('dt', {}, 'why, likely'), make('dd', {}, 'it was stopped or is being started again, or this machine does '
          + `not reach it (${fault.name === 'AbortError' ? 'no answer in time' : fault.message})`),
        make('dt', { class: 'now' }, 'do this now'), make('dd', { class: 'now' },
          "run 'bal status' on its machine; this page goes on by itself"))]);
  } finally {
    asking = false;
    timer = setTimeout(follow, document.hidden ? HIDDEN_MS : Math.max(EVERY_MS, SHARE * (performance.now() - begun)));
  }
}

at('search').addEventListener('input', follow);
document.addEventListener('visibilitychange', follow);
document.addEventListener('keydown', e => {
  if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|SELECT)$/.test(e.target.tagName)) return;
  e.preventDefault();
  at('search').focus();
});

follow();
followHour();
