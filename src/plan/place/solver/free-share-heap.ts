/** The servers with the highest share free, kept in a heap: entries that are out of date are dropped when they come up. */

interface Entry {
  readonly server: number;
  readonly share: number;
}

/** How many are looked at before the search is given up. */
const looks = 16;

export class Tops {
  private readonly heap: Entry[] = [];
  private readonly now = new Map<number, number>();

  constructor(servers: Int32Array, shareOf: (server: number) => number) {
    for (const s of servers) this.update(s, shareOf(s));
  }

  update(server: number, share: number): void {
    if (this.now.get(server) === share) return;
    this.now.set(server, share);
    this.push({ server, share });
  }

  /** The first of the highest that will do, or -1. */
  first(will: (server: number) => boolean): number {
    const kept: Entry[] = [];
    let found = -1;
    while (kept.length < looks) {
      const top = this.pop();
      if (!top) break;
      if (this.now.get(top.server) !== top.share) continue;
      kept.push(top);
      if (!will(top.server)) continue;
      found = top.server;
      break;
    }
    for (const e of kept) this.push(e);
    return found;
  }

  private push(e: Entry): void {
    const { heap } = this;
    let i = heap.length;
    heap.push(e);
    while (i > 0) {
      const up = (i - 1) >> 1;
      const parent = heap[up];
      if (!parent || before(parent, e)) break;
      heap[i] = parent;
      heap[up] = e;
      i = up;
    }
  }

  private pop(): Entry | undefined {
    const { heap } = this;
    const top = heap[0];
    const last = heap.pop();
    if (!top || !last || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      const l = 2 * i + 1;
      const left = heap[l];
      const right = heap[l + 1];
      const child = left && right && before(right, left) ? l + 1 : l;
      const next = heap[child];
      if (!next || before(last, next)) break;
      heap[i] = next;
      i = child;
    }
    heap[i] = last;
    return top;
  }
}

const before = (a: Entry, b: Entry): boolean => a.share > b.share || (a.share === b.share && a.server <= b.server);
