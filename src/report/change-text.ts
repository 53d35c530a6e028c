/** One change of a VM in words: what was, what will be, who made the difference, and what it costs or waits for. */
import { option } from '../core/shell-word.ts';
import type { Seen } from '../core/change.ts';
import { sameValue } from '../core/digest.ts';
import { severity, type Disruption } from '../core/disruption.ts';
import type { PlanChange } from '../kinds/plan.ts';
import { fieldLabel, fieldPart, valueText, valueTexts } from './value-text.ts';
import { clean } from './text.ts';

export interface ChangeText {
  readonly label: string;
  readonly from: string;
  readonly to: string;
  readonly note: string;
}

const plain = (s: Seen<unknown>): unknown => (s.is === 'value' ? s.value : undefined);
const differs = (a: Seen<unknown>, b: Seen<unknown>): boolean => !sameValue(plain(a), plain(b));

/** What stands in the links of /etc/xen/auto, and not in the cfg. */
const inLinks = (field: string): boolean => field === 'autostart' || field === 'autostart.link';

/** The layer that a reader calls "now": what runs, unless only the cfg is off. */
const now = (c: PlanChange): 'running' | 'configured' => {
  if (c.have.running.is === 'value' && differs(c.have.running, c.want)) return 'running';
  if (differs(c.have.configured, c.want) && c.field !== 'state') return 'configured';
  return 'running';
};

/** The cheapest way that the live VM allows; undefined where none is. */
const legal = (c: PlanChange): PlanChange['ways'][number] | undefined => c.ways.find((w) => w.illegal === undefined);

/** The option that raises the budget far enough for `c`. */
const allow = (vm: string, c: PlanChange, disruption: Disruption): string =>
  option('--allow', `${disruption}=${patternOf(vm, c, disruption)}`);

const patternOf = (vm: string, c: PlanChange, disruption: Disruption): string => {
  const part = severity(disruption) < severity('restart') ? fieldPart(c.field) : null;
  return part === null ? vm : `${vm}/${part}`;
};

const who = (c: PlanChange): string | null => {
  switch (c.cause) {
    case 'config':
    case 'adopt':
    case 'pending':
      return null;
    case 'drift-running':
      if (c.field !== 'state') return 'changed by hand (running)';
      return c.have.running.is === 'absent' || plain(c.have.running) === 'crashed'
        ? 'not by Reeve'
        : 'by hand, from inside the guest, or left unfinished';
    case 'drift-configured':
      return inLinks(c.field) ? 'changed by hand' : 'changed by hand (edited cfg)';
    case 'conflict': {
      const applied = c.have.applied.is === 'value' ? `, last applied ${valueText(c.field, c.have.applied)}` : '';
      return `conflict: file and hand both changed it${applied}; the file wins`;
    }
  }
};

/** A cfg that says a third thing than what runs and what is wanted. */
const third = (c: PlanChange): string | null => {
  const { applied, configured, running } = c.have;
  if (configured.is !== 'value' || running.is !== 'value') return null;
  const told = !differs(configured, applied) && c.cause === 'conflict';
  return !told && differs(configured, c.want) && differs(running, c.want) && differs(configured, running)
    ? `the cfg says ${valueTexts(c.field, configured, c.want)[0]}`
    : null;
};

const cost = (c: PlanChange): string | null => {
  const { way } = c;
  if (!way) return null;
  if (way.how === 'grow-disk') return way.why;
  // What a state costs stands in the block's head.
  if (c.field === 'state') return plain(c.have.running) === 'crashed' ? way.why : null;
  if (way.how === 'restart') {
    const cheaper = legal(c);
    if (cheaper && severity(cheaper.disruption) < severity('restart')) return 'goes along with the restart';
    return `needs the restart: ${c.ways.find((w) => w.illegal !== undefined)?.illegal ?? way.why}`;
  }
  return severity(way.disruption) >= severity('device') ? way.why : null;
};

/** For several VMs or parts of them: `--allow 'restart={web-1,web-2}'` */
export const allowing = (disruption: Disruption, patterns: readonly string[]): string =>
  option('--allow', `${disruption}=${patterns.length === 1 ? patterns[0] : `{${patterns.join(',')}}`}`);

/** What would allow a waiting change; null where nothing would. */
export const allowFor = (
  vm: string,
  c: PlanChange,
): { readonly disruption: Disruption; readonly pattern: string } | null => {
  const way = legal(c);
  return way ? { disruption: way.disruption, pattern: patternOf(vm, c, way.disruption) } : null;
};

/** What does a waiting change now, in short; null where nothing would. */
export const doesItNow = (vm: string, c: PlanChange): string | null => {
  const way = legal(c);
  return way ? `${allow(vm, c, way.disruption)} does it now` : null;
};

/** Why it waits. */
const waiting = (c: PlanChange): string => {
  const way = legal(c);
  const forbidden = c.ways.find((w) => w.illegal !== undefined)?.illegal;
  return `waits: ${(way && way.how !== 'restart' ? way.why : (forbidden ?? way?.why)) ?? 'it cannot be made now'}`;
};

/** What the waiting changes of one VM wait for, and what would do them now: below all of them, since it is the same for all. */
export const waitingFor = (vm: string, changes: readonly PlanChange[]): readonly string[] => {
  const waits = changes.filter((c) => c.fate === 'defer' || c.fate === 'pending');
  const written = waits.some((c) => c.fate === 'defer') ? 'written to the cfg, ' : '';
  const now = new Set(waits.flatMap((c) => doesItNow(vm, c) ?? []));
  return [...now].map((text) => `${written}waits for the next restart; ${text}`);
};

const notes = (c: PlanChange): readonly (string | null)[] => {
  switch (c.fate) {
    case 'take':
      return [who(c), third(c), cost(c)];
    case 'defer':
    case 'pending':
      return [who(c), third(c), waiting(c)];
    case 'refuse':
      return [who(c)];
    case 'released':
      return ['released: the file no longer sets it, so it is left as it is'];
  }
};

export const changeText = (c: PlanChange): ChangeText => {
  const layer = now(c);
  const [from, to] =
    c.fate === 'released' ? [valueText(c.field, c.have.applied), ''] : valueTexts(c.field, c.have[layer], c.want);
  const label = fieldLabel(c.field);
  const inCfg =
    layer === 'configured' && !inLinks(c.field) && c.have.running.is === 'value' && !differs(c.have.running, c.want);
  const all = [inCfg ? 'only the cfg' : null, ...notes(c)].filter((n) => n !== null);
  return { label, from: c.field === 'state' && from === 'none' ? 'stopped' : from, to, note: clean(all.join('; ')) };
};
