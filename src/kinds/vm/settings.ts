/** The settings and the `xl:` keys of a wanted VM: settled one by one, and written only where they differ from Xen's own. */
import { digestText, sameValue } from '../../core/digest.ts';
import { together } from './cpus.ts';
import type { Secrets } from '../toolstack.ts';
import type { Books, Settle } from './facts.ts';
import { fields, settingOf } from './fields.ts';
import type { Marker } from './live.ts';
import type { CfgSetting, Secret, SettingName, Settings, SettingValue, VmConfig, VmSpec, VmType } from './spec.ts';
import { table } from '../../core/table.ts';

export const isSecret = (v: unknown): v is Secret => typeof v === 'object' && v !== null && 'secret' in v;

/** What a value is compared with besides itself. */
export interface Lights {
  readonly secrets: Secrets;
  /** The server's. */
  readonly cpus: number;
}

/** As it is compared: a password with the digest of its value, where that is known; every CPU of the server is `all`. */
export const comparable = (name: string, v: unknown, { secrets, cpus }: Lights): unknown => {
  if (name.startsWith('affinity.') && typeof v === 'string') {
    const all = new Set([`0-${cpus - 1}`, ...(cpus === 1 ? ['0'] : [])]);
    return together(v.split('; ').map((set) => (all.has(set) ? 'all' : set)));
  }
  if (!isSecret(v)) return v;
  const text = secrets.get(v.secret);
  return text === undefined ? v : { ...v, digest: digestText(text) };
};

/** As it may be written down: a password's digest would give a short one away. */
export const withoutDigests = (settings: Settings): Settings =>
  table(
    Object.entries(settings).map(([name, v]) => [name, isSecret(v) ? { secret: v.secret, digest: null } : v]),
  ) as Settings;

/** A screen that is off has no address and no password. */
const screens: readonly SettingName[] = ['display.vnc', 'display.spice'];

/** What differs from Xen's own, in the order of the table. */
const canonicalSettings = (type: VmType, settings: Settings): Settings => {
  const off = screens.filter((screen) => settingOf(settings, screen) === false);
  const out: Record<string, unknown> = table();
  for (const { name, types, fallback } of fields) {
    const v = settings[name];
    if (v === undefined || !types.includes(type) || sameValue(v, fallback)) continue;
    if (!off.some((screen) => name.startsWith(`${screen}.`))) out[name] = v;
  }
  return out;
};

/** `base`: the VM as it is, where it is of the same type. */
export const settleSettings = (
  spec: VmSpec,
  type: VmType,
  base: VmConfig | null,
  marker: Marker | null,
  lights: Lights,
  settle: Settle,
): Settings => {
  const all: Record<string, SettingValue> = table();
  for (const field of fields) {
    const set = spec.settings[field.name];
    const said = marker !== null && field.name in marker.applied;
    if (!field.types.includes(type) || (set === undefined && !said && base?.settings[field.name] === undefined))
      continue;
    const value = settle<SettingValue>(
      field.name,
      set,
      base ? settingOf(base.settings, field.name) : undefined,
      () => field.fallback,
    );
    all[field.name] = comparable(field.name, value, lights) as SettingValue;
  }
  return canonicalSettings(type, all);
};

/** Keys that Reeve has no word for: those of the file, and those that nobody but the cfg ever set. */
export const settleXl = (
  spec: VmSpec,
  base: VmConfig | null,
  marker: Marker | null,
  { governed, released, applied }: Books,
): readonly CfgSetting[] => {
  const set = spec.xl ?? table();
  const before = base?.extra ?? [];
  const kept = before.filter(({ key }) => {
    if (Object.hasOwn(set, key)) return false;
    const field = `xl.${key}`;
    if (marker === null || !(field in marker.applied)) return true;
    if (marker.origin === 'adopted') released.push(field);
    return marker.origin === 'adopted';
  });
  for (const field of Object.keys(marker?.applied ?? {})) {
    if (field.startsWith('xl.') && marker?.origin === 'created') governed.add(field);
  }
  const mine = Object.keys(set)
    .sort()
    .map((key) => {
      const value = set[key] ?? '';
      governed.add(`xl.${key}`);
      applied[`xl.${key}`] = value;
      return { key, value };
    });
  return [...kept, ...mine];
};
