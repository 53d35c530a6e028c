/** Planning itself: match, decide, place, and what is known on the way, for those who ask why. */
import { option } from '../core/shell-word.ts';
import type { Reason } from '../core/reason.ts';
import { table } from '../core/table.ts';
import picomatch from 'picomatch';
import { byText, sortedBy } from '../core/order.ts';
import { digestOfFarm, type Farm } from '../kinds/farm.ts';
import type { Plan, PlanOptions, Refusal } from '../kinds/plan.ts';
import { seenOn, type Observed, type ServerSeen } from '../kinds/server/live.ts';
import { usersIn } from '../kinds/server/users.ts';
import type { Overhead } from '../kinds/vm/effects.ts';
import type { NewDisk } from '../kinds/vm/draft.ts';
import type { LiveVm } from '../kinds/vm/live.ts';
import { unresolvedReason, type Facts } from '../kinds/vm/facts.ts';
import { discarding, forgetting } from './match/leftovers.ts';
import type { VmOp } from '../kinds/vm/ops.ts';
import type { VmSpec } from '../kinds/vm/spec.ts';
import { groundOf, specsOf } from './place/workloads.ts';
import { budgets } from './model/disruption-budget.ts';
import { decide, type Decision } from './decide/decide.ts';
import { settleDisks } from './decide/resolve-disks.ts';
import { diskHolders } from './decide/disk-sharing.ts';
import { beganBeside, mayNotBegin } from './decide/saved-memory.ts';
import type { Settled } from './model/settled-disks.ts';
import { emptyPrune, mayDelete, tooMany, withPruned } from './decide/deletion-guards.ts';
import { assemble } from './document/document.ts';
import { match, type Found, type Matched } from './match/match.ts';
import { busyIn } from './match/under-way.ts';
import type { PoolPlan } from './place/place-pool.ts';
import { freshOf, unmade, unmet } from './place/new-vms.ts';
import { withStates } from './match/open-states.ts';
import { withOwnLinks } from './match/own-links.ts';
import { membersIn } from './match/pool-membership.ts';
import { placeAll } from './place/place.ts';
import { startOrder, tiesOf } from './order/start-order.ts';
import { refusal } from './model/refusal.ts';
import { oversizeIn } from './model/oversize.ts';
import { roomOf } from './model/server-capacity.ts';
import { fetchedFor, planImages } from './storage/images.ts';
import { heldElsewhere, leftBy, restsOn, wasUp } from './decide/lease-guards.ts';
import { answersAfterAll, lostHomes } from './decide/lost-homes.ts';
import { disksOfDeleted, orphansNamed, type Removal } from './storage/disk-removals.ts';
import { leftBehind, movedFrom } from './storage/left-behind.ts';
import type { Roof } from './model/path-availability.ts';
import { openSpace, wantsOf } from './storage/space-accounting.ts';
import { planStorage } from './storage/repositories.ts';
import { unreadIn, whenRead } from './model/unread-servers.ts';
import type { Tools } from './model/planner-inputs.ts';
import { underRoll } from './model/under-roll.ts';

export interface Planned {
  readonly plan: Plan;
  readonly pools: readonly PoolPlan[];
  readonly decisions: readonly Decision[];
  readonly matched: Matched;
  readonly factsOf: (spec: VmSpec, seen: ServerSeen) => Facts;
}

/** Only what the options name, and of the rest nothing is asked. */
export const planFarm = (desired: Farm, seenAll: Observed, options: PlanOptions, tools: Tools): Planned => {
  const asked = underRoll(desired, seenAll);
  const wantedPool = (name: string): boolean => options.pools.length === 0 || options.pools.includes(name);
  const members = membersIn(asked, seenAll, wantedPool);
  const observed = withOwnLinks(members.observed);
  const matched = match(asked, observed, options.takeover);
  const farm = withStates(asked, matched);
  const overhead: Overhead = (c) => tools.toolstack.memoryNeed(c) - c.memory.target;
  const budget = budgets(farm.policy, options.allow);
  const poolOf = new Map(farm.pools.map((p) => [p.name, p]));
  const sharedOf = new Map(
    farm.pools.map(
      (p) => [p.name, Object.values(p.repositories).filter((r) => r.shared && r.state === 'present')] as const,
    ),
  );
  const seenOf = (server: string): ServerSeen | undefined => seenOn(observed, server);
  const unreadOf = new Map(farm.pools.map((p) => [p.name, unreadIn(p, observed)] as const));
  const targeted = options.targets.length === 0 ? () => true : picomatch([...options.targets]);
  const inRun = (v: VmSpec): boolean => wantedPool(v.pool) && (targeted(v.key) || targeted(`vm/${v.key}`));

  const ties = tiesOf(farm);
  const order = startOrder(ties);
  const factsOf = (spec: VmSpec, seen: ServerSeen): Facts => ({
    farm: farm.name,
    networks: poolOf.get(spec.pool)?.networks ?? table(),
    seen,
    order,
    secrets: tools.secrets,
    shared: sharedOf.get(spec.pool) ?? [],
  });
  const rooms = new Map(
    farm.pools.flatMap((p) =>
      p.servers.flatMap((x) => {
        const seen = seenOf(x.name);
        return seen ? [[x.name, roomOf(seen, overhead, p.overcommit.vcpus)] as const] : [];
      }),
    ),
  );
  const oversize = oversizeIn(farm, rooms, overhead);
  const users = usersIn(observed);
  const holders = diskHolders({ farm, observed, matched });
  const scene = { farm, observed, options, covers: wantedPool, vms: farm.vms.filter(inRun), users };
  const storage = planStorage(scene);
  const space = openSpace(farm, seenOf);
  const images = planImages(scene, storage, space);
  // An image is a roof by itself, and the nearer one.
  const roofs = new Map<string, readonly Roof[]>(
    [...observed.keys()].map((s) => [s, [...(images.roofs.get(s) ?? []), ...(storage.roofs.get(s) ?? [])]]),
  );
  const orphans = orphansNamed(farm, observed, options, wantedPool, users);
  const removals: Removal[] = [...orphans.removals];
  const busyOf = busyIn(farm, observed);
  const refused: Refusal[] = [];
  const decisions: Decision[] = [];
  const fresh: VmSpec[] = [];
  const again = new Map<string, () => Decision>();
  const unmoved = (spec: VmSpec, { vdev, repository }: NewDisk): Refusal => ({
    ...refusal(spec.key, `disk ${vdev} of ${spec.key} would be moved into repository ${repository}`, {
      code: 'over-budget',
      why: 'it is copied while the VM is down, and that costs a restart',
      help: option('--allow', `restart=${spec.key}`),
    }),
    needs: 'restart',
  });
  /** Fetches whose room is taken. */
  const counted = new Set<string>(images.always);
  const decideOn = (spec: VmSpec, live: LiveVm | null, server: string): void => {
    const seen = seenOf(server);
    if (!seen) return;
    const cannot = (reason: Reason): unknown =>
      refused.push(refusal(spec.key, `${spec.key} cannot be changed`, reason));
    const pool = poolOf.get(spec.pool);
    const left = live ? null : leftBy(spec, farm, seenOf);
    const own = left ? { ...spec, uuid: spec.uuid ?? left.uuid } : spec;
    let settled = settleDisks(own, live, { farm: farm.name, seen, users }, left?.disks);
    if ('unresolved' in settled) return void cannot(unresolvedReason(settled));
    const decideSo = (s: Settled, mustRestart = false): Decision =>
      decide(
        s.spec,
        live,
        server,
        factsOf(spec, seen),
        options,
        budget,
        tools.version,
        s,
        oversize(spec, server),
        mustRestart,
      );
    let d = decideSo(settled);
    const { move } = settled;
    // What cannot go down now keeps its disks where they are: a cfg that waits must not name what is not there.
    if (move.length > 0 && live?.domain && d.transition?.mode !== 'restart') {
      for (const m of move) refused.push(unmoved(spec, m));
      const stay = settleDisks(spec, live, { farm: farm.name, seen, users, moving: false });
      if ('unresolved' in stay) return void cannot(unresolvedReason(stay));
      settled = stay;
      d = decideSo(settled);
    } else if (pool) removals.push(...movedFrom(d, { farm: farm.name, pool, seen, users }));
    if (pool) removals.push(...leftBehind(d, { farm: farm.name, pool, seen, users }));
    const lack =
      d.transition &&
      (beganBeside(d, farm, seenOf) ??
        unmet(d.transition, seen, roofs.get(server) ?? []) ??
        unmade(d.transition, roofs.get(server)) ??
        heldElsewhere(d, seen, farm, seenOf) ??
        answersAfterAll(lostHomes(d, farm, observed), observed) ??
        holders.take(d));
    const fetched = fetchedFor(d, roofs.get(server), images, counted);
    const full =
      d.transition && !lack ? space.take(spec.pool, server, [...wantsOf(settled), ...fetched.values()]) : null;
    if (lack) cannot(lack);
    else if (full) cannot(unresolvedReason(full));
    else {
      for (const id of fetched.keys()) counted.add(id);
      decisions.push(d);
      const { move: _, ...rest } = settled;
      again.set(spec.key, () => decideSo({ ...rest, move: [] }, true));
    }
    refused.push(...d.refused);
  };

  const lost = new Set(farm.pools.flatMap((p) => p.servers.flatMap((x) => (x.state === 'lost' ? [x.name] : []))));
  const isLost = (name: string): boolean => lost.has(name);
  const prunes = withPruned(farm, matched, options.prune);
  const resting: string[] = [];
  const forgets = new Map<string, readonly VmOp[]>();
  const discards = new Map<string, readonly VmOp[]>();
  const halvesOf = (key: string): readonly Found[] => matched.halves.flatMap((h) => (h.key === key ? [h.half] : []));
  const doomed: { spec: VmSpec; found: Found }[] = prunes.filter((p) => inRun(p.spec));
  for (const spec of farm.vms.filter(inRun)) {
    const pool = poolOf.get(spec.pool);
    const unread = unreadOf.get(spec.pool) ?? [];
    if (pool && !pool.servers.some((s) => seenOf(s.name))) continue;
    const m = matched.of.get(spec.key);
    if (!m || m.is === 'nowhere') {
      if (spec.state === 'absent') continue;
      const rests = restsOn(spec, farm, seenOf);
      if (rests !== null) resting.push(`${spec.key} is on ${rests}, which is off: nothing is done with it`);
      // To be made is what the file says: no hand has changed what is not there yet.
      else if (options.cause === 'drift' || options.cause === 'moves') continue;
      else if (unread.length > 0) {
        const why = `it was seen nowhere, but ${unread.join(' and ')} could not be read: it may be there`;
        refused.push(
          refusal(spec.key, `${spec.key} would be created`, {
            code: 'server-unread',
            why,
            help: whenRead(unread, pool),
          }),
        );
      } else {
        const no = mayNotBegin(spec, farm, observed, users);
        if (no) refused.push(refusal(spec.key, `${spec.key} would be created`, no));
        else fresh.push(spec);
      }
    } else if (m.is === 'matched' && isLost(m.found.server)) {
      const why = `${m.found.server} is declared lost, and it answers`;
      refused.push(
        refusal(spec.key, `${spec.key} is left alone`, {
          code: 'lost-server-answers',
          why,
          help: 'take `state: lost` out, or power the server off',
        }),
      );
    } else if (m.is === 'refused') {
      refused.push(refusal(spec.key, `${spec.key} is left alone`, m));
    } else if (spec.state === 'absent') {
      doomed.push({ spec, found: m.found });
    } else if (
      !m.found.live.domain &&
      unread.length > 0 &&
      (m.found.live.marker?.home !== m.found.server || wasUp(m.found, seenOf))
    ) {
      const why = `only a cfg of it was seen, on ${m.found.server}, and ${unread.join(' and ')} could not be read: it may run there`;
      refused.push(
        refusal(spec.key, `${spec.key} is left alone`, { code: 'server-unread', why, help: whenRead(unread, pool) }),
      );
    } else {
      decideOn(spec, m.found.live, m.found.server);
      const halves = halvesOf(spec.key);
      if (halves.length > 0) discards.set(spec.key, discarding(spec.key, halves, m.found));
      const stale = m.stale.filter((f) => !isLost(f.server));
      if (stale.length > 0) forgets.set(spec.key, forgetting(spec.key, farm.name, stale, m.found, seenOf));
    }
  }

  const total = farm.vms.length + prunes.length;
  const brake = tooMany(doomed.length, farm, total);
  for (const { spec, found } of sortedBy(doomed, (d) => d.spec.key)) {
    const moves = busyOf(spec.key, [found], true);
    const no = moves
      ? refusal(spec.key, `${spec.key} would be deleted`, moves)
      : brake === null
        ? mayDelete(spec, found, farm, observed, options)
        : refusal(spec.key, `${spec.key} would be deleted`, {
            code: 'too-many-deletes',
            why: brake,
            help: 'raise it in the file for this change, or delete in steps',
          });
    if (no) {
      refused.push(no);
      continue;
    }
    decideOn(spec, found.live, found.server);
    const pool = poolOf.get(found.pool);
    const seen = seenOf(found.server);
    if (pool && seen && (spec.deleteDisks || options.deleteDisks.includes(spec.key)))
      removals.push(...disksOfDeleted(spec, found, pool, farm.name, seen, users));
  }

  const leaseOf = (spec: VmSpec): ReturnType<typeof leftBy> => leftBy(spec, farm, seenOf);
  const sized = freshOf(fresh, { farm, poolOf, seenOf, factsOf, users, oversize, leftBy: leaseOf });
  const specs = specsOf(farm, matched);
  const placed = placeAll({
    farm,
    observed,
    options,
    covers: wantedPool,
    sceneOf: (pool) => ({
      farm: farm.name,
      ...groundOf(pool),
      seenOf,
      rooms,
      roofs,
      overhead,
      freeIn: (server, repository) => space.left(pool.name, server, repository),
      budget: (spec) => budget(spec, null),
      specs,
    }),
    decisions,
    fresh: sized.flatMap((f) => ('refused' in f ? [] : [f])),
    again: (x) => again.get(x.spec.key)?.() ?? null,
  });
  refused.push(...sized.flatMap((f) => ('refused' in f ? [f.refused] : [])), ...placed.refused);
  // A hundred thousand are too many for one call's arguments.
  decisions.length = 0;
  for (const d of placed.decisions) decisions.push(d);
  const reasons = new Map(placed.reasons);
  for (const { spec, server, why } of placed.homes) {
    reasons.set(spec.key, why);
    decideOn(spec, null, server);
  }
  const kept = new Map(decisions.map((x) => [x.spec.key, x] as const));
  for (const [key, ops] of forgets) {
    // A cfg of its own that lies where it goes is written over.
    const journey = kept.get(key)?.transition?.journey;
    const to = journey?.through.at(-1);
    forgets.set(
      key,
      ops.filter((op) => op.server !== to && !(journey && op.verb === 'forget' && op.beside)),
    );
  }

  const plan = assemble({
    farm,
    observed,
    options,
    tools,
    overhead,
    rooms,
    storage,
    images,
    removals,
    forgets,
    discards,
    roofs,
    ties,
    pools: placed.pools,
    placed: reasons,
    matched,
    refused: [...members.refused, ...storage.refused, ...images.refused, ...orphans.refused, ...refused],
    warnings: [
      ...emptyPrune(farm, matched, options.prune),
      ...storage.warnings,
      ...orphans.warnings,
      ...resting,
      ...placed.warnings,
      ...holders.warnings(decisions),
    ],
    decisions: [...decisions].sort((a, b) => byText(a.spec.key, b.spec.key)),
    desired: digestOfFarm(desired),
    prunedFound: new Set(doomed.map((d) => d.found)),
    deletes: { count: doomed.length, total },
    covers: wantedPool,
  });
  return { plan, pools: placed.pools, decisions, matched, factsOf };
};
