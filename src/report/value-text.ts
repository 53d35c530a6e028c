/** Fields and values of a VM as people call and write them. */
import type { Seen } from '../core/change.ts';
import { isObject } from '../core/json.ts';
import { formatSize } from '../core/quantity.ts';
import { fieldOf } from '../kinds/vm/fields.ts';
import { isSecret } from '../kinds/vm/settings.ts';
import { clean } from './text.ts';
import { table } from '../core/table.ts';

const labels: Readonly<Record<string, string>> = table({
  'memory.target': 'memory',
  'memory.max': 'memory max',
  'vcpus.count': 'vcpus',
  'vcpus.max': 'vcpus max',
  'boot.kernel': 'kernel',
  'boot.ramdisk': 'ramdisk',
  'boot.cmdline': 'cmdline',
  'autostart.link': 'autostart link',
});

/** `memory.target` → `memory`, `disks.xvdb` → `disk xvdb`, `cdrom.hdc` → `cd hdc`, `sched.weight` → `weight`. */
export const fieldLabel = (field: string): string => {
  const known = labels[field] ?? fieldOf(field)?.label;
  if (known !== undefined) return known;
  if (field.startsWith('disks.')) return `disk ${clean(field.slice(6))}`;
  if (field.startsWith('size.')) return `size of ${clean(field.slice(5))}`;
  if (field.startsWith('cdrom.')) return `cd ${clean(field.slice(6))}`;
  if (field.startsWith('nics.')) return `nic ${clean(field.slice(5)).replace(/^mac /, '')}`;
  if (field.startsWith('xl.')) return `xl ${clean(field.slice(3))}`;
  return clean(field);
};

/** The part of a VM that `--allow CLASS=VM/PART` can name, or null. */
export const fieldPart = (field: string): string | null =>
  field.startsWith('disks.') || field.startsWith('nics.') ? field.slice(field.indexOf('.') + 1) : null;

const member = (v: unknown, key: string): string | null => {
  const x = typeof v === 'object' && v !== null ? (v as Record<string, unknown>)[key] : null;
  return typeof x === 'string' || typeof x === 'number' ? clean(String(x)) : null;
};

const quoted = (text: string): string => (text === '' || /\s/.test(text) ? JSON.stringify(text) : text);

/** `1250000B/s@50000us` → `10Mb/s`: as people write it, the usual interval left out. */
const rateText = (rate: string): string => {
  const m = /^(\d+)B\/s@(\d+)us$/.exec(rate);
  if (!m) return rate;
  const [bits, us] = [Number(m[1]) * 8, Number(m[2])];
  const speed = bits % 1e6 === 0 ? `${bits / 1e6}Mb/s` : bits % 1000 === 0 ? `${bits / 1000}Kb/s` : `${bits / 8}B/s`;
  return us === 50_000 ? speed : `${speed}@${us % 1000 === 0 ? `${us / 1000}ms` : `${us}us`}`;
};

/** `path (ro, qcow2)`: what is usual is left out, unless it is what differs. */
const diskText = (v: unknown, other: unknown): string => {
  const path = member(v, 'path') ?? '?';
  const sharing = isObject(v) && v['shared'] === true;
  const same = member(other, 'path') === path;
  const note = (key: string, text: string, usual: string): readonly string[] =>
    text === usual && (!same || (member(other, key) ?? usual) === text) ? [] : [text];
  const backend = member(v, 'backend');
  const notes = [
    ...note('access', sharing ? 'shared' : (member(v, 'access') ?? 'rw'), 'rw'),
    ...note('format', member(v, 'format') ?? 'raw', 'raw'),
    ...(backend === null || (same && member(other, 'backend') === backend) ? [] : [backend]),
  ];
  return notes.length === 0 ? path : `${path} (${notes.join(', ')})`;
};

const nicOptions: Readonly<Record<string, (v: string) => string>> = table({
  mac: (v) => v,
  vlan: (v) => `VLAN ${v}`,
  rate: rateText,
  model: (v) => v,
  script: (v) => `script ${v}`,
});

/** `xenbr0 (02:…, VLAN 20, 10Mb/s)`: without what both sides of the arrow have. */
const nicText = (v: unknown, other: unknown): string => {
  const notes = Object.entries(nicOptions).flatMap(([key, words]) => {
    const mine = member(v, key);
    return mine === null || mine === member(other, key) ? [] : [words(mine)];
  });
  const bridge = member(v, 'bridge') ?? 'no bridge';
  return notes.length === 0 ? bridge : `${bridge} (${notes.join(', ')})`;
};

/** What a saved plan has in a value's place may be an object, which says nothing of itself as text. */
const plain = (x: unknown): string => (typeof x === 'string' ? x : (JSON.stringify(x) ?? 'none'));

const item = (text: string): string => (text.includes(',') ? JSON.stringify(text) : quoted(text));

/** A list of an xl.cfg, or the order in which a VM boots. */
const listText = (v: readonly unknown[]): string =>
  v.map((x) => (Array.isArray(x) ? `[${listText(x)}]` : item(clean(plain(x))))).join(', ') || 'none';

const secretText = (secret: string): string => (secret === 'kept' ? 'the one of the cfg' : clean(secret));

/** `other` is the value on the arrow's other side: what both have in common need not be said twice. */
const one = (field: string, v: unknown, other: unknown): string => {
  if (isSecret(v)) return secretText(plain(v.secret));
  if (field === 'sched.cap') return v === 0 ? 'none' : `${clean(plain(v))}%`;
  if (typeof v === 'number') return /^(?:memory|size)\./.test(field) ? formatSize(v) : String(v);
  if (typeof v === 'boolean') return v ? 'on' : 'off';
  if (typeof v === 'string') return field.endsWith('.password') ? clean(v) : quoted(clean(v));
  if (Array.isArray(v)) return listText(v);
  if (field.startsWith('disks.')) return diskText(v, other);
  if (field.startsWith('cdrom.')) return member(v, 'path') || 'empty';
  if (field.startsWith('nics.')) return nicText(v, other);
  return clean(JSON.stringify(v) ?? 'none');
};

const raw = (s: Seen<unknown>): unknown => (s.is === 'value' ? s.value : undefined);

const side = (field: string, s: Seen<unknown>, other: Seen<unknown>): string => {
  switch (s.is) {
    case 'value':
      return one(field, s.value, raw(other));
    case 'default':
      return 'default';
    case 'absent':
      // No port is set: the first that is free is taken.
      return field.startsWith('display.') && field.endsWith('.port') ? 'any' : 'none';
    case 'unknown':
      return 'unknown';
  }
};

/** A value and what it becomes, as a pair of texts. */
export const valueTexts = (field: string, from: Seen<unknown>, to: Seen<unknown>): readonly [string, string] => [
  side(field, from, to),
  side(field, to, from),
];

export const valueText = (field: string, s: Seen<unknown>): string => side(field, s, { is: 'absent' });
