/** The provable least number of operations, counted from the differences alone and not from the operations chosen. */
import type { How } from '../../core/change.ts';
import { same } from '../../kinds/vm/cause.ts';
import { differsInCfg } from '../../kinds/vm/compare.ts';
import { cfgPath } from '../../kinds/vm/cfg-path.ts';
import { liesAstray, type VmTransition } from '../../kinds/vm/draft.ts';
import { realise, reweighs } from '../../kinds/vm/realise.ts';
import { lifeOf } from '../../kinds/vm/state.ts';
import type { Decision } from '../decide/decide.ts';

/** What one operation sets together. */
const together: ReadonlySet<How> = new Set(['set-sched', 'set-affinity']);

/**
 * No other operation sets two running fields, save a restart, which sets all; a replaced device goes before it comes.
 */
const runningChanges = (t: VmTransition): number => {
  const hows = t.take.map((c) => c.way.how);
  const single = hows.filter((how) => !together.has(how) && how !== 'configure');
  const twice = single.filter((how) => how === 'replace-disk' || how === 'replace-nic').length;
  return single.length + twice + new Set(hows.filter((how) => together.has(how))).size + (reweighs(t) ? 1 : 0);
};

/** One write makes the whole cfg, and every taken or deferred difference in it needs that one. */
const cfgWrites = (x: Decision): number => {
  const t = x.transition;
  if (!t || t.mode === 'delete') return 0;
  const { live } = t;
  const m = live?.marker;
  if (!live?.record?.config || !m || m.home !== t.server || m.vm !== t.want.key || t.give || liesAstray(live.record))
    return 1;
  const changes = [...t.take.map((c) => c.change), ...t.defer];
  // What stands in no cfg is remembered in its marker.
  const told = x.changes.some(
    ({ field, fate, have, want }) =>
      fate === 'take' && (field === 'state' || field === 'autostart') && !same(have.applied, want),
  );
  return told || changes.some(differsInCfg) || live.record.config.uuid !== t.want.uuid ? 1 : 0;
};

/** The links of autostart: asked for, or led astray by a cfg that has a new path. */
const linkChanges = (t: VmTransition): number => {
  if (t.live === null) return t.want.autostart === true ? 1 : 0;
  if (t.take.some((c) => c.change.field.startsWith('autostart'))) return 1;
  const { record } = t.live;
  const named = [...t.take.map((c) => c.change), ...t.defer].some((c) => c.field === 'name' && differsInCfg(c));
  const own = record?.config && record.path === cfgPath(record.config.name);
  const goes = liesAstray(record) || (named && own);
  const follows = record === null && (t.live.stray?.record.autostart.length ?? 0) > 0;
  return t.strays.length > 0 || follows || (goes && record && record.autostart.length > 0) ? 1 : 0;
};

export const leastOperations = (x: Decision): number => {
  const t = x.transition;
  if (!t) return 0;
  // Beyond what one move needs are hops, and being saved on the way: the pool's own bound speaks of those.
  if (t.journey) return realise(t).length - (t.journey.through.length - 1) - (t.journey.how === 'suspend' ? 1 : 0);
  const life = lifeOf(t.live);
  const links = linkChanges(t);
  // A paused guest hears of a shutdown only once it runs.
  const wake = life === 'paused' ? 1 : 0;
  const starts = t.mode === 'restart' || t.state === 'start';
  const ready = starts && t.want.ready && t.want.state === 'running' ? 1 : 0;
  const spare = t.spare.length + (t.outlived === null ? 0 : 1);
  if (t.mode === 'delete') return (t.live?.domain ? 1 + wake : 0) + (t.live?.record ? 1 : 0) + spare;
  // A restart copies its disks on the way.
  const copied = t.mode === 'restart' ? [] : t.move;
  const disks = [...t.make, ...copied, ...t.adopt, ...(t.seed ? [t.seed] : [])];
  const made = disks.filter((m) => !t.keep.has(`disks.${m.vdev}`)).length + t.grow.length;
  if (t.mode === 'restart') return made + 1 + wake + links + ready + (t.state === 'pause' ? 1 : 0) + spare;
  const state = t.state === null ? 0 : t.state === 'stop' ? 1 + wake : 1;
  const lease = t.unleased !== null && t.state !== 'stop' ? 1 : 0;
  return made + cfgWrites(x) + links + lease + state + ready + spare + runningChanges(t);
};
