/** The repositories of the run's pools: attached where they are not, detached where they are to go, and what VMs' paths hang on. */
import type { Reason } from '../../core/reason.ts';
import picomatch from 'picomatch';
import { byText, sortedBy } from '../../core/order.ts';
import { refKey } from '../../core/ref.ts';
import { deriveStoreUuid } from '../../kinds/repository/identity.ts';
import type { RepositoryOp } from '../../kinds/repository/ops.ts';
import type { RepositorySpec } from '../../kinds/repository/spec.ts';
import type { Farm, PoolSpec } from '../../kinds/farm.ts';
import { idOf, isImageOp, reasonOf, targetOf } from '../../kinds/operations.ts';
import type { Op, PlanOptions, PlanRepository, Refusal } from '../../kinds/plan.ts';
import { seenOn, type Observed } from '../../kinds/server/live.ts';
import type { Users } from '../../kinds/server/users.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Chain } from '../model/operation-graph.ts';
import { detachPart, strays, type Erase } from './detach.ts';
import { erasureOf } from './delete-data.ts';
import { ofOnePool } from './shared-vg-owner.ts';
import { baseOf, subjectOf, type Part, type Roof, beneath } from '../model/path-availability.ts';
import { standingOf, type Standing } from './repository-state.ts';
import { wantedPaths } from '../model/paths-to-read.ts';
import { unreadIn } from '../model/unread-servers.ts';

export interface StoragePlan {
  readonly chains: readonly Chain[];
  readonly repositories: readonly PlanRepository[];
  readonly refused: readonly Refusal[];
  readonly warnings: readonly string[];
  /** By server. */
  readonly roofs: ReadonlyMap<string, readonly Roof[]>;
}

export interface StorageScene {
  readonly farm: Farm;
  readonly observed: Observed;
  readonly options: PlanOptions;
  readonly covers: (pool: string) => boolean;
  /** The VMs of this run. */
  readonly vms: readonly VmSpec[];
  readonly users: Users;
}

const bothSee = (all: readonly Standing[]): Reason | null => {
  const marked = all.flatMap((s) => {
    const uuid = s.marker?.uuid ?? s.booked;
    return uuid === null || uuid === undefined ? [] : [{ server: s.server, uuid }];
  });
  const [first, ...groups] = all.flatMap((s) => (s.id === null ? [] : [{ server: s.server, id: s.id }]));
  const strange = groups.find((g) => g.id !== first?.id);
  if (first && strange) {
    return {
      code: 'stores-differ',
      why: `${first.server} and ${strange.server} have different volume groups of that name (${first.id} and ${strange.id})`,
      help: 'rename one of them (vgrename), or take `shared` out: each server has one of its own then',
    };
  }
  const other = marked.find((m) => m.uuid !== marked[0]?.uuid);
  if (!other || !marked[0]) return null;
  return {
    code: 'stores-differ',
    why: `${marked[0].server} and ${other.server} have different stores there (${marked[0].uuid} and ${other.uuid})`,
    help: 'look what is mounted on each; a shared repository is one store',
  };
};

const attachPart = (
  spec: RepositorySpec,
  pool: PoolSpec,
  all: readonly Standing[],
  scene: StorageScene,
  unread: readonly string[],
  /** Another pool that has the same store marks it in this run. */
  elsewhere: boolean,
): Part => {
  const farm = scene.farm.name;
  const usable = all.filter((s) => s.barred === null);
  const apart = (spec.shared ? bothSee(usable) : null) ?? ofOnePool(spec, pool, usable, scene);
  const ops: RepositoryOp[] = [];
  const refused: { server: string | null; bar: Reason }[] = apart ? [{ server: null, bar: apart }] : [];
  const roofs: (readonly [string, Roof])[] = [];
  const known = spec.shared ? (usable.map((s) => s.marker?.uuid ?? s.booked).find((u) => u !== null) ?? null) : null;
  // A store that nobody here knows may be known to one that did not answer: absence is no proof.
  const blind: Reason | null =
    spec.shared && known === null && unread.length > 0
      ? {
          code: 'server-unread',
          why: `${unread.join(' and ')} could not be read, and may have it already`,
          help: `try again when ${unread.join(' and ')} answers`,
        }
      : null;
  let begun = elsewhere;
  for (const s of all) {
    const base = { ...baseOf(spec, pool, s.server, farm), source: spec.source ?? '' };
    const roof = { repository: spec.name, path: spec.path };
    const bar = s.barred ?? apart ?? blind;
    if (bar) {
      const own = s.barred ?? (apart ? null : blind);
      if (own) refused.push({ server: s.server, bar: own });
      roofs.push([s.server, { ...roof, is: 'barred', ...bar }]);
      continue;
    }
    const mine: RepositoryOp[] = [];
    const { mount, persist } = s;
    if (mount || persist || s.folder)
      mine.push({ ...base, verb: 'attach-repository', options: spec.options, mount, persist });
    if (mount || s.booked === null || s.marker === null) {
      const uuid = s.booked ?? s.marker?.uuid ?? known;
      const begins: boolean = uuid === null && (!begun || !spec.shared);
      const fresh = begins ? deriveStoreUuid(farm, base.repository.name, s.server, s.seen.bootId) : null;
      const shared = spec.type === 'lvm' && spec.shared ? { shared: true as const } : {};
      mine.push({ ...base, verb: 'mark-repository', uuid, fresh, ...shared });
      begun ||= begins;
    }
    ops.push(...mine);
    const last = mine.findLast((o) => o.verb === 'mark-repository');
    roofs.push([s.server, last ? { ...roof, is: 'coming', after: idOf(last) } : { ...roof, is: 'ready' }]);
  }
  return { ops, refused, roofs };
};

const unplanned = ({ repository, path }: Roof, server: string): Roof => ({
  repository,
  path,
  is: 'barred',
  code: 'left-out',
  why: `it is not attached on ${server} yet, and this run leaves that out`,
  help: 'leave out --cause or --target',
});

/** What deletes its data, where the run's words say so. */
const erasing = (spec: RepositorySpec, pool: PoolSpec, scene: StorageScene): Erase => {
  if (spec.state === 'present' || !scene.options.deleteData.includes(spec.name)) return null;
  return (bound) =>
    bound.every((s) => s.seen.storage.stores[spec.path] === undefined)
      ? {
          code: 'store-unread',
          why: 'the file no longer names it, and nobody looked what is in it',
          help: 'write it into the file again, with `state: absent`',
        }
      : erasureOf(spec, pool, bound, scene);
};

/** Names after `--delete-data` that nothing goes by, and why. */
const idleNames = (
  { farm, covers, options }: StorageScene,
  planned: readonly PlanRepository[],
  refused: readonly Refusal[],
): readonly string[] => {
  const told = new Set([
    ...planned.flatMap((r) => (r.action === 'erase' || r.action === 'detach' ? [r.name] : [])),
    ...refused.map((r) => r.subject.name.replace(/^.*\//, '')),
  ]);
  return options.deleteData.flatMap((name) => {
    if (told.has(name)) return [];
    const found = farm.pools.flatMap((p) => (covers(p.name) ? (p.repositories[name] ?? []) : []));
    const why = found.some((r) => r.state === 'present')
      ? 'this repository is to stay: `state: absent` has it go'
      : found.length > 0
        ? 'this repository is attached nowhere, and nobody looks into it'
        : 'no repository of this name is to go';
    return [`--delete-data ${name}: ${why}`];
  });
};

/** What several pools may have: an export is one store, whoever mounts it. */
const storeKey = ({ name, source, shared }: Pick<RepositorySpec, 'name' | 'source' | 'shared'>): string =>
  shared && source !== undefined ? `${name}\n${source}` : '';

export const planStorage = (scene: StorageScene): StoragePlan => {
  const { farm, observed, options } = scene;
  const chains: Chain[] = [];
  const repositories: PlanRepository[] = [];
  const refused: Refusal[] = [];
  const warnings: string[] = [];
  const roofs = new Map<string, Roof[]>();
  const matches = options.targets.length === 0 ? null : picomatch([...options.targets]);
  const marked = new Set<string>();
  for (const pool of farm.pools.filter((p) => scene.covers(p.name))) {
    const all = pool.servers.flatMap((s) => {
      const x = seenOn(observed, s.name);
      return x ? [[s.name, x] as const] : [];
    });
    // A server that leaves is given nothing more; what it has goes with it (`leaving.ts`).
    const stays = new Set(pool.servers.filter((s) => s.state !== 'absent').map((s) => s.name));
    const seen = all.filter(([name]) => stays.has(name));
    if (all.length === 0) continue;
    const unread = unreadIn(pool, observed);
    const paths = scene.vms.filter((v) => v.pool === pool.name).flatMap(wantedPaths);
    const inRun = (r: RepositorySpec): boolean =>
      matches === null || matches(`repository/${r.name}`) || paths.some((p) => beneath(p, r.path));
    const left = strays(pool, seen, farm.name);
    const gone = options.prune && matches === null ? left : [];
    if (gone.length === 0) {
      for (const r of left)
        warnings.push(
          `repository ${r.name} (${r.path}) is attached in pool ${pool.name} and no longer in the file: \`state: absent\` or --prune detaches it`,
        );
    }
    for (const spec of sortedBy([...Object.values(pool.repositories), ...gone], (r) => r.name)) {
      const standings = (spec.state === 'absent' ? all : seen).map(([name, s]) => standingOf(spec, farm.name, name, s));
      const chosen = standings.filter(
        (s) => options.cause === 'all' || (s.booked !== null) === (options.cause === 'drift'),
      );
      const part =
        spec.state === 'absent'
          ? detachPart(spec, pool, standings, farm.name, unread, scene.users, erasing(spec, pool, scene))
          : attachPart(spec, pool, standings, scene, unread, storeKey(spec) !== '' && marked.has(storeKey(spec)));
      for (const o of part.ops) if (o.verb === 'mark-repository' && o.fresh !== null) marked.add(storeKey(spec));
      const ops = inRun(spec) ? part.ops.filter((o) => chosen.some((s) => s.server === o.server)) : [];
      const planned = new Set(ops.map(idOf));
      for (const [server, roof] of part.roofs) {
        const left = roof.is === 'coming' && !planned.has(roof.after);
        roofs.set(server, [...(roofs.get(server) ?? []), left ? unplanned(roof, server) : roof]);
      }
      if (!inRun(spec)) continue;
      const does =
        spec.state === 'present'
          ? 'attached'
          : erasing(spec, pool, scene)
            ? 'detached, and its data deleted'
            : 'detached';
      for (const { server, bar } of part.refused) {
        refused.push({
          subject: subjectOf(spec, pool),
          what: `repository ${spec.name} would be ${does}${server === null ? '' : ` on ${server}`}`,
          ...bar,
          needs: null,
        });
      }
      const byServer = [...new Set(ops.map((o) => o.server))].sort(byText);
      const nodesOn = (server: string): Chain => [
        ...(part.first?.get(server) ?? []),
        ...ops.filter((o) => o.server === server).map((op) => ({ id: idOf(op), op })),
      ];
      chains.push(...byServer.map(nodesOn));
      if (ops.length === 0) continue;
      warnings.push(...(part.warnings ?? []));
      // An image has a block of its own.
      const shown = (server: string): Chain => nodesOn(server).filter((n) => !isImageOp(n.op));
      repositories.push({
        subject: subjectOf(spec, pool),
        name: spec.name,
        pool: pool.name,
        path: spec.path,
        action: spec.state === 'present' ? 'attach' : part.erases ? 'erase' : 'detach',
        servers: byServer.map((server) => ({ server, does: shown(server).map((n) => reasonOf(n.op)) })),
        operations: byServer.flatMap(shown).map((n) => n.id),
      });
    }
  }
  warnings.push(...idleNames(scene, repositories, refused));
  return { chains, repositories, refused, warnings, roofs };
};

/**
 * A shared store is marked by one server before the others look at it, and before they mount it: an NFS client that has seen
 * no marker may believe so for a minute.
 */
export const storageEdges = (chains: readonly Chain[]): readonly (readonly [id: string, needs: string])[] => {
  const nodes = chains.flat();
  const marks = nodes.filter((n) => n.op.verb === 'mark-repository');
  const sameExport = (a: Op, b: Op): boolean =>
    'source' in a && 'source' in b && a.source !== '' && a.source === b.source && a.name === b.name;
  const sameStore = (a: Op, b: Op): boolean => refKey(targetOf(a)) === refKey(targetOf(b)) || sameExport(a, b);
  // Where the data could not be deleted, whoever has them keeps them.
  const erased = nodes.filter((n) => n.op.verb === 'unmark-repository');
  const last = nodes.flatMap((n) => {
    if (n.op.verb !== 'detach-repository' || erased.some((e) => e.op.server === n.op.server && sameStore(e.op, n.op)))
      return [];
    return erased.flatMap((e) => (sameStore(e.op, n.op) ? [[n.id, e.id] as const] : []));
  });
  const first = marks.flatMap((n) => {
    if (n.op.verb !== 'mark-repository' || n.op.uuid !== null || n.op.fresh !== null) return [];
    const marker = marks.find((m) => m.op.verb === 'mark-repository' && m.op.fresh !== null && sameStore(m.op, n.op));
    if (!marker) return [];
    const mount = nodes.find(
      (m) => m.op.verb === 'attach-repository' && m.op.server === n.op.server && sameStore(m.op, n.op),
    );
    return [n.id, ...(mount ? [mount.id] : [])].map((id) => [id, marker.id] as const);
  });
  return [...first, ...last];
};
