/** Who made a difference: the file, a hand, or nobody, since it waits. The one place that tells them apart. */
import { type Cause, type Seen, type Way } from '../../core/change.ts';
import { isObject } from '../../core/json.ts';
import { sameValue } from '../../core/digest.ts';
import type { Facts } from './facts.ts';
import type { LiveVm, Marker } from './live.ts';

/** A difference in its layers; `applied`: what the file said when it was last applied. */
export interface Difference {
  readonly want: Seen<unknown>;
  readonly applied: Seen<unknown>;
  readonly configured: Seen<unknown>;
  /** Null: there is no running side, or it is of no account. */
  readonly running: Seen<unknown> | null;
  /** Whether the running side is still as it was when a later value was put off: no hand has touched it since. */
  readonly waits: boolean;
  /** Whether no hand can change the running side: it is fixed when a VM starts. */
  readonly fixed: boolean;
}

const plain = (s: Seen<unknown>): unknown => (s.is === 'value' ? s.value : undefined);
export const same = (a: Seen<unknown>, b: Seen<unknown>): boolean => sameValue(plain(a), plain(b));

/** `marker` null: it was not ours before. */
export const causeOf = (marker: Marker | null, d: Difference): Cause => {
  if (marker === null) return 'adopt';
  const off = (layer: Seen<unknown>): boolean => !same(layer, d.want);
  const waiting = d.waits || d.fixed;
  if (!same(d.applied, d.want)) {
    // The file changed. Did a hand, too?
    const hand = (layer: Seen<unknown>): boolean => off(layer) && !same(layer, d.applied);
    const byHand = hand(d.configured) || (d.running !== null && !waiting && hand(d.running));
    return d.applied.is === 'value' && byHand ? 'conflict' : 'config';
  }
  if (off(d.configured)) return 'drift-configured';
  return d.running !== null && off(d.running) && waiting ? 'pending' : 'drift-running';
};

/** The running domain as the marker names it: domids begin anew when a server boots. */
export const lifeId = (facts: Facts, live: LiveVm): string =>
  live.domain ? `${facts.seen.bootId}/${live.domain.domid}` : '';

/** In what both say: options count in one reading, and not in another. */
const alike = (a: unknown, b: unknown): boolean => {
  if (!isObject(a) || !isObject(b)) return sameValue(a ?? undefined, b ?? undefined);
  return Object.keys(a).every((key) => !Object.hasOwn(b, key) || sameValue(a[key], b[key]));
};

/** Whether the domain still has what it had when the marker wrote down that the field waits. One that came from another server is called anew there. */
export const stillWaits = (field: string, running: unknown, live: LiveVm, facts: Facts): boolean => {
  const wait = live.marker?.waits?.[field];
  if (wait === undefined || !live.domain) return false;
  const here = wait.domain.startsWith(`${facts.seen.bootId}/`);
  return (!here || wait.domain === lifeId(facts, live)) && alike(wait.was, running);
};

/** The ways of a field that only a start carries. */
export const onlyAtStart = (ways: readonly Way[]): boolean => ways.find((w) => !w.illegal)?.how === 'restart';
