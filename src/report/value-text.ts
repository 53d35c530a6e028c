/** Fields and values of a VM as people call and write them. */
import type { Seen } from '../core/change.ts';
import { formatSize } from '../core/quantity.ts';
import { clean } from './text.ts';

const labels: Readonly<Record<string, string>> = {
  'memory.target': 'memory',
  'memory.max': 'memory max',
  'vcpus.count': 'vcpus',
  'vcpus.max': 'vcpus max',
  'boot.kernel': 'kernel',
  'boot.ramdisk': 'ramdisk',
  'boot.cmdline': 'cmdline',
};

/** `memory.target` → `memory`, `disks.xvdb` → `disk xvdb`. */
export const fieldLabel = (field: string): string => {
  const known = labels[field];
  if (known !== undefined) return known;
  if (field.startsWith('disks.')) return `disk ${clean(field.slice(6))}`;
  if (field.startsWith('nics.')) return `nic ${clean(field.slice(5)).replace(/^mac /, '')}`;
  return clean(field);
};

/** The part of a VM that `--allow CLASS=VM/PART` can name, or null. */
export const fieldPart = (field: string): string | null =>
  field.startsWith('disks.') || field.startsWith('nics.') ? field.slice(field.indexOf('.') + 1) : null;

const member = (v: unknown, key: string): string | null => {
  const x = typeof v === 'object' && v !== null ? (v as Record<string, unknown>)[key] : null;
  return typeof x === 'string' ? clean(x) : null;
};

const quoted = (text: string): string => (text === '' || /\s/.test(text) ? JSON.stringify(text) : text);

/** `other` is the value on the arrow's other side: what both have in common need not be said twice. */
const one = (field: string, v: unknown, other: unknown): string => {
  if (typeof v === 'number') return field.startsWith('memory.') ? formatSize(v) : String(v);
  if (typeof v === 'boolean') return v ? 'on' : 'off';
  if (typeof v === 'string') return quoted(clean(v));
  if (field.startsWith('disks.')) {
    const path = member(v, 'path') ?? '?';
    const access = member(v, 'access') ?? 'rw';
    if (member(other, 'path') === path) return `${path} (${access})`;
    return access === 'rw' ? path : `${path} (${access})`;
  }
  if (field.startsWith('nics.')) {
    const bridge = member(v, 'bridge') ?? 'no bridge';
    const mac = member(v, 'mac');
    return mac === null || mac === member(other, 'mac') ? bridge : `${bridge} (${mac})`;
  }
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
      return 'none';
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
