/** libxl's stored configuration of a running domain: JSON with a NUL behind it, defaults left out. */
import { brief, isObject, parseJson, type JsonObject } from '../../../core/json.ts';
import { covered } from '../../../core/password.ts';
import type { CfgValue, Settings, VmConfig, VmType } from '../../../kinds/vm/spec.ts';
import { printed } from './bytes.ts';
import { settingsOfCfg } from '../cfg/settings.ts';
import { Odd } from '../cfg/values.ts';
import { unwritable } from './unwritable.ts';
import { table } from '../../../core/table.ts';

export interface StoredConfig {
  readonly name: string | null;
  readonly type: VmType | null;
  readonly maxVcpus: number;
  /** KiB; null: the default. */
  readonly maxMemory: number | null;
  /** As it was started; later changes are not in it. */
  readonly target: number | null;
  readonly boot: VmConfig['boot'];
  /** As it was started. */
  readonly settings: Settings;
  /** Format by vdev. */
  readonly formats: Readonly<Record<string, string>>;
  /** The emulated card, and the VLAN on a Linux bridge, by MAC; only where one is named. */
  readonly cards: Readonly<Record<string, string>>;
  readonly vlans: Readonly<Record<string, number>>;
  /** What a cfg that is made from it would lack, as a cfg calls it. */
  readonly lost: readonly string[];
}

type Json = JsonObject;

/** What libxl leaves out is at its default; what is there is of the one type that libxl gives it. */
const member = <T>(of: Json, key: string, what: string, is: (x: unknown) => x is T): T | null => {
  const x = of[key];
  if (x === undefined || x === null) return null;
  if (!is(x)) throw new Odd(`\`${key}\` is ${brief(x)}, and should be ${what}`);
  return x;
};
const map = (of: Json, key: string): Json => member(of, key, 'an object', isObject) ?? table();
const text = (of: Json, key: string): string | null => member(of, key, 'a text', (x) => typeof x === 'string');
const count = (of: Json, key: string): number | null =>
  member(of, key, 'a whole number', (x): x is number => Number.isSafeInteger(x) && Number(x) >= 0);
const list = (of: Json, key: string): readonly Json[] =>
  member(of, key, 'a list of objects', (x): x is Json[] => Array.isArray(x) && x.every(isObject)) ?? [];

const isSet = (x: unknown): x is readonly number[] => Array.isArray(x) && x.every((n) => Number.isSafeInteger(n));
const isSets = (x: unknown): x is readonly (readonly number[])[] => Array.isArray(x) && x.every(isSet);
const isWord = (x: unknown): boolean => typeof x === 'string' || typeof x === 'number';

const types: Readonly<Record<string, VmType>> = table({ pv: 'pv', pvh: 'pvh', hvm: 'hvm' });

/** The same CPUs for every vCPU, as a cfg would have them; null where they differ. */
const cpusOf = (build: Json, key: string): string | null => {
  const sets = [...new Set(member(build, key, 'a list of CPUs for each vCPU', isSets)?.map((set) => set.join(',')))];
  return sets.length === 1 ? (sets[0] ?? null) : null;
};

/** What the cfg said that led to it. `defbool`s are the texts True and False. */
const asCfg = (json: Json): ReadonlyMap<string, CfgValue> => {
  const [create, build] = [map(json, 'c_info'), map(json, 'b_info')];
  const [hvm, sched] = [map(build, 'type.hvm'), map(build, 'sched_params')];
  const [vnc, spice] = [map(hvm, 'vnc'), map(hvm, 'spice')];
  const cfg = new Map<string, CfgValue>();
  const say = (key: string, x: unknown): void => {
    if (x === 'True' || x === 'False') cfg.set(key, x === 'True' ? '1' : '0');
    else if (typeof x === 'number') cfg.set(key, String(x));
    else if (typeof x === 'string') cfg.set(key, x);
    else if (Array.isArray(x) && x.every(isWord)) cfg.set(key, x.map(String));
    else if (x !== undefined && x !== null) throw new Odd(`what it says of ${key} is ${brief(x)}`);
  };
  const event = (key: string): void => {
    const word = (text(json, key) ?? 'destroy').replaceAll('_', '-');
    say(key, word === 'restart-rename' ? 'rename-restart' : word);
  };
  say('bootloader', build['bootloader']);
  say('bios', hvm['bios']);
  say('boot', hvm['boot']);
  say('vnc', vnc['enable']);
  say('vnclisten', vnc['listen']);
  say('vncdisplay', vnc['display']);
  say('vncunused', vnc['findunused']);
  say('vncpasswd', vnc['passwd']);
  say('spice', spice['enable']);
  say('spicehost', spice['host']);
  say('spiceport', spice['port']);
  say('spicepasswd', spice['passwd']);
  say('spicedisable_ticketing', spice['disable_ticketing']);
  say('serial', hvm['serial_list'] ?? hvm['serial']);
  say('usbdevice', hvm['usbdevice_list'] ?? hvm['usbdevice']);
  say('cpu_weight', sched['weight']);
  say('cap', sched['cap']);
  say('cpus', cpusOf(build, 'vcpu_hard_affinity'));
  say('cpus_soft', cpusOf(build, 'vcpu_soft_affinity'));
  say('pool', create['pool_name']);
  event('on_poweroff');
  event('on_reboot');
  event('on_crash');
  return cfg;
};

/** `beyond`: keys of a cfg whose values Reeve has no word for. */
const settingsOf = (json: Json, type: VmType): { readonly settings: Settings; readonly beyond: readonly string[] } => {
  const cfg = asCfg(json);
  try {
    const { settings, keys } = settingsOfCfg(cfg, type);
    return { settings, beyond: [...cfg.keys()].filter((key) => !keys.has(key)) };
  } catch (e) {
    // A newer libxl's words are no reason to know nothing of the domain.
    if (!(e instanceof Odd)) throw e;
    return { settings: {}, beyond: [e.why] };
  }
};

/** Null where it is no JSON. Throws `Odd` for what libxl would not write. */
export const parseStored = (bytes: Uint8Array): StoredConfig | null => {
  const end = bytes.findLastIndex((b) => b !== 0) + 1;
  const read = parseJson(printed(bytes.subarray(0, end)));
  if (!read.ok && read.deep) throw new Odd(`its JSON ${read.why}`);
  if (!read.ok) return null;
  const json = read.value;
  if (!isObject(json)) throw new Odd(`its JSON is ${brief(json)}, and should be an object`);
  const [create, build] = [map(json, 'c_info'), map(json, 'b_info')];
  const type = types[text(create, 'type') ?? ''] ?? null;
  const formats: Record<string, string> = table();
  for (const disk of list(json, 'disks')) {
    const vdev = text(disk, 'vdev');
    if (vdev !== null) formats[vdev] = text(disk, 'format') ?? 'raw';
  }
  const cards: Record<string, string> = table();
  const vlans: Record<string, number> = table();
  for (const nic of list(json, 'nics')) {
    const [mac, model, vlan] = [text(nic, 'mac')?.toLowerCase(), text(nic, 'model'), text(nic, 'vlan')];
    if (mac === undefined) continue;
    if (model !== null) cards[mac] = model;
    if (vlan !== null && /^[1-9]\d*$/.test(vlan)) vlans[mac] = Number(vlan);
  }
  const cmdline = text(build, 'cmdline');
  const { settings, beyond } = type === null ? { settings: {}, beyond: [] } : settingsOf(json, type);
  const uneven = (['cpus', 'cpus_soft'] as const).filter((key) => {
    const set = key === 'cpus' ? 'vcpu_hard_affinity' : 'vcpu_soft_affinity';
    return build[set] !== undefined && cpusOf(build, set) === null;
  });
  return {
    name: text(create, 'name'),
    type,
    maxVcpus: count(build, 'max_vcpus') ?? 1,
    maxMemory: count(build, 'max_memkb'),
    target: count(build, 'target_memkb'),
    boot: {
      kernel: text(build, 'kernel'),
      ramdisk: text(build, 'ramdisk') || null,
      cmdline: cmdline === null || cmdline === '' ? null : covered(cmdline),
    },
    settings,
    lost: unwritable(json, [...beyond, ...uneven]),
    formats,
    cards,
    vlans,
  };
};
