/** A published BtrPlace instance (JSON, gzipped) as a problem of moves. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { moveBy, serverSet, type Problem, type ServerSet } from '../../src/plan/place/solver/problem.ts';

interface Resource {
  readonly id: string;
  readonly rcId: string;
  readonly defConsumption: number;
  readonly defCapacity: number;
  readonly nodes: Readonly<Record<string, number>>;
  readonly vms: Readonly<Record<string, number>>;
}

type Constraint =
  | { readonly id: 'preserve'; readonly rc: string; readonly amount: number; readonly vm: number }
  | { readonly id: 'spread'; readonly vms: readonly number[] }
  | { readonly id: 'among'; readonly vms: readonly number[]; readonly parts: readonly (readonly number[])[] }
  | { readonly id: 'fence'; readonly vm: number; readonly nodes: readonly number[] }
  | { readonly id: 'online' | 'offline'; readonly node: number };

interface Instance {
  readonly model: {
    readonly mapping: { readonly onlineNodes: Readonly<Record<string, { readonly runningVMs: readonly number[] }>> };
    readonly views: readonly Resource[];
  };
  readonly constraints: readonly Constraint[];
}

/** Throws for a constraint that is not known: it must not be left out in silence. */
const problemOf = ({ model, constraints }: Instance): Problem => {
  const nodes = Object.keys(model.mapping.onlineNodes)
    .map(Number)
    .sort((a, b) => a - b);
  const serverOf = new Map(nodes.map((n, i) => [n, i] as const));
  const running = nodes.flatMap((n) =>
    (model.mapping.onlineNodes[n]?.runningVMs ?? []).map((vm) => ({ vm, server: serverOf.get(n) ?? 0 })),
  );
  running.sort((a, b) => a.vm - b.vm);
  const index = new Map(running.map(({ vm }, i) => [vm, i] as const));
  const resources = model.views.filter((v) => v.id === 'shareableResource');
  const dims = resources.length;
  const room = new Float64Array(nodes.length * dims);
  const now = new Float64Array(running.length * dims);
  resources.forEach((r, d) => {
    nodes.forEach((n, s) => (room[s * dims + d] = r.nodes[n] ?? r.defCapacity));
    running.forEach(({ vm }, v) => (now[v * dims + d] = r.vms[vm] ?? r.defConsumption));
  });
  const next = Float64Array.from(now);
  const wanted = new Int32Array(running.length).fill(-1);
  const sets: ServerSet[] = [];
  const bySet = new Map<string, number>();
  const open = new Uint8Array(nodes.length).fill(1);
  const groupsOf: number[][] = running.map(() => []);
  const at = Int32Array.from(running, (r) => r.server);
  const setOf = (list: readonly number[]): number => {
    const key = list.join(',');
    const known = bySet.get(key);
    if (known !== undefined) return known;
    bySet.set(key, sets.length);
    return (
      sets.push(
        serverSet(
          list.map((n) => serverOf.get(n) ?? 0),
          nodes.length,
        ),
      ) - 1
    );
  };
  let groups = 0;
  const spreads = new Set<string>();
  for (const c of constraints) {
    switch (c.id) {
      case 'preserve': {
        const d = resources.findIndex((r) => r.rcId === c.rc);
        const v = index.get(c.vm) ?? 0;
        next[v * dims + d] = Math.max(next[v * dims + d] ?? 0, c.amount);
        break;
      }
      case 'spread': {
        const key = [...c.vms].sort((a, b) => a - b).join(',');
        if (spreads.has(key)) break;
        spreads.add(key);
        for (const vm of c.vms) groupsOf[index.get(vm) ?? 0]?.push(groups);
        groups++;
        break;
      }
      case 'among': {
        // Held at every moment: whoever is in a part stays in that part.
        for (const vm of c.vms) {
          const v = index.get(vm) ?? 0;
          const part = c.parts.find((x) => x.includes(nodes[at[v] ?? 0] ?? -1));
          if (part) wanted[v] = setOf(part);
        }
        break;
      }
      case 'fence':
        wanted[index.get(c.vm) ?? 0] = setOf(c.nodes);
        break;
      case 'online':
        break;
      case 'offline':
        open[serverOf.get(c.node) ?? 0] = 0;
        break;
      default:
        throw new Error(`unknown constraint ${JSON.stringify(c).slice(0, 80)}`);
    }
  }
  const groupsFrom = new Int32Array(running.length + 1);
  groupsOf.forEach((g, v) => (groupsFrom[v + 1] = (groupsFrom[v] ?? 0) + g.length));
  return {
    servers: nodes.length,
    vms: running.length,
    dims,
    room,
    open,
    keeps: open,
    at,
    runs: new Uint8Array(running.length).fill(1),
    now,
    next,
    wanted,
    able: wanted,
    sets,
    prefers: new Int32Array(running.length).fill(-1),
    move: new Uint8Array(running.length).fill(moveBy.live),
    suspend: new Uint8Array(running.length),
    groupsFrom,
    groups: Int32Array.from(groupsOf.flat()),
  };
};

export const readInstance = (path: string): Problem =>
  problemOf(JSON.parse(gunzipSync(readFileSync(path)).toString()) as Instance);
