/** Moves that nobody asked for and that no plan can do without: circles of VMs that each wait for the place of the next. */
import { Load } from './load.ts';
import { mayCome, mayStay, midsOf, moveBy, type Problem } from './problem.ts';

/** The one server where the VM may go, or -1 where there are several or none. */
const onlyPlace = (p: Problem, vm: number): number => {
  const list = p.sets[p.wanted[vm] ?? -1]?.list;
  const s = list?.length === 1 ? (list[0] ?? -1) : -1;
  return s >= 0 && mayCome(p, vm, s) ? s : -1;
};

/**
 * Each set of servers that is closed under required moves, all of which wait for room in it, needs one more: the first
 * to leave one of them is none of those. Counted over strongly connected components from which no required move leads away.
 */
export const cyclesBound = (p: Problem, crowded: Uint8Array): number => {
  const load = new Load(p);
  const mid = midsOf(p);
  // Whoever leaves a crowded server was counted there.
  const leavesFree = Uint8Array.from(crowded);
  for (let v = 0; v < p.vms; v++) {
    const s = p.at[v] ?? -1;
    if (s < 0 || p.runs[v] !== 1) continue;
    load.change(v, s, mid, 1);
    load.join(v, s, 1);
  }
  const out: number[][] = Array.from({ length: p.servers }, () => []);
  for (let v = 0; v < p.vms; v++) {
    const s = p.at[v] ?? -1;
    if (s < 0 || p.runs[v] !== 1 || mayStay(p, v, s)) continue;
    const t = onlyPlace(p, v);
    const waits = t >= 0 && (!load.fits(v, t, mid) || load.meets(v, t));
    // One that is down anyway breaks the circle by itself.
    if (t < 0 || !waits || p.move[v] === moveBy.cold) leavesFree[s] = 1;
    else out[s]?.push(t);
  }
  return sinks(out, leavesFree);
};

/** Strongly connected components with an edge inside and none leading out, none of whose members is `free` (Tarjan, without recursion). */
const sinks = (out: readonly (readonly number[])[], free: Uint8Array): number => {
  const n = out.length;
  const index = new Int32Array(n).fill(-1);
  const low = new Int32Array(n);
  const component = new Int32Array(n).fill(-1);
  const stack: number[] = [];
  let counter = 0;
  let components = 0;
  for (let root = 0; root < n; root++) {
    if ((index[root] ?? 0) >= 0) continue;
    const work: { v: number; i: number }[] = [{ v: root, i: 0 }];
    for (let top = work.at(-1); top; top = work.at(-1)) {
      const { v } = top;
      if (top.i === 0) {
        index[v] = low[v] = counter++;
        stack.push(v);
      }
      const w = out[v]?.[top.i];
      if (w !== undefined) {
        top.i++;
        if ((index[w] ?? -1) < 0) work.push({ v: w, i: 0 });
        else if ((component[w] ?? -1) < 0) low[v] = Math.min(low[v] ?? 0, index[w] ?? 0);
        continue;
      }
      if (top.i === 0) top.i = 1;
      work.pop();
      const up = work.at(-1)?.v;
      if (up !== undefined) low[up] = Math.min(low[up] ?? 0, low[v] ?? 0);
      if (low[v] !== index[v]) continue;
      for (let w2 = stack.pop(); w2 !== undefined; w2 = stack.pop()) {
        component[w2] = components;
        if (w2 === v) break;
      }
      components++;
    }
  }
  const inside = new Uint8Array(components);
  const open = new Uint8Array(components);
  for (let v = 0; v < n; v++) {
    const c = component[v] ?? 0;
    if (free[v] === 1) open[c] = 1;
    for (const w of out[v] ?? []) {
      if (component[w] === c) inside[c] = 1;
      else open[c] = 1;
    }
  }
  let count = 0;
  for (let c = 0; c < components; c++) if (inside[c] === 1 && open[c] === 0) count++;
  return count;
};
