// How fast counters rise: of two answers some seconds apart.

const WINDOW_MS = 5000;

export const keyOf = b => `${b.service}/${b.address}`;

export class Rates {
  constructor() {
    this.past = [];
  }

  add(status) {
    const now = performance.now();
    this.now = {
      at: now,
      // Another process may have begun to count anew.
      pid: status.pid,
      services: new Map(status.services.map(s => [s.name, s])),
      backends: new Map(status.backends.map(b => [keyOf(b), b])),
    };
    this.past = this.past.filter(p => p.pid === status.pid && now - p.at <= 2 * WINDOW_MS);
    this.past.push(this.now);
  }

  // What was known of a service or a backend about five seconds ago, or as long as there is; null for a newcomer.
  before(kind, key) {
    const known = this.past.filter(p => p !== this.now && p[kind].has(key));
    const then = known.filter(p => this.now.at - p.at >= WINDOW_MS).pop() || known[0];
    return then ? { seconds: (this.now.at - then.at) / 1000, of: then[kind].get(key) } : null;
  }

  // A second; null before there are two answers, and where it was reset.
  static rise(before, now, name) {
    return before === null || before.seconds <= 0 || now[name] < before.of[name]
      ? null : (now[name] - before.of[name]) / before.seconds;
  }

  // The mean of what was measured meanwhile; null where nothing was.
  static mean(before, now, sum, number) {
    const more = before === null ? 0 : now[number] - before.of[number];
    return more > 0 && now[sum] >= before.of[sum] ? (now[sum] - before.of[sum]) / more : null;
  }
}
