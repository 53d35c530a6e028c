/** New VMs find their server, one after the other, the largest first; and nothing is planned onto a server that lacks what it needs. */
import { byText } from '../core/order.ts';
import type { Farm, PoolSpec } from '../kinds/farm.ts';
import type { Refusal } from '../kinds/plan.ts';
import type { ServerSeen } from '../kinds/server/live.ts';
import type { Overhead } from '../kinds/vm/effects.ts';
import type { VmTransition } from '../kinds/vm/draft.ts';
import { realise } from '../kinds/vm/realise.ts';
import type { Facts } from '../kinds/vm/facts.ts';
import { resolve } from '../kinds/vm/resolve.ts';
import type { VmSpec } from '../kinds/vm/spec.ts';
import type { Decision } from './decide.ts';
import { settleDisks } from './disks.ts';
import { lackOf } from './lacks.ts';
import { place } from './place.ts';
import { refusal } from './refusal.ts';
import type { Room } from './room.ts';
import { netMemory } from './sequence.ts';
import type { Lease } from '../kinds/repository/live.ts';
import type { Users } from './removals.ts';
import type { Roof } from './parts.ts';

interface Scene {
  readonly farm: Farm;
  readonly poolOf: ReadonlyMap<string, PoolSpec>;
  readonly seenOf: (server: string) => ServerSeen | undefined;
  readonly rooms: ReadonlyMap<string, Room>;
  readonly decisions: readonly Decision[];
  readonly overhead: Overhead;
  readonly factsOf: (spec: VmSpec, seen: ServerSeen) => Facts;
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
  readonly users: Users;
  /** The lease of a server that is lost. */
  readonly leftBy: (spec: VmSpec) => Lease | null;
}

type PlacedVm =
  | { readonly spec: VmSpec; readonly server: string; readonly why: string }
  | { readonly refused: Refusal };

const refuse = (spec: VmSpec, why: string, help: string): PlacedVm => ({
  refused: refusal(spec.key, `${spec.key} would be created`, why, help),
});

export const placeNew = (specs: readonly VmSpec[], scene: Scene): readonly PlacedVm[] => {
  if (specs.length === 0) return [];
  const room = new Map([...scene.rooms].map(([server, r]) => [server, r.free]));
  const charge = (server: string, kib: number): unknown => room.set(server, (room.get(server) ?? 0) - kib);
  for (const d of scene.decisions) {
    if (d.transition)
      charge(
        d.transition.server,
        netMemory(realise(d.transition), scene.rooms.get(d.transition.server), scene.overhead),
      );
  }
  const out: PlacedVm[] = [];
  const sized = specs.flatMap((spec) => {
    const any = scene.poolOf
      .get(spec.pool)
      ?.servers.map((s) => scene.seenOf(s.name))
      .find((s) => s !== undefined);
    const settled = any && settleDisks(scene.farm.name, spec, null, any, scene.users, scene.leftBy(spec)?.disks);
    const want = settled && ('unresolved' in settled ? settled : resolve(settled.spec, null, scene.factsOf(spec, any)));
    if (!want) return [];
    if ('unresolved' in want) {
      out.push(refuse(spec, want.unresolved, want.help));
      return [];
    }
    const need = spec.state === 'stopped' ? 0 : want.config.memory.target + scene.overhead(want.config);
    return [{ spec, config: want.config, need }];
  });
  for (const { spec, config, need } of sized.sort((a, b) => b.need - a.need || byText(a.spec.key, b.spec.key))) {
    const allowed = (scene.poolOf.get(spec.pool)?.servers ?? []).filter(
      (s) =>
        s.state === 'active' && s.roles.includes('vm') && (spec.servers.length === 0 || spec.servers.includes(s.name)),
    );
    const candidates = allowed.flatMap((s) => {
      const seen = scene.seenOf(s.name);
      return seen ? [{ server: s.name, seen, roofs: scene.roofs.get(s.name) ?? [], room: room.get(s.name) ?? 0 }] : [];
    });
    const placed = place(config, need, candidates);
    if (placed.ok) {
      charge(placed.server, need);
      out.push({ spec, server: placed.server, why: placed.why });
    } else out.push(refuse(spec, placed.why, placed.help));
  }
  return out;
};

/** What the server lacks for what the transition would write or start, or null. */
export const unmet = (
  t: VmTransition,
  seen: ServerSeen,
  all: readonly Roof[],
): { readonly why: string; readonly help: string } | null => {
  if (t.mode === 'delete' || t.state === 'stop') return null;
  const { config } = t.want;
  // What runs on a store that is barred now runs on: only what would begin to use it is held back.
  const begins =
    t.state === 'start' ||
    t.mode === 'restart' ||
    [...t.take.map((x) => x.change), ...t.defer].some((c) => /^(?:disks|cdrom|boot)\./.test(c.field));
  const lack = lackOf(config, seen, begins ? all : all.filter((r) => r.is === 'coming'));
  if (lack) return { why: `${t.server} ${lack.what}`, help: lack.help };
  const record = t.live?.record;
  const renamed = record?.config !== undefined && record.config.name !== config.name;
  const other = seen.domains.find((d) => d.name === config.name && d.uuid !== t.want.uuid);
  if (renamed && other) {
    const why = `${t.server} has a domain ${config.name} already (UUID ${other.uuid})`;
    return { why, help: 'rename that one first, or choose another name' };
  }
  const path = record && !renamed ? record.path : `/etc/xen/${config.name}.cfg`;
  const stranger = record && !renamed ? undefined : seen.records.find((r) => r.path === path && r !== record);
  if (stranger && (renamed || !record?.config)) {
    return {
      why: `${t.server} has a ${path} already${stranger.problem === undefined ? ' of another VM' : `, which cannot be read: ${stranger.problem}`}`,
      help: 'move it away, or mend it',
    };
  }
  return null;
};
