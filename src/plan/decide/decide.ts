/** What is done about each difference: taken in its cheapest legal way, joined to a restart, deferred, or refused. */
import { option } from '../../core/shell-word.ts';
import { isDrift, isOfFile, type Change, type How, type Way } from '../../core/change.ts';
import { severity, within, worst, type Disruption } from '../../core/disruption.ts';
import type { PlanChange, PlanOptions, Refusal } from '../../kinds/plan.ts';
import { lifeId } from '../../kinds/vm/cause.ts';
import { compare, differsInCfg } from '../../kinds/vm/compare.ts';
import { homeOf, viaOf } from '../../kinds/vm/lease.ts';
import type { LiveVm } from '../../kinds/vm/live.ts';
import { liesAstray, mixed, type VmTransition } from '../../kinds/vm/draft.ts';
import { unresolvedReason, type Facts } from '../../kinds/vm/facts.ts';
import { resolve, type Resolved } from '../../kinds/vm/resolve.ts';
import { compareState, lifeOf } from '../../kinds/vm/state.ts';
import type { VmSpec } from '../../kinds/vm/spec.ts';
import type { Budget } from '../model/disruption-budget.ts';
import type { OversizeOf } from '../model/oversize.ts';
import { grown, released } from './silent-changes.ts';
import { disksHad, isUnleased, leaseFor, outlivedBy, savedIn, spareLeases, straysOf } from './lease-changes.ts';
import { refusal } from '../model/refusal.ts';

export interface Decision {
  readonly spec: VmSpec;
  readonly server: string;
  readonly live: LiveVm | null;
  readonly transition: VmTransition | null;
  /** The same where there is nothing to do, too: what it takes if it has to go elsewhere. Null: it could not be settled. */
  readonly whole: VmTransition | null;
  readonly changes: readonly PlanChange[];
  readonly refused: readonly Refusal[];
  readonly disruption: Disruption;
}

interface Chosen {
  readonly change: Change;
  readonly way: Way;
}

const selected = (c: Change, cause: PlanOptions['cause']): boolean => {
  if (cause === 'all') return true;
  if (cause === 'moves') return c.field === 'state';
  return cause === 'drift' ? isDrift(c.cause) : isOfFile(c.cause);
};

/** The part of a VM that a pattern like `db-1/xvdb` names. */
const partOf = (field: string): string | null => {
  const dot = field.indexOf('.');
  return field.startsWith('disks.') || field.startsWith('nics.') ? field.slice(dot + 1) : null;
};

const stateRefusal = (spec: VmSpec, change: Change, way: Way): Refusal => ({
  subject: change.subject,
  what: `${spec.key} would be ${{ stop: 'stopped', pause: 'paused', delete: 'shut down and deleted' }[way.how as string] ?? way.how}`,
  code: 'over-budget',
  why: way.why,
  help: option('--allow', `${way.disruption}=${spec.key}`),
  needs: way.disruption,
});

const moved = ({ field }: Change, move: VmTransition['move']): boolean => move.some((m) => field === `disks.${m.vdev}`);

/** A disk is copied while nobody writes it. */
const onlyDown = (c: Change): Change => {
  const [first, ...rest] = c.ways.filter((w) => w.how === 'restart' || w.how === 'configure');
  if (!first) return c;
  const why = 'the disk is copied while the VM is down';
  return { ...c, ways: [{ ...first, why }, ...rest] };
};

/** Sorts the changes of one VM into what is taken now, what waits, and what cannot be. */
export const decide = (
  spec: VmSpec,
  live: LiveVm | null,
  server: string,
  facts: Facts,
  options: PlanOptions,
  budget: Budget,
  tool: string,
  { make, grow, adopt, move, seed }: Pick<VmTransition, 'make' | 'grow' | 'adopt' | 'move' | 'seed'>,
  oversizeOf: OversizeOf,
  /** It is restarted whatever its changes are: it has to go where it cannot go alive. */
  mustRestart = false,
): Decision => {
  const none = (refused: readonly Refusal[]): Decision => ({
    spec,
    server,
    live,
    transition: null,
    whole: null,
    changes: [],
    refused,
    disruption: 'none',
  });
  const want = resolve(spec, live, facts);
  if ('unresolved' in want) {
    return none([refusal(spec.key, `${spec.key} cannot be planned`, unresolvedReason(want))]);
  }
  const everything = compare(want, live ?? { server, uuid: null, domain: null, record: null, marker: null }, facts);
  const state = compareState(spec, live);
  const differing = live === null || spec.state === 'absent' ? [] : everything;
  const stateChange = state && selected(state, options.cause) ? state : null;
  // One that is to start finds no place, and is refused as a whole.
  const oversize = differing.some(isSize) && !starts(stateChange) ? oversizeOf(want.config) : [];
  const tooLarge = new Set(oversize.flatMap((o) => o.fields));
  const chosen = (c: Change): boolean => selected(c, options.cause) && !tooLarge.has(c.field);
  const fields = differing.filter(chosen).map((c) => (moved(c, move) ? onlyDown(c) : c));
  const keep = new Set(differing.filter((c) => !chosen(c)).map((c) => c.field));

  // Of one that is to go the file need not say a word more: its lease is where its disks are.
  const old = live?.record?.config?.disks;
  const wanted = want.config.disks;
  const kept = spec.state === 'absent' ? old : old && mixed(keep, 'disks.', wanted, old);
  const named = kept ?? wanted;
  const home = homeOf(named, facts.shared);
  const cfg =
    live?.record && live.record.config?.name === want.config.name && !liesAstray(live.record)
      ? live.record.path
      : `/etc/xen/${want.config.name}.cfg`;
  const via = home && viaOf(home, server, cfg);

  const refused: Refusal[] = [];
  const changes: PlanChange[] = [];
  const entry = (c: Change, fate: PlanChange['fate'], way: Way | null): PlanChange => {
    const { ways, subject: _, bearer: __, ...rest } = c;
    return { ...rest, ways, fate, way };
  };

  for (const { fields: of, what, reason } of oversize) {
    const barred = differing.filter((c) => of.includes(c.field) && selected(c, options.cause));
    if (barred.length > 0) refused.push(refusal(spec.key, `${spec.key} would get ${what}`, reason));
    for (const c of barred) changes.push(entry(c, 'refuse', null));
  }

  // The state first: a VM that goes down anyway takes every other change with it for nothing.
  let stateHow: How | null = null;
  if (stateChange) {
    const way = stateChange.ways[0];
    if (within(way.disruption, budget(spec, null))) {
      stateHow = way.how;
      changes.push(entry(stateChange, 'take', way));
    } else {
      refused.push(stateRefusal(spec, stateChange, way));
      changes.push(entry(stateChange, 'refuse', null));
    }
  }

  const isUp = live !== null && lifeOf(live) !== 'stopped';
  const staysUp = isUp && (spec.state === 'stopped' || spec.state === 'absent') && stateHow === null;
  const { take, wait } = choose(staysUp ? recompare(spec, live, facts, fields) : fields, spec, options, budget);
  const restarts = mustRestart || take.some((t) => t.way.how === 'restart');
  const joined: Chosen[] = restarts ? join([...take.map((t) => t.change), ...wait]) : take;
  const defer = restarts ? [] : wait;
  const goes = new Set(
    joined.flatMap(({ change, way }) => (way.how === 'detach-disk' ? [change.field.slice('disks.'.length)] : [])),
  );
  const disks = restarts ? named : disksHad(named, live, goes);
  const lease = home && leaseFor(home, want, disks, live, server, facts);
  // A new VM's values are shown, though nothing of it can differ yet.
  if (live === null) for (const c of everything) changes.push(entry(c, 'take', c.ways[0]));
  for (const t of joined) changes.push(entry(t.change, 'take', t.way));
  for (const c of defer) changes.push(entry(c, differsInCfg(c) ? 'defer' : 'pending', null));
  const grows = spec.state === 'absent' || options.cause === 'moves' ? [] : grow;
  for (const g of grows) changes.push(grown(g, live));
  for (const field of want.released) changes.push(released(field, live));

  const transition: VmTransition = {
    want,
    live,
    server,
    farm: facts.farm,
    tool,
    mode: restarts
      ? 'restart'
      : stateHow === 'delete'
        ? 'delete'
        : live === null || lifeOf(live) === 'stopped'
          ? 'define'
          : 'in-place',
    state: stateHow,
    take: joined,
    defer,
    keep,
    give: defer.some((c) => needsGiving(c, live)),
    life: live ? lifeId(facts, live) : '',
    scheduler: facts.seen.scheduler,
    make,
    grow: grows,
    adopt,
    move,
    seed,
    lease,
    via,
    force: within('data-loss', budget(spec, null)),
    unleased: lease === null || spec.state === 'absent' ? null : isUnleased(facts, lease, want, live, server),
    spare: spareLeases(
      facts,
      home,
      want,
      live,
      server,
      // Of one that goes its home's lease goes with the stop.
      restarts ||
        stateHow === 'start' ||
        stateHow === 'unpause' ||
        stateHow === 'delete' ||
        (live?.domain?.state === 'running' && stateHow !== 'stop'),
    ),
    strays: straysOf(facts, live, server),
    journey: null,
    ahead: aheadOf(want, live, facts),
    saved: savedIn(facts, want.uuid, live),
    outlived: outlivedBy(facts, want.uuid, live),
  };
  const idle =
    live !== null &&
    !mustRestart &&
    joined.length === 0 &&
    stateHow === null &&
    transition.grow.length === 0 &&
    adopt.length === 0 &&
    !transition.give &&
    transition.unleased === null &&
    transition.outlived === null &&
    transition.spare.length === 0 &&
    transition.strays.length === 0 &&
    !adopts(live, want, spec);
  const disruption = worst([
    ...joined.map((t) => t.way.disruption),
    ...(stateHow && stateChange ? [stateChange.ways[0].disruption] : []),
    ...(mustRestart ? (['restart'] as const) : []),
  ]);
  return {
    spec,
    server,
    live,
    transition: idle || refusedAlone(spec, live, stateHow) ? null : transition,
    whole: transition,
    changes,
    refused,
    disruption,
  };
};

const isSize = ({ field }: Change): boolean => field.startsWith('memory.') || field.startsWith('vcpus.');

const starts = (state: Change | null): boolean => state?.ways[0].how === 'start';

/** The digest of its own cfg under its new name, where a rename was cut before it removed the old one. */
const aheadOf = (want: Resolved, live: LiveVm | null, { farm, seen }: Facts): string | null => {
  const path = `/etc/xen/${want.config.name}.cfg`;
  const other = live?.record && seen.records.find((r) => r.path === path && r.path !== live.record?.path);
  return other?.marker?.farm === farm && other.marker.uuid === want.uuid ? other.digest : null;
};

/** A VM that is to go, but may not be stopped, is left alone as it is. */
const refusedAlone = (spec: VmSpec, live: LiveVm | null, how: How | null): boolean =>
  spec.state === 'absent' && (live === null || how === null);

/** While a stop is refused the VM runs on, and its changes cost what they cost a running one. */
const recompare = (spec: VmSpec, live: LiveVm | null, facts: Facts, fields: readonly Change[]): readonly Change[] => {
  if (!live || spec.state === 'absent') return fields;
  const asRunning = resolve({ ...spec, state: 'running' }, live, facts);
  if ('unresolved' in asRunning) return fields;
  const names = new Set(fields.map((f) => f.field));
  return compare(asRunning, live, facts).filter((c) => names.has(c.field));
};

/** Its cfg is right, and only a restart gives the domain what the cfg says. */
const waits = (c: Change): boolean =>
  c.cause === 'pending' || (!differsInCfg(c) && c.ways.find((w) => w.illegal === undefined)?.how === 'restart');

const choose = (
  fields: readonly Change[],
  spec: VmSpec,
  options: PlanOptions,
  budget: Budget,
): { take: Chosen[]; wait: Change[] } => {
  const take: Chosen[] = [];
  const wait: Change[] = [];
  for (const change of fields) {
    const allowed = budget(spec, partOf(change.field));
    const most = options.pending && waits(change) && severity(allowed) < severity('restart') ? 'restart' : allowed;
    const way = change.ways.find((w) => w.illegal === undefined && within(w.disruption, most));
    if (way) take.push({ change, way });
    else wait.push(change);
  }
  return { take, wait };
};

/** One restart for all: every change that the restart can carry is carried by it. */
const join = (all: readonly Change[]): Chosen[] =>
  all.map((change) => {
    const cfgOnly = change.ways.find((w) => w.how === 'configure');
    const way = cfgOnly ?? change.ways.find((w) => w.how === 'restart') ?? change.ways[0];
    return { change, way };
  });

/** A deferred change has something to do while the cfg lacks it, or while the domain was not given that cfg. */
const needsGiving = (c: Change, live: LiveVm | null): boolean => {
  if (differsInCfg(c)) return true;
  const d = live?.domain;
  return c.cause === 'pending' && !!d && d.monitored !== false && d.pendingUpdate !== live.record?.exact;
};

const adopts = (live: LiveVm | null, want: Resolved, spec: VmSpec): boolean =>
  spec.state !== 'absent' &&
  live !== null &&
  (live.marker === null ||
    live.marker.home !== live.server ||
    live.stray !== undefined ||
    liesAstray(live.record) ||
    live.marker.vm !== spec.key ||
    want.uuid !== live.marker.uuid);
