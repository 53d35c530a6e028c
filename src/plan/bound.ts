/** The provable least number of operations, counted from the differences alone and not from the operations chosen. */
import type { How } from '../core/change.ts';
import { differsInCfg } from '../kinds/vm/compare.ts';
import { lifeOf } from '../kinds/vm/state.ts';
import type { Decision } from './decide.ts';

/** No operation sets two running fields, save a restart, which sets all; a replaced device goes before it comes. */
const running = (how: How): number =>
  how === 'configure' ? 0 : how === 'replace-disk' || how === 'replace-nic' ? 2 : 1;

/** One write makes the whole cfg, and every taken or deferred difference in it needs that one. */
const cfgWrites = (x: Decision): number => {
  const t = x.transition;
  if (!t || t.mode === 'delete') return 0;
  const { live } = t;
  if (!live?.record?.config || !live.marker || live.marker.home !== t.server || t.give) return 1;
  const changes = [...t.take.map((c) => c.change), ...t.defer];
  return changes.some(differsInCfg) || live.record.config.uuid !== t.want.uuid ? 1 : 0;
};

export const leastOperations = (x: Decision): number => {
  const t = x.transition;
  if (!t) return 0;
  const life = lifeOf(t.live);
  const linked = t.live === null ? t.want.autostart === true : t.take.some((c) => c.change.field === 'autostart');
  const links = linked ? 1 : 0;
  // A paused guest hears of a shutdown only once it runs.
  const wake = life === 'paused' ? 1 : 0;
  if (t.mode === 'delete') return (t.live?.domain ? 1 + wake : 0) + (t.live?.record ? 1 : 0);
  if (t.mode === 'restart') return 1 + wake + links + (t.state === 'pause' ? 1 : 0);
  const state = t.state === null ? 0 : t.state === 'stop' ? 1 + wake : 1;
  return cfgWrites(x) + links + state + t.take.reduce((n, c) => n + running(c.way.how), 0);
};
