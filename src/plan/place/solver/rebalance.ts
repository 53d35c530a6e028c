/** The moves that make a pool more even: the next is always the one that takes most from the sum of the squares of what is used. */
import { Load } from './load.ts';
import { mayCome, moveBy, placesOf, openServers, type Problem } from './problem.ts';

export interface EvenMove {
  readonly vm: number;
  readonly to: number;
}

/** Where memory is what tells: the first dimension. */
const shareOf = (p: Problem, load: Load, s: number, more = 0): number => {
  const room = p.room[s * p.dims] ?? 0;
  return room <= 0 ? 0 : (room - (load.free[s * p.dims] ?? 0) + more) / room;
};

/** A move that gains less than this share of a server squared is not worth its disturbance. */
const leastGain = 1e-3;

/** How uneven a placement is: the difference between the fullest and the emptiest server, as shares of their memory. */
export const spreadOf = (p: Problem, to: Int32Array): number => {
  const load = new Load(p);
  to.forEach((s, v) => s >= 0 && load.change(v, s, p.next, 1));
  const shares = [...openServers(p)].map((s) => shareOf(p, load, s));
  return shares.length === 0 ? 0 : Math.max(...shares) - Math.min(...shares);
};

/** At most `most`, of VMs that can move alive and that nothing moved so far; each fits when those before it are done. */
export const evenMoves = (p: Problem, to: Int32Array, most: number): readonly EvenMove[] => {
  const load = new Load(p);
  const at = Int32Array.from(to);
  at.forEach((s, v) => {
    if (s < 0) return;
    load.change(v, s, p.next, 1);
    load.join(v, s, 1);
  });
  const places = placesOf(p, openServers(p));
  const moved = new Set<number>();
  const out: EvenMove[] = [];
  while (out.length < most) {
    let best: (EvenMove & { readonly gain: number }) | null = null;
    for (let v = 0; v < p.vms; v++) {
      const from = at[v] ?? -1;
      if (from < 0 || p.at[v] !== from || moved.has(v) || p.move[v] !== moveBy.live) continue;
      const size = p.next[v * p.dims] ?? 0;
      const before = shareOf(p, load, from);
      const left = shareOf(p, load, from, -size);
      for (const s of places(v)) {
        if (s === from || !mayCome(p, v, s) || !load.fits(v, s, p.next) || load.meets(v, s)) continue;
        const there = shareOf(p, load, s);
        const after = shareOf(p, load, s, size);
        const gain = before ** 2 + there ** 2 - left ** 2 - after ** 2;
        if (gain > leastGain && (!best || gain > best.gain)) best = { vm: v, to: s, gain };
      }
    }
    if (!best) break;
    const from = at[best.vm] ?? 0;
    load.change(best.vm, from, p.next, -1);
    load.join(best.vm, from, -1);
    load.change(best.vm, best.to, p.next, 1);
    load.join(best.vm, best.to, 1);
    at[best.vm] = best.to;
    moved.add(best.vm);
    out.push({ vm: best.vm, to: best.to });
  }
  return out;
};
