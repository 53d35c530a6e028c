/** Pool by pool: where new VMs go, who must go elsewhere, and what a pool does not survive. */
import type { Farm } from '../../kinds/farm.ts';
import type { PlanOptions, Refusal } from '../../kinds/plan.ts';
import type { Observed } from '../../kinds/server/live.ts';
import type { ServerSpec } from '../../kinds/server/spec.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import { cannotArrive, needsKey } from './workloads.ts';
import type { PoolScene } from './workload.ts';
import type { Decision } from '../decide/decide.ts';
import { journeysOf, type Again } from './relocations.ts';
import { freeAfter, placePool, type Fresh, type PoolPlan } from './place-pool.ts';
import { relocation, roomiest, whyThere, type Left } from './new-vms.ts';
import { refusal } from '../model/refusal.ts';
import { formatSize } from '../../core/quantity.ts';

export interface PlacingScene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly options: PlanOptions;
  readonly covers: (pool: string) => boolean;
  readonly sceneOf: (pool: Farm['pools'][number]) => PoolScene;
  readonly decisions: readonly Decision[];
  readonly fresh: readonly Fresh[];
  readonly again: Again;
}

export interface Placed {
  readonly decisions: readonly Decision[];
  readonly pools: readonly PoolPlan[];
  /** New VMs with their server, and why there. */
  readonly homes: readonly { readonly spec: VmSpec; readonly server: string; readonly why: string }[];
  /** VM key → why it is moved. */
  readonly reasons: ReadonlyMap<string, string>;
  readonly refused: readonly Refusal[];
  readonly warnings: readonly string[];
}

/** What a loss would leave without a place, in words. */
const lackingText = (plan: PoolPlan): string => {
  const { lacking, bodies, servers } = plan;
  const body = bodies[lacking?.vm ?? -1];
  const size = body ? ` (${formatSize(body.next.memory)})` : '';
  return `the loss of ${servers[lacking?.server ?? -1]}: ${body?.name ?? 'a VM'}${size} would find no place`;
};

/** It takes no VMs for a while, on purpose. */
const isAway = (s: ServerSpec): boolean => s.state === 'maintenance' || s.roll !== undefined;

const awayText = (servers: readonly ServerSpec[]): string => {
  const away = servers.filter(isAway);
  if (away.length === 0) return '';
  const does = away.some((s) => s.state === 'maintenance') ? 'in maintenance' : 'under treatment';
  return `, while ${away.map((s) => s.name).join(', ')} ${away.length === 1 ? 'is' : 'are'} ${does}`;
};

interface Spared {
  readonly plan: PoolPlan | null;
  /** The new VMs that may come. */
  readonly come: readonly Fresh[];
  /** Each that would take the room which the pool keeps for the loss of a server, and what would be lost with it. */
  readonly left: readonly { readonly fresh: Fresh; readonly lost: PoolPlan }[];
}

/** Whether what is true of `a` is true of `b` as well: that there is no room for it. */
const noSmaller = (a: Fresh, b: Fresh): boolean => {
  const needs = ({ spec, config, space }: Fresh): string =>
    JSON.stringify([spec.servers, spec.apart, [...space], needsKey(config, [])]);
  const { memory, vcpus } = a.config;
  return b.config.memory.target >= memory.target && b.config.vcpus.count >= vcpus.count && needs(a) === needs(b);
};

/** New VMs that would take the room that the pool keeps for the loss of a server are left out, and nobody else with them. */
const withSpare = (scene: PoolScene, decisions: readonly Decision[], fresh: readonly Fresh[]): Spared => {
  const plan = placePool(scene, decisions, fresh);
  const none = { plan, come: fresh, left: [] };
  if (!plan?.lacking || fresh.length === 0 || scene.pool.servers.some(isAway)) return none;
  const bare = placePool(scene, decisions, []);
  if (bare?.lacking) return none;
  let best = bare;
  let come: readonly Fresh[] = [];
  const left: { readonly fresh: Fresh; readonly lost: PoolPlan }[] = [];
  /** Halved until each part is borne as a whole, or is one VM that is not. */
  const add = (list: readonly Fresh[], tried: PoolPlan | null): void => {
    const [first] = list;
    if (!first) return;
    if (tried && !tried.lacking) {
      come = [...come, ...list];
      best = tried;
      return;
    }
    if (list.length === 1) return void left.push({ fresh: first, lost: tried ?? plan });
    const half = Math.ceil(list.length / 2);
    for (const part of [list.slice(0, half), list.slice(half)]) {
      const open = part.filter((f) => {
        const known = left.find((l) => noSmaller(l.fresh, f));
        if (known) left.push({ ...known, fresh: f });
        return !known;
      });
      if (open.length > 0) add(open, placePool(scene, decisions, [...come, ...open]));
    }
  };
  add(fresh, plan);
  return { plan: best, come, left };
};

export const placeAll = (s: PlacingScene): Placed => {
  const decisions = new Map(s.decisions.map((x) => [x.spec.key, x] as const));
  const homes: { spec: VmSpec; server: string; why: string }[] = [];
  const reasons = new Map<string, string>();
  const refused: Refusal[] = [];
  const warnings: string[] = [];
  const pools: PoolPlan[] = [];
  for (const pool of s.farm.pools.filter((p) => s.covers(p.name))) {
    const scene = s.sceneOf(pool);
    const mine = s.decisions.filter((x) => {
      if (x.spec.pool !== pool.name) return false;
      const no = cannotArrive(x, scene);
      if (!no) return true;
      decisions.delete(x.spec.key);
      refused.push({
        ...refusal(x.spec.key, `${x.spec.key} would be moved from ${x.server} into pool ${pool.name}`, no),
        needs: no.needs,
      });
      return false;
    });
    const fresh = s.fresh.filter((f) => f.spec.pool === pool.name);
    const { plan, come, left: spared } = withSpare(scene, mine, fresh);
    for (const { fresh: f, lost } of spared)
      refused.push(
        refusal(f.spec.key, `${f.spec.key} would be created`, {
          code: 'spare-exceeded',
          why: `pool ${pool.name} would not survive ${lackingText(lost)} (spare: ${pool.spare})`,
          help: 'add a server, free some memory, or lower `spare`',
        }),
      );
    if (!plan) continue;
    pools.push(plan);
    if (plan.lacking)
      warnings.push(
        `pool ${pool.name} does not survive ${lackingText(plan)} (spare: ${pool.spare})${awayText(pool.servers)}`,
      );
    const free = freeAfter(plan);
    const there = (f: Fresh, server: string, size: number): void => {
      homes.push({ spec: f.spec, server, why: whyThere(f, server, scene, (free.get(server)?.memory ?? 0) + size) });
    };
    const travelled = journeysOf(plan, s.again, s.options);
    refused.push(...travelled.refused);
    for (const [key, x] of travelled.decisions) {
      if (x) decisions.set(key, x);
      else decisions.delete(key);
    }
    for (const [key, why] of travelled.reasons) reasons.set(key, why);
    const taken = new Map<string, number>();
    const sizeOf = new Map(plan.bodies.map((b) => [b.spec, b.next.memory] as const));
    const left: Left = (server, r) => {
      const now = free.get(server)?.space.get(r) ?? scene.freeIn(server, r);
      return now === null ? null : now - (taken.get(`${server}\n${r}`) ?? 0);
    };
    for (const f of come) {
      const server = travelled.homes.get(f.spec.key);
      const size = sizeOf.get(f.spec) ?? 0;
      if (server !== undefined) there(f, server, size);
      else if (f.spec.state === 'stopped') {
        const found = roomiest(f, scene, plan, left);
        if ('server' in found) {
          there(f, found.server, 0);
          for (const [r, kib] of f.space)
            taken.set(`${found.server}\n${r}`, kib + (taken.get(`${found.server}\n${r}`) ?? 0));
        } else
          refused.push(
            refusal(f.spec.key, `${f.spec.key} would be created`, { ...found, help: 'give it another server' }),
          );
      }
    }
    for (const x of mine) {
      if (travelled.decisions.has(x.spec.key) || s.options.cause === 'drift') continue;
      const found = relocation(x, scene, plan);
      if (!found) continue;
      const moved = 'to' in found ? travelled.carry(x, found.to) : found;
      if ('why' in moved) refused.push(refusal(x.spec.key, `${x.spec.key} would leave ${x.server}`, moved));
      else {
        decisions.set(x.spec.key, moved);
        reasons.set(x.spec.key, 'it may not be where it was');
      }
    }
  }
  return { decisions: [...decisions.values()], pools, homes, reasons, refused, warnings };
};
