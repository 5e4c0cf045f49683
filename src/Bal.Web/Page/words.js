// Words, numbers and elements that the parts of the page share.

export const at = id => document.getElementById(id);

export function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// What has not changed is left alone, so that the focus, a selection and the place in the page stay.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function mark(element, className) {
  if (element.className !== className) element.className = className;
}

// Replaces what a place shows, if it would look different.
export function update(place, children) {
  const next = make('div', {}, ...children);
  if (place.shown === next.innerHTML) return;
  place.shown = next.innerHTML;
  place.replaceChildren(...next.childNodes);
}

export const count = n => Math.round(n).toLocaleString('en');
export const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many}`;
export const rate = n => n === null ? '–' : n < 10 ? n.toFixed(1) : count(n);

export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s % 3600 / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s % 86400 / 3600)} h`;
}

export function bytes(n) {
  if (n === null) return '–';
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (n < 1000) return `${n < 10 && unit !== 'B' ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} TB`;
}

export function ms(n) {
  if (n === null) return '–';
  return n < 1 ? '< 1 ms' : n < 1000 ? `${Math.round(n)} ms` : `${(n / 1000).toFixed(1)} s`;
}

// As in bal's log and in its own sentences: UTC, and the day where it is another one.
export function time(when, now) {
  const text = new Date(when).toISOString();
  return text.slice(0, 10) === new Date(now).toISOString().slice(0, 10)
    ? `${text.slice(11, 19)}Z` : `${text.slice(0, 10)} ${text.slice(11, 19)}Z`;
}

export const sinceText = (since, now) =>
  since === null ? '' : `since ${time(since, now)}, for ${span(now - Date.parse(since))}`;

const PATIENCE_MS = 4000;

export async function ask(path) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const response = await fetch(path, { signal: stop.signal, cache: 'no-store' });
    if (!response.ok) throw new Error((await response.text()).trim().slice(0, 200));
    return await response.json();
  } finally {
    clearTimeout(timer);
  }
}
